"""A bench over settings: which rows there are, what they are called, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from calls import call_here
from toybenches import bench

import zoo
from zoo.benching.layout import plan_cells
from zoo.benching.plan import BenchPlan, BenchRequest, resolve
from zoo.utils.errors import RequestError

pytestmark = pytest.mark.usefixtures("toys", "no_figures")


def planned(out: Path, **more: Any) -> BenchPlan:
    given = {"models": ["toy-wide"], "tasks": ["toy-shade"], "data": "toy-photos", "device": "cpu", "references": False}
    plan = resolve(BenchRequest(out=str(out), seeds=1, n=3, **{**given, **more}))
    plan_cells(plan)
    return plan


def test_each_combination_has_a_row_that_is_named_by_it(tmp_path: Path) -> None:
    plan = planned(tmp_path / "a", sweep={"spread": [0.1, "0.2"], "task.size": [4, 6]}, settings={"layers": 1})
    assert [cell.model for cell in plan.cells] == [f"spread={a} task.size={b}" for a in ("0.1", "0.2") for b in (4, 6)]
    assert plan.cells[1].request.settings == {"layers": 1, "spread": 0.1, "task.size": 6}
    assert {cell.request.model for cell in plan.cells} == {"toy-wide"}
    assert len({cell.folder for cell in plan.cells}) == 4
    assert "--sweep spread=0.1,0.2 --sweep task.size=4,6" in plan.request.command()


def test_a_model_has_rows_for_the_settings_that_it_has(tmp_path: Path) -> None:
    plan = planned(tmp_path / "a", models=["toy-wide", "random"], sweep={"spread": [0.1, 0.2], "toy-wide.layers": [1, 2]})
    words = [f"toy-wide spread={a} layers={b}" for a in ("0.1", "0.2") for b in (1, 2)]
    assert list(plan.models) == [*words, "random"]
    plan = planned(tmp_path / "b", sweep={"spread": [0.1, 0.2]}, references=True)
    assert {"random", "mean", "spread=0.1"} <= {*plan.models}
    assert "spread=0.1" not in plan.references


def test_every_fit_tells_the_callback_and_an_error_in_it_costs_its_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toy_zoo import Toy

    def callback(step: int, losses: dict[str, float], lr: float) -> bool:
        told.append(step)
        raise KeyError("none")

    told: list[int] = []
    own = Toy.fit
    monkeypatch.setattr(Toy, "fit", lambda *args, callback, **more: (callback(20, {"total": 1.0}, 0.1), own(*args, **more))[1])
    result = bench(tmp_path / "a", models=["toy-wide"], seeds=1, n=3, items=2, callback=callback, workers=None)
    assert told == [20]
    assert [line.partition(": KeyError: it lacks 'none'")[0] for line in result.failed] == ["toy-shade toy-wide seed 0"]
    for how in ({"workers": 2}, {"engine": "dask:a", "workers": None}):
        with pytest.raises(RequestError, match="a callback is not sent to workers: leave them out"):
            bench(tmp_path / "b", callback=callback, **how)


@pytest.mark.parametrize(
    ("sweep", "says"),
    [
        ({"spreat": [1]}, "none of the models has a setting 'spreat': did you mean 'spread'"),
        ({"spread": [0.1, "wide"]}, "it must be a finite number"),
        ({"spread": "0.1"}, "it must be a list of values"),
        ({"spread": [0.1, 0.1]}, "has 0.1 twice"),
        ({"layers": [2]}, "layers is set and swept over"),
        ({"spread": list(range(40)), "task.size": list(range(40))}, "1,600 combinations"),
    ],
)
def test_a_wrong_sweep_is_refused(tmp_path: Path, sweep: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        planned(tmp_path / "a", sweep=sweep, settings={"layers": 1})
    assert not (tmp_path / "a").exists()


def test_a_run_over_settings_is_a_bench_of_them(tmp_path: Path) -> None:
    words = [
        "--model",
        "toy-wide",
        "--task",
        "toy-shade",
        "-n",
        "3",
        "--items",
        "2",
        "--metric",
        "toy-best",
        "--device",
        "cpu",
    ]
    for wrong in (["--seed", "1"], ["--track", "tensorboard"], ["--sweep", "spread=0.2"]):
        assert call_here("run", *words, "--sweep", "spread=0.1,0.4", *wrong).code == 2
    given = {"models": ["toy-wide"], "tasks": ["toy-shade"], "n": 3, "items": 2, "metrics": ["toy-best"], "device": "cpu"}
    swept = {"sweep": {"spread": ["0.1", "0.4"]}, "seeds": 1, "references": False, "workers": 0, "progress": False}
    result = zoo.bench(**given, **swept, out=tmp_path / "a")
    assert result.failed == []
    assert [row["model"] for row in result.bench["table"]] == ["spread=0.1"] * 2 + ["spread=0.4"] * 2
    kept = json.loads((tmp_path / "a" / "bench.json").read_text())
    assert kept["rows"] == {"spread=0.1": "toy-wide", "spread=0.4": "toy-wide"}
    done = call_here("run", *words, "--sweep", "spread=0.1,0.4", "--out", str(tmp_path / "a"))
    assert done.code == 0, done.err
    assert "2 of 2 runs are done already" in done.err
    assert "spread=0.4" in done.out
