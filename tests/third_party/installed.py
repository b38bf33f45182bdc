"""Puts distributions where Python finds them, as an installer would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


def distribution(
    site: Path, name: str, points: str, files: Mapping[str, str] = {}, version: str = "1.0", requires: Sequence[str] = ()
) -> None:
    """Leave a distribution in the folder ``site``: its metadata, its entry points, and files by their paths."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {each}" for each in requires)]
    metadata = {f"{info}/METADATA": "\n".join(lines) + "\n", f"{info}/entry_points.txt": points}
    for path, text in {**metadata, **files}.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
