"""Puts distributions where Python finds them, as an installer would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def distribution(site: Path, name: str, points: str, files: Mapping[str, str] | None = None, version: str = "1.0") -> None:
    """Leave a distribution in the folder ``site``: its metadata, its entry points, and files by their paths."""
    info = f"{name}-{version}.dist-info"
    metadata = {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"}
    for path, text in {**metadata, f"{info}/entry_points.txt": points, **(files or {})}.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
