"""The figures of a report, names that are no plain words in them and in pictures, and which items are shown."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
import torch

from zoo.measuring.shape import Shape
from zoo.reporting.charts import HIGH, WIDE, charts, curve_chart
from zoo.reporting.pages import short
from zoo.reporting.pictures import telling
from zoo.utils.sheet import Row, Tile, contact_sheet


def told(n: int, items: int, spread: float = 1.0) -> dict[str, object]:
    shape, random = Shape(), torch.Generator().manual_seed(0)
    y = torch.randn(items, 2, 3, generator=random)
    shape.add(spread * torch.randn(items, n, 2, 3, generator=random), y)
    return {**shape.told(), "references": {}}


@pytest.mark.parametrize(("n", "items"), [(1, 1), (2, 1), (1, 7), (40, 9)])
def test_every_figure_lies_inside_its_frame(n: int, items: int) -> None:
    for chart in charts(told(n, items), "m"):
        places = [(x, y) for x, y, *_ in chart.dots + chart.bars]
        for _, path in chart.lines:
            places += [(float(x), float(y)) for x, y in re.findall(r"([-0-9.]+) ([-0-9.]+)", path)]
        assert all(0 <= x <= WIDE and 0 <= y <= HIGH for x, y in places), chart.title
        assert chart.y_ticks


def test_names_in_a_figure_are_visible_and_stand_apart() -> None:
    points = {1: (1.0, 0.5, 1.5), 3: (0.5, 0.4, 0.6)}
    chart = curve_chart("t", "s", "m\x1b", {"own": points, "a\nb\x1b": points, "much longer than a figure": points})
    assert chart.up == "m\\x1b"
    assert {text for *_, text in chart.words} == {"own", r"a\x0ab\x1b", "much longer …"}
    heights = [y for _, y, *_ in chart.words]
    assert all(below - above >= 12 for above, below in pairwise(heights))


def test_the_worst_the_median_and_the_best_are_shown() -> None:
    values = {"e@3": torch.zeros(5), "e@10": torch.tensor([3.0, 1, 5, 2, 4]), "likeness": torch.tensor([3.0, 1, 5, 2, 4])}
    better = {"e@10": "lower", "likeness": "higher"}
    notes = ["worst of 5: e@10 5", "median of 5: e@10 3", "best of 5: e@10 1"]
    assert telling(range(5), values, better, ["none", "e"], 5) == list(zip([2, 0, 1], notes, strict=True))
    assert [i for i, _ in telling(range(5), values, better, ["likeness"], 5)] == [1, 0, 2]
    assert telling([0, 3, 4], values, better, ["e"], 5)[0] == (4, "worst of 3 of 5: e@10 4")
    assert telling([0], values, better, ["e"], 5) == [(0, "worst and median and best of 1 of 5: e@10 3")]
    assert telling(range(5), values, better, [], 5) == [(0, ""), (2, ""), (4, "")]


def test_names_in_a_sheet_are_visible() -> None:
    name = "folder/stra\udcdfe.png"
    assert short(name) == "stra\\xdfe.png"
    sheets = [contact_sheet([Row(20, [Tile(text)])], [200]).tobytes() for text in (name, r"folder/stra\xdfe.png")]
    assert sheets[0] == sheets[1]
