"""The notebooks of the tutorials run, and show what stands in them.

IPython runs their cells as a kernel does, but in this process, which has most of what they import already.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from snippets import ROOT

from zoo import registry

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.ipynb"))
LARGEST = 400_000
"""Bytes of a notebook, with its pictures."""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shell of IPython's in an empty folder, in which packages are looked for too."""
    pytest.importorskip("IPython", reason="IPython is not installed: pip install -e '.[dev]'")
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    (work := tmp_path / "work").mkdir()
    monkeypatch.chdir(work)
    monkeypatch.syspath_prepend(str(work))
    registry.forget()
    before = set(sys.modules)
    made = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    yield made
    made.restore_sys_module_state()
    for name in set(sys.modules) - before:
        if str(work) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]
    registry.forget()


def shown(result: Any, shell: Any) -> set[str]:
    """The forms in which the last value of a cell is shown."""
    return set() if result.result is None else set(shell.display_formatter.format(result.result)[0])


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial(path: Path, shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Each cell runs, says nothing to stderr, and shows what is kept of it: the same forms, and words where it prints any."""
    import nbformat

    assert path.stat().st_size < LARGEST
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type != "code":
            continue
        result = shell.run_cell(cell.source)
        result.raise_error()
        out, _ = capsys.readouterr()
        kept = [form for output in cell.outputs for form in output.get("data", {})]
        assert set(kept) - shown(result, shell) == set(), cell.source
        assert bool(out.strip()) == bool(cell.outputs), cell.source


def test_there_is_one_for_each_way_in() -> None:
    assert [path.stem for path in TUTORIALS] == ["model", "photo", "question"]
