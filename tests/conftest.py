"""Shared by all tests: a cache of their own, no Hub, and the toy plugin."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "third_party"))

LONGEST = [
    "test_plugin_page.py",
    "test_bench_cluster.py",
    "test_browser.py",
    "test_docs.py",
    "test_cgml.py",
    "test_side_by_side.py",
]

# One cache for all the processes that share the tests, and one core for each of them: torch would take all.
os.environ.setdefault("ZOO_CACHE", tempfile.mkdtemp(prefix="zoo-test-cache-"))
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The many processes that tests start would each compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# No test asks the real Hub, or finds what a person has cached of it or the token: nobody listens at this port.
os.environ.update(HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=tempfile.mkdtemp(prefix="zoo-test-hub-"), HF_TOKEN="")
for _name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE"):
    os.environ.pop(_name, None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """With ``-n auto`` one process more than cores: a test that waits for what never ends leaves its core to another."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with the longest tests first, so that nobody begins one when the others are done."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: it need not be looked through again and again for what can be thrown away."""
    gc.freeze()


@pytest.fixture
def toy_plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The toy plugin of the tests of the core is installed for the length of one test."""
    import toy

    toy.install(monkeypatch)
    yield
    toy.remove()


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures of this process are left out: drawing takes longer than all the rest, and other tests look at them."""
    from PIL import Image

    monkeypatch.setattr("zoo.reporting.report.sheet", lambda *_: Image.new("RGB", (1, 1)))
    for name in ("benching.tables.plots.scatter", "benching.tables.plots.curves"):
        monkeypatch.setattr(f"zoo.{name}", lambda *_: "")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for one test; its folder."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
