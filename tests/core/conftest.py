"""What the tests of the core share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import toy


@pytest.fixture
def toy_plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The toy plugin is installed for the length of one test."""
    toy.install(monkeypatch)
    yield
    toy.remove()
