"""The planted plugin is installed for all tests of a module here."""

from __future__ import annotations

from collections.abc import Iterator

import planting
import pytest

from zoo import registry


@pytest.fixture(scope="module", autouse=True)
def _plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        planting.install(monkeypatch, tmp_path_factory.mktemp("planted"))
        yield
    registry.forget()
