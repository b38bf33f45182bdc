"""A checkpoint that a run of the toy left, made once; each test that asks for it gets a copy of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import toy

import zoo


@pytest.fixture(scope="session")
def _run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy") / "run"
    with pytest.MonkeyPatch.context() as patch:
        toy.install(patch)
        zoo.run(model="toy", task="toy-shade", metrics=["toy-best"], n=9, out=folder, progress=False)
    toy.remove()
    return folder


@pytest.fixture
def made(_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_run, tmp_path / "run")) / "checkpoint"
