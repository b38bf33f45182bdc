"""Bounds of what a command is asked for, and paths as a person writes them: nothing is written before both are looked at."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from calls import call_here
from PIL import Image

import zoo
from zoo.cli import main
from zoo.contracts.make import model as create
from zoo.utils.errors import RequestError

pytestmark = pytest.mark.usefixtures("toy_plugin")
RUN = ["run", "--model", "toy", "--task", "toy-shade", "--metric", "toy-best", "-n", "2", "--items", "2"]
LONG = "long" * 100
BENCH = ["bench", "--models", "toy", "--tasks", "toy-shade"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder, which is empty, as the working folder is."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    model = create("toy", (1, 4, 4), (1, 4, 4))
    model.fit(zoo.Pairs(torch.rand(6, 1, 4, 4), torch.rand(6, 1, 4, 4)))
    model.save(tmp_path / "weights", task="toy-shade", task_config={"size": 4})
    Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "weights"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([*RUN, "-n", "1000000000"], "n is 1000000000; it must be a whole number, from 1 to"),
        ([*RUN, "-n", "9" * 400], "; it must be a whole number, from 1 to"),
        ([*RUN, "--epochs", "9" * 400], "; it must be a whole number, from 1 to"),
        ([*RUN, "--seed", str(2**63)], "seed is 9223372036854775808; it must be a whole number"),
        ([*RUN, "--set", "task.size=1000000000000000000000000"], "a whole number of at most 64 bits"),
        ([*RUN, "--set", "spread=1e400"], "spread is '1e400'; it must be a finite number"),
        ([*RUN, "--set", "name=1"], "has no setting 'name'"),
        ([*RUN, "--set", "task.self=1"], "has no setting 'self'"),
        ([*RUN, "--set", "training.pairs=1"], "training has no setting 'pairs'"),
        ([*RUN, "--epochs", "1", "--set", "training.epochs=2"], "epochs are named twice"),
        ([*RUN, "--out", ""], "the path is '': it must name a file or a folder"),
        ([*RUN, "--out", "a\0b"], "the path is 'a\\x00b': it must name a file or a folder"),
        ([*RUN, "--data", "folder:a\0b"], "a path cannot hold a zero byte"),
        ([*BENCH, "--seeds", "1000000000000"], "seeds is 1000000000000; it must be a whole number, from 1 to"),
        ([*BENCH, "-n", "1000000000000"], "n is 1000000000000; it must be a whole number, from 1 to"),
        ([*BENCH, "--out", ""], "the path is '': it must name a file or a folder"),
        ([*RUN, "--out", LONG], "File name too long"),
        ([*BENCH, "--out", LONG], "File name too long"),
        (["tune", "--models", "toy", "--task", "toy-shade", "--out", f"a/{LONG}"], "File name too long"),
        (["sample", "cvae/relight", f"{LONG}.png"], "File name too long"),
        (["sample", "cvae/relight", "--near", f"{LONG}/sample-01.png"], "File name too long"),
        (["show", f"dir:{LONG}"], "File name too long"),
        (["verify", "dir:nowhere"], "there is no folder nowhere"),
        (["verify", "hf:a b"], "it must be ORG/REPO"),
        (["new", "plugin", "zoo-tides", "--out", str(Path(__file__))], "is a file; name a new folder"),
    ],
)
def test_what_is_out_of_bounds_is_refused_before_anything_is_written(home: Path, words: list[str], says: str) -> None:
    code, out, err, _ = call_here(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert [*home.iterdir(), *Path().iterdir()] == []


def test_samples_that_memory_has_no_room_for_are_not_begun(home: Path, checkpoint: Path) -> None:
    code, out, err, _ = call_here("sample", f"dir:{checkpoint}", str(checkpoint.parent / "photo.png"), "-n", "1000000000")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "1000000000 samples need about " in err
    assert list(Path().iterdir()) == []
    with pytest.raises(RequestError, match="1000000000 samples of each of 2 need about"):
        zoo.load(f"dir:{checkpoint}").sample([np.zeros((9, 9, 3), np.uint8)] * 2, 10**9)


def test_the_home_folder_is_meant_wherever_a_path_is_written(home: Path, checkpoint: Path) -> None:
    words = [*RUN, "--out=~/run"]
    assert call_here(*words)[0] == 0
    zoo.run("toy", "toy-shade", n=2, items=2, metrics=["toy-best"], out="~/again", progress=False)
    checkpoint.rename(home / "weights")
    loaded = zoo.load("dir:~/weights", device="cpu")
    loaded.sample(np.zeros((9, 9, 3), np.uint8), 1, seed=0).save("~/samples")
    loaded.model.save("~/copy")
    assert zoo.Model.load("~/copy").fitted
    photo = str(checkpoint.parent / "photo.png")
    assert call_here("sample", "dir:~/copy", photo, "--out=~/more")[0] == 2  # which has no task
    assert call_here("sample", "dir:~/weights", photo, "-n", "1", "--out=~/more")[0] == 0
    (home / "own.png").write_bytes(Path(photo).read_bytes())
    assert call_here("sample", "dir:~/weights", "~/own.png", "-n", "1", "--out=~/more/own")[0] == 0
    assert [path.name for path in (home / "more" / "own").iterdir()] == ["own"]  # as it would be without ~
    (home / "own.png").unlink()
    made = {path.name for path in home.iterdir() if not path.name.startswith(".")}  # other packages' caches lie there too
    assert made == {"again", "copy", "more", "run", "samples", "weights"}
    assert list(Path().iterdir()) == []


def test_whole_numbers_of_other_packages_are_whole_numbers(home: Path, checkpoint: Path) -> None:
    loaded, photo = zoo.load(f"dir:{checkpoint}", device="cpu"), np.zeros((9, 9, 3), np.uint8)
    first, again = loaded.sample(photo, 2, seed=3), loaded.sample(photo, np.int64(2), seed=np.uint8(3))
    assert np.array_equal(first.images, again.images)
    assert first.grid(columns=np.int32(2), width=torch.tensor(99)).size == first.grid(columns=2, width=99).size
    kinds: dict[str, Any] = {"n": np.int64(2), "items": np.int16(2), "seed": torch.tensor(1), "epochs": np.uint8(1)}
    before = torch.get_rng_state()
    run = zoo.run("toy", "toy-shade", metrics=["toy-best"], out=home / "a", progress=False, **kinds)
    assert torch.equal(torch.get_rng_state(), before)
    assert run.metrics["n"] == 2
    steps: dict[str, Any] = {"training.steps": np.int64(2), "training.ema": np.float32(0)}
    zoo.run("toy", "toy-shade", metrics=["toy-best"], n=2, items=2, out=home / "c", progress=False, settings=steps)
    for wrong in (
        {"n": True},
        {"seed": 1.5},
        {"items": "2"},
        {"epochs": np.True_},
        {"settings": [1]},
        {"metrics": 3},
        {"data": Path("photos")},
    ):
        with pytest.raises(RequestError, match=next(iter(wrong))):
            zoo.run("toy", "toy-shade", out=home / "b", **wrong)
    for wrong in ({"n": True}, {"n": 2.0}, {"n": 2, "seed": True}):
        with pytest.raises(RequestError, match=next(iter(reversed(wrong)))):
            loaded.sample(photo, **wrong)


def test_a_reader_that_goes_is_nobodys_fault(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    end, pipe = os.pipe()
    os.close(end)
    monkeypatch.setattr(sys, "argv", ["zoo", "list", "suites"])
    monkeypatch.setattr(sys, "stdout", open(pipe, "w", encoding="utf-8"))  # noqa: SIM115
    with pytest.raises(SystemExit) as left:
        main()
    assert (left.value.code, capfd.readouterr().err) == (1, "")
