"""A Hub, a cache and a folder of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hubworld import NAMES, TOKEN, World
from loopback import Hub


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], toy_plugin: None
) -> Iterator[World]:
    """A world whose client neither waits between its tries nor finds the user's own token; its folder is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    with Hub() as hub:
        world = World(hub, tmp_path, monkeypatch, capsys)
        hub.attach(monkeypatch, world.home, TOKEN)
        yield world
