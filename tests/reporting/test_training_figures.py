"""The curves of a fit as figures and in a sentence."""

from __future__ import annotations

import re

import pytest

from zoo.reporting.charts import HIGH, WIDE
from zoo.reporting.training import course_charts, told
from zoo.running.folder import curves, plain

LOSSES = [{"step": step, "a.total": 1e6 / step**3, "b.total": 2.0 - step, "a.lr": 0.1, "b.lr": 0.2} for step in range(1, 41)]
CHECKS = [{"step": step, "rank": step / 4, "validation": abs(30.0 - step)} for step in (20, 30, 40)]


@pytest.mark.parametrize("losses", [LOSSES, [{**point, "a.total": 0.0, "b.total": 0.0} for point in LOSSES]])
def test_each_curve_has_its_figure_inside_its_frame(losses: list[dict[str, float]]) -> None:
    first, held_out, rank = made = course_charts({"losses": losses, "checks": CHECKS}, "crps", best_at=30)
    assert sorted(word[4] for word in first.words) == ["a", "b"]
    assert [kind for kind, _ in first.lines] == ["own", "other other1", "ideal"]
    assert (held_out.up, len(held_out.dots), rank.title) == ("crps", 1, "Rank")
    for chart in made:
        ends = [(float(x), float(y)) for _, path in chart.lines for x, y in re.findall(r"([-0-9.]+) ([-0-9.]+)", path)]
        assert all(0 <= x <= WIDE and 0 <= y <= HIGH for x, y in [*ends, *chart.dots])
        assert len({text for _, text in chart.y_ticks}) == len(chart.y_ticks)


def test_of_a_run_without_curves_there_is_no_figure() -> None:
    assert course_charts({}, "crps") == course_charts({"losses": LOSSES[:1]}, "crps") == []
    assert told(None, "crps") == told({"steps": 3}, "crps") == ""


def test_a_sentence_says_what_held_out_pairs_did() -> None:
    history = {"held_out": 7, "steps": 90, "best_at": 30, "stopped_at": 60, "checking": 1.5}
    assert told(history, "crps") == (
        "7 held-out pairs scored by crps: it ended at step 60 of 90, the weights of step 30 stayed, and scoring took 1.5 s of "
        "processors, which are not among the seconds of the fit"
    )


def test_only_what_json_can_hold_is_kept_of_curves() -> None:
    point = {"step": 7, "a": 1 / 3, "b": float("nan"), "c": "words"}
    history = {"losses": [point, 3], "checks": [], "seconds": 1.5}
    assert curves(history) == {"losses": [{"step": 7, "a": 0.333333}]}
    assert plain(history) == {"seconds": 1.5}
    assert curves(None) == {}
