"""The plan of the house: rooms, the way imports run, and how long a file may be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from snippets import ROOT

PACKAGES = ("zoo", "plugins", "tasks", "metrics")
ARROWS = {
    "plain": "from zoo.running import run\n",
    "lazy": "def late() -> None:\n    from zoo.running import run\n",
    "typed": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from zoo.running import run\n",
}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of the packages in ``tree``, by the contracts of pyproject.toml."""
    pytest.importorskip("importlinter", reason="import-linter is not installed: pip install -e '.[dev]'")
    env = os.environ | {"PYTHONPATH": os.pathsep.join(str(tree / name) for name in (".", *PACKAGES[1:]))}
    command = "from importlinter.cli import lint_imports_command as main; main(['--no-logo', '--no-cache'])"
    return subprocess.run([sys.executable, "-c", command], cwd=tree, env=env, capture_output=True, text=True)


def test_imports_run_one_way_and_an_arrow_that_runs_up_is_found(tmp_path: Path) -> None:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout
    for kind, text in ARROWS.items():
        (tmp_path / "zoo" / "utils" / f"{kind}.py").write_text(text)
    done = lint(tmp_path)
    assert done.returncode == 1
    assert [kind for kind in ARROWS if f"zoo.utils.{kind} -> zoo.running" not in done.stdout] == []


def test_the_core_holds_rooms_only() -> None:
    beside = {path.name for path in (ROOT / "zoo").glob("*.py")}
    assert beside == {"__init__.py", "__main__.py"}


def test_no_file_is_longer_than_300_lines() -> None:
    where = (*PACKAGES, "benchmarks", "examples", "tests", "tools")
    lengths = {path: len(path.read_text().splitlines()) for name in where for path in (ROOT / name).rglob("*.py")}
    assert [path for path, length in lengths.items() if length > 300] == []
