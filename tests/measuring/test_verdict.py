"""How a run speaks of its samples in words: planted faults are named, and true draws are about right."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch

from zoo.measuring.compare import departures, paired
from zoo.measuring.evaluate import Evaluation
from zoo.measuring.scores import bootstrap, influence
from zoo.measuring.verdict import Verdict, judge

PLANTED = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks/faults.py"))


@pytest.fixture(scope="module")
def world() -> Any:
    return PLANTED["made_world"](60, 30, side=8, pool=10, training=60)


def said_of(world: Any, samples: torch.Tensor) -> Verdict:
    verdict: Verdict = PLANTED["measured"](world, samples)[1]
    return verdict


def test_true_draws_are_about_right(world: Any) -> None:
    verdict = said_of(world, world.draws)
    assert (verdict.word, verdict.faults) == ("about right", ())
    assert "about right, as far as 60 items and 30 samples each tell" in verdict.text
    assert Verdict.of_json(json.loads(json.dumps(verdict.as_json()))) == verdict


@pytest.mark.parametrize("name", ["over-dispersed", "under-dispersed", "biased", "copycat", "noise added", "detail left out"])
def test_a_planted_fault_is_named(world: Any, name: str) -> None:
    fault = PLANTED["FAULTS"][name]
    verdict = said_of(world, fault.spoil(fault.sizes[-1], world))
    assert verdict.word == "wrong"
    assert fault.words & {*verdict.faults}, verdict.text
    first = verdict.findings[0]
    assert first.low is not None
    assert first.low <= first.value <= first.high
    assert f"{first.sentence}." in verdict.text


def test_too_few_items_are_said_to_be_few(world: Any) -> None:
    few = PLANTED["World"](world.test.subset(torch.arange(4)), world.draws[:4], world.modes[:4], world.train)
    verdict = said_of(few, few.draws)
    assert verdict.word == "cannot be said"
    assert "cannot be said with 4 items and 30 samples each: " in verdict.text


def test_nothing_is_said_where_no_metric_tells() -> None:
    verdict = judge(Evaluation({}, {}, {}, {}), {}, n=3)
    assert (verdict.word, verdict.findings) == ("cannot be said", ())
    assert "no metric was measured that tells" in verdict.text


def test_shares_of_what_is_no_mean_add_up_to_it(world: Any) -> None:
    metric = PLANTED["make"].metric("spread_skill")
    values = metric(world.draws, world.test.y)
    share = influence(values, metric)[""]
    assert share.shape == (60,)
    assert share.mean().item() == pytest.approx(metric.reduce(values)[""].item(), abs=0.01)
    spread, error = values["@spread"], values["@error"]  # the delta method has the same spread
    theory = (spread / spread.mean() - error / error.mean()) / 2
    assert share.std().item() == pytest.approx(theory.std().item(), rel=0.1)


def test_departures_are_paired_differences_from_zero() -> None:
    values = torch.randn(30, generator=torch.Generator().manual_seed(0)) + 0.5
    groups = torch.arange(30) // 2
    found = departures({"a": values, "b": -values}, groups=groups)
    assert found["a"].value == pytest.approx(paired(values, torch.zeros(30), groups=groups).value)
    assert found["a"].p == pytest.approx(found["b"].p)
    assert found["a"].low == pytest.approx(-found["b"].high)


def test_items_that_are_left_out_together_count_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many items are left out in blocks; were the parts of a block independent, chance would be found where there is none."""
    metric, random = PLANTED["make"].metric("spread_skill"), torch.Generator().manual_seed(2)
    values = {"@spread": torch.ones(400).double(), "@error": torch.rand(400, generator=random).double() * 2}
    each = bootstrap(values, metric)[""].p
    monkeypatch.setattr("zoo.measuring.scores.BLOCKS", 20)
    p = bootstrap(values, metric)[""].p
    assert each is not None
    assert p is not None
    assert min(each, p) > 0.1


def test_the_table_of_faults_says_what_finds_which(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, one = PLANTED["rows"], {"copycat": PLANTED["FAULTS"]["copycat"]}
    monkeypatch.setitem(rows.__globals__, "FAULTS", one)
    found, alarm = rows(30, 12, 4), PLANTED["alarms"](12, 6, 1, 4)
    assert [(row["fault"], row["size"]) for row in found] == [("copycat", size) for size in one["copycat"].sizes]
    assert found[-1]["p"]["spread_skill"] < 0.01
    assert found[-1]["right_word"]
    assert "spread_skill" not in found[-1]["prefers"]
    lines = PLANTED["table"](found, alarm).splitlines()
    assert len(lines) == 2 + len(found) + 1
    assert len({line.count("|") for line in lines}) == 1
    assert "too narrow" in lines[-2]


def test_the_page_has_the_numbers_that_were_measured() -> None:
    """Of 200 items and 100 samples each fault is found by some score at every size, and true draws are left in peace."""
    page = Path(__file__).parents[2] / "docs/faults.md"
    told = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert PLANTED["table"](told["rows"], told["false_alarms"]) + PLANTED["missed"](told["rows"]) in page.read_text(
        encoding="utf-8"
    )
    assert (told["items"], told["samples"], told["false_alarms"]["repeats"]) == (200, 100, 200)
    assert all(min(row["p"].values()) < 0.01 for row in told["rows"])
    assert told["false_alarms"]["verdict"] <= 0.02
