"""Puts the toy plugin beside this file where Python and the registry find it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zoo import registry

FOLDER = Path(__file__).parent / "toy_plugin"


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin is installed for the length of one test, and the user's own registry is an empty one."""
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    monkeypatch.setenv("ZOO_REGISTRY", str(FOLDER / "user.toml"))
    monkeypatch.syspath_prepend(str(FOLDER))
    registry.forget()


def remove() -> None:
    registry.forget()
    for name in [name for name in sys.modules if name.startswith("toy_zoo")]:
        del sys.modules[name]
