"""The answers that every table has: which, where they are left out, and that the truth is not the best of models."""

from __future__ import annotations

from pathlib import Path

import pytest
from toybenches import bench

from zoo.benching import layout
from zoo.benching.layout import plan_cells
from zoo.benching.plan import BenchRequest, resolve
from zoo.benching.tables.rows import best
from zoo.benching.tables.shown import task_table
from zoo.catalog import suites
from zoo.utils.errors import RequestError

pytestmark = pytest.mark.usefixtures("toys", "no_figures")
OWN = suites.find("references").models


def request(tmp_path: Path, *models: str, **more: object) -> BenchRequest:
    return BenchRequest("toys", "toy-photos", models, seeds=1, n=3, device="cpu", out=str(tmp_path / "out"), **more)  # type: ignore[arg-type]


def test_a_table_has_them_unless_it_is_to_have_none(tmp_path: Path) -> None:
    plan = resolve(request(tmp_path, "toy-wide", "random"))
    assert plan.models == ("random", "toy-wide", *(name for name in OWN if name != "random"))
    assert (plan.references, "references" in plan.request.command()) == (OWN, False)
    plan = resolve(request(tmp_path, "toy-wide", references=False))
    assert (plan.models, plan.references) == (("toy-wide",), ())
    assert "--no-references" in plan.request.command()


def test_the_truth_is_best_and_counts_for_nothing(tmp_path: Path) -> None:
    result = bench(tmp_path / "out", models=["toy-wide"], references=True, seeds=1)
    content = result.bench
    assert (result.failed, content["left_out"], content["references"]) == ([], [], list(OWN))
    scores = {row["model"]: row["mean"] for row in content["table"] if row["metric"] == "toy-best@9"}
    assert list(scores) == ["toy-wide", *OWN]
    assert scores["oracle"] == 0 < min(score for name, score in scores.items() if name != "oracle")
    ours = [model for model in content["models"] if model not in content["references"]]
    assert best(content["table"], "toy-shade", "toy-best@9", ours) == set()  # one model alone is not the best of any
    assert {row["tied"] for row in content["table"] if row["model"] == "oracle"} == {None}
    (note,) = (note for note in task_table(content, "toy-shade").notes if note.startswith("oracle"))
    assert "true draws" in note


def test_the_truth_is_left_out_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "lacking", lambda task, data, n: f"has {n} draws too many")
    plan = resolve(request(tmp_path, "random"))
    plan_cells(plan)
    assert plan.left_out == {("toy-shade", "oracle"): "it has 3 draws too many"}
    assert [cell.model for cell in plan.cells] == ["random", *(name for name in OWN if name not in ("random", "oracle"))]
    with pytest.raises(RequestError, match="model 'oracle' has 3 draws too many"):
        plan_cells(resolve(request(tmp_path, "random", "oracle")))
