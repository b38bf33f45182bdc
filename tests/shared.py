"""Real data, where it lies beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_data(name: str) -> Path:
    """The folder of real data called ``name``; the test is skipped, with the reason, where it is absent."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"real data {name!r} is not beside this checkout")
    return folder
