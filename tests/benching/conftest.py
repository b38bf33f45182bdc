"""The toys, and one whole bench of them for all the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import toybenches

import zoo


@pytest.fixture(scope="session")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    toybenches.write(site)
    return site


@pytest.fixture(scope="session")
def whole(_site: Path, tmp_path_factory: pytest.TempPathFactory) -> zoo.BenchResult:
    """Two models, one task, two seeds, in two worker processes."""
    with toybenches.installed(_site):
        return toybenches.bench(tmp_path_factory.mktemp("whole") / "out", workers=2)


@pytest.fixture(scope="module")
def toys(_site: Path) -> Iterator[None]:
    """The toy plugin, a weak model beside it, and a suite of them."""
    with toybenches.installed(_site):
        yield


@pytest.fixture
def weak(toys: None, _site: Path) -> Iterator[Path]:
    """Where it is written how the weak model ends."""
    yield _site / "weak"
    for name in ("weak", "weak.pid"):
        (_site / name).unlink(missing_ok=True)
