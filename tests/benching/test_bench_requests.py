"""What is asked of a bench: what names select, and what is refused before anything is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from toybenches import bench, stamps

from zoo.utils.errors import RequestError

pytestmark = pytest.mark.usefixtures("toys", "no_figures")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"suite": "toyz"}, "did you mean 'toys'"),
        ({"suite": None, "models": None}, "name a suite (attribute-paper, cdvae-paper, cgml-paper, toy-paper, toys), or"),
        ({"models": ["toi"]}, "did you mean 'toy'"),
        ({"models": ["toy", ""]}, "names with commas"),
        ({"models": "toy,toi"}, "no model is called 'toi'"),
        ({"models": [1]}, "models are [1]; they must be names"),
        ({"tasks": "toy-shades"}, "no task is called 'toy-shades'"),
        ({"tasks": ["toy-shades"]}, "did you mean 'toy-shade'"),
        ({"suite": "plain"}, "names no tasks"),
        ({"data": "toy-photo"}, "did you mean 'toy-photos'"),
        ({"data": "folder:x"}, "no task for data of kind 'folder'; its kinds: scenes, toy-photos"),
        ({"data": "toy-photos:missing"}, "is no folder"),
        ({"n": 0}, "n is 0"),
        ({"seeds": 0}, "seeds is 0"),
        ({"items": -3}, "items is -3"),
        ({"workers": -1}, "workers is -1"),
        ({"device": "tpu"}, "device"),
        ({"settings": {"spred": 1}}, "did you mean 'spread'"),
        ({"settings": {"spread": -1}}, "at least 0"),
        ({"settings": {"toy-wide.spred": 1}}, "did you mean 'spread'"),
        ({"settings": {"nobody.spread": 1}}, "MODEL.KEY"),
        ({"settings": {"task.sise": 1}}, "did you mean 'task.size'"),
        ({"settings": {"training.stepz": 1}}, "did you mean 'steps'"),
        ({"fair": 9.0, "sweep": {"training.steps": [1, 2]}}, "leave out training.steps"),
        (
            {"sweep": {"spread": ["1e-1", "1E-1"]}},
            "the rows 'toy-wide spread=1e-1' and 'toy-wide spread=1E-1' would lie in one",
        ),
        ({"data": ([[0.0], [1.0]], [[0.0], [1.0]]), "shard": "1/2", "workers": None}, "save it and name arrays:FILE"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=re.escape(message)) as caught:
        bench(**{"out": tmp_path / "out", **wrong})
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    cell = tmp_path / "bench/cells/toy-shade/random-s0"
    for folder in (tmp_path / "full", cell):
        folder.mkdir(parents=True)
        (folder / "thesis.tex").touch()
    (tmp_path / "file").touch()
    messages = {"full": "holds no bench", "file": "is a file", "file/in": "cannot be made", "bench": "in the way"}
    for out, message in messages.items():
        with pytest.raises(RequestError, match=message):
            bench(tmp_path / out)
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["file", "thesis.tex", "thesis.tex"]


def test_the_default_folder_is_not_taken_from_other_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = bench(None, models=["random"], seeds=1)
    before = stamps(first.out)
    with pytest.raises(RequestError, match="holds a bench of other data"):
        bench(None, models=["random"], seeds=1, data="toy-photos:more")
    assert stamps(first.out) == before
    assert not (first.out / ".lock").exists()


def test_names_select_from_a_suite_or_replace_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.benching.plan import BenchRequest, resolve

    def rows(suite: str | None, data: str | None, models: Any, tasks: Any) -> tuple[Any, Any, Any]:
        plan = resolve(BenchRequest(suite, data, models, tasks, references=False))
        return plan.models, plan.tasks, str(plan.out)

    monkeypatch.chdir(tmp_path)
    own = ("random", "toy-wide", "weak")
    assert rows("toys", "toy-photos", None, None) == (own, ("toy-shade",), "runs/bench-toys-toy-photos")
    assert rows("toys", "scenes:50", None, None) == (own, ("relight",), "runs/bench-toys-scenes")
    assert rows("toys", None, ["weak", "random"], None)[:2] == (("random", "weak"), ("toy-shade", "relight"))
    assert rows("toys", None, ["toy", "random"], None)[0] == ("toy", "random")
    assert rows("toys", "scenes", None, ["toy-shade"])[1] == ("toy-shade",), "named tasks are done whatever the data"
    assert rows(None, None, ["toy"], ["toy-shade"]) == (("toy",), ("toy-shade",), "runs/bench-plain-toy-photos")
    paper = {kind: rows("cdvae-paper", kind, None, None)[1] for kind in ("scenes", "folder:x", "coco:x")}
    assert paper["folder:x"] == paper["coco:x"] == ("relight", "resaturate")
    assert set(paper["scenes"]) == {"relight", "resaturate", "motion"}
    assert rows("cdvae-paper", "video:x", None, None)[1] == ("motion",)
    assert len(rows("cdvae-paper", None, None, None)[0]) == 11
    elsewhere = BenchRequest("toys", device="cuda", collect="x", settings={"widths": [8, 16], "training.clip": None})
    assert resolve(elsewhere).device == "cpu", "shards are put together where there need be no GPU"
    assert elsewhere.command().endswith("--set widths=8,16 --set training.clip=none --device cuda")
