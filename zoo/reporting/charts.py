"""The figures of a report, laid out in pixels; ``charts.html`` draws them in the colours of the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zoo.reporting.pages import number
from zoo.utils.words import visible

WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 392, 236, 48, 96, 10, 40
"""Pixels of a figure, and of the edges around its axes."""
LINES = {"random": "random fields", "mean": "mean field"}
"""The names of answers that need no model, apart from those of models."""
LETTERS = 13
"""Pixels between two lines of words."""


@dataclass
class Chart:
    """One figure. ``lines`` are (class, path), ``bands`` paths, ``bars`` and ``stems`` corners of boxes and ends of lines;
    ``words`` are (x, y, anchor, class, text). The rest are the axes: what they are of, and ticks as (pixel, text).
    """

    title: str
    says: str
    across: str
    up: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    lines: list[tuple[str, str]] = field(default_factory=list)
    bands: list[str] = field(default_factory=list)
    bars: list[tuple[float, float, float, float]] = field(default_factory=list)
    stems: list[tuple[float, float, float]] = field(default_factory=list)
    dots: list[tuple[float, float]] = field(default_factory=list)
    words: list[tuple[float, float, str, str, str]] = field(default_factory=list)
    wide, high, left, right, bottom = WIDE, HIGH, LEFT, WIDE - RIGHT, HIGH - BOTTOM


class Axis:
    """From values to pixels, linear or logarithmic."""

    def __init__(self, low: float, high: float, first: float, last: float, log: bool = False) -> None:
        self.log = log
        self.low, self.high = (math.log(low), math.log(high)) if log else (low, high)
        if not self.high > self.low:
            self.low, self.high = self.low - 0.5, self.high + 0.5
        self.first, self.last = first, last

    def __call__(self, value: float) -> float:
        value = math.log(value) if self.log else value
        return round(self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """About four round numbers."""
        rough = (self.high - self.low) / 4
        step = 10 ** math.floor(math.log10(rough))
        step *= next((m for m in (1, 2, 5) if m * step >= rough), 10)
        found = [i * step for i in range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)]
        texts = ([number(value, digits) for value in found] for digits in (3, 4, 5, 6, 7))
        shown = next((each for each in texts if len({*each}) == len(found)), map(str, found))
        return [(self(value), text) for value, text in zip(found, shown, strict=True)]


def charts(figures: Mapping[str, Any], model: str) -> list[Chart]:
    """The figures of ``metrics.json``: ranks, spread against error, and scores over the number of samples."""
    curves, others = figures["curves"], figures.get("references", {})
    titles = {
        "energy_score": ("Is the pool right?", "Energy score of the first k samples as they are. Lower is better."),
        "error_of_best": ("Does any sample come near?", "Squared error of the best of the first k samples. Lower is better."),
    }
    made: list[Chart] = []
    for metric, (title, says) in titles.items():
        lines = {model: points_of(curves, metric)}
        lines |= {LINES.get(name, name): points_of(curve, metric) for name, curve in others.items()}
        made.append(curve_chart(title, says, metric, lines))
    made += [
        rank_chart(
            figures["ranks"]["pattern"],
            "As varied as the truth?",
            "Where the truth ranks among the samples, by random projections. Flat: right. High ends: too narrow, or off. "
            "High middle: too wide.",
        ),
        rank_chart(
            figures["ranks"]["level"],
            "Too high or too low?",
            "The same of the mean of y. Flat: right. High on the left: samples are too high; on the right: too low.",
        ),
        spread_chart(figures["spread_skill"]),
    ]
    return made


def points_of(curve: Mapping[str, Any], metric: str) -> dict[int, tuple[float, float, float]]:
    """A curve of ``metrics.json`` as (value, low, high) by the number of samples."""
    return {k: (v, v - half, v + half) for k, (v, half) in zip(curve["counts"], curve[metric], strict=True)}


def rank_chart(ranks: Mapping[str, Sequence[float]], title: str, says: str) -> Chart:
    """The histogram of ranks: 1 is what right samples have in each bar; whiskers are 95 % intervals."""
    share, count = ranks["share"], len(ranks["share"])
    ends = [(value * count, half * count) for value, half in zip(share, ranks["half"], strict=True)]
    x, right = Axis(0, count, LEFT, WIDE - 20), WIDE - 20
    y = Axis(0, max(2.0, *(value + half for value, half in ends)), HIGH - BOTTOM, TOP)
    places = [(LEFT, "lowest"), ((LEFT + right) / 2, "middle"), (right, "highest")]
    chart = Chart(title, says, "rank of the truth among the samples", "share of items / right share", places, y.ticks())
    chart.right = right
    for i, (value, half) in enumerate(ends):
        chart.bars.append((x(i) + 1.5, y(value), round(x(i + 1) - x(i) - 3, 1), round(y(0) - y(value), 1)))
        chart.stems.append(((x(i) + x(i + 1)) / 2, y(max(0, value - half)), y(value + half)))
    chart.lines.append(("ideal", f"M{LEFT} {y(1)}H{right}"))
    return chart


def spread_chart(points: Sequence[Sequence[float]]) -> Chart:
    """The error of the mean over the spread of the samples, of groups of items: right on the diagonal."""
    most = max([end for spread, error, _ in points for end in (spread, error)] + [1e-9]) * 1.1
    x, y = Axis(0, most, LEFT, WIDE - 20), Axis(0, most, HIGH - BOTTOM, TOP)
    says = "Groups of items by rising spread. On the line: right. Above it: too narrow, or off. Below it: too wide."
    chart = Chart("Spread against error", says, "spread of the samples", "error of their mean", x.ticks(), y.ticks())
    chart.right = WIDE - 20
    chart.lines.append(("ideal", f"M{x(0)} {y(0)}L{x(most)} {y(most)}"))
    chart.words += [(LEFT + 10, TOP + 12, "start", "aside", "too narrow")]
    chart.words += [(WIDE - 26, HIGH - BOTTOM - 10, "end", "aside", "too wide")]
    chart.dots = [(x(spread), y(error)) for spread, error, _ in points]
    return chart


def curve_chart(title: str, says: str, up: str, lines: Mapping[str, Mapping[int, tuple[float, float, float]]]) -> Chart:
    """Scores over the number of samples: the first line is this run's, with its interval; of one point, it is a level."""
    counts = sorted({k for points in lines.values() for k in points})
    values = [end for points in lines.values() for point in points.values() for end in point]
    low, high = min(values), max(values)
    x = Axis(counts[0], counts[-1], LEFT, WIDE - RIGHT, log=True)
    y = Axis(0 if 0 <= low < 0.4 * high else low - 0.06 * (high - low), high, HIGH - BOTTOM, TOP)
    chart = Chart(title, says, "samples an item", visible(up), [(x(k), str(k)) for k in counts], y.ticks())
    ends: list[tuple[float, str, str]] = []
    for i, (name, points) in enumerate(lines.items()):
        places = points if len(points) > 1 else dict.fromkeys(counts, next(iter(points.values())))
        path = "L".join(f"{x(k)} {y(value)}" for k, (value, _, _) in places.items())
        path = path if len(counts) > 1 else f"{LEFT} {y(places[counts[0]][0])}H{WIDE - RIGHT}"
        chart.lines.append(("own" if i == 0 else f"other other{i}", f"M{path}"))
        if i == 0:
            over, under = ([f"{x(k)} {y(point[end])}" for k, point in places.items()] for end in (2, 1))
            chart.bands.append(f"M{'L'.join(over + under[::-1])}Z")
            chart.dots = [(x(k), y(value)) for k, (value, _, _) in points.items()]
        last = places[max(places)][0]
        ends.append((y(last), "own" if i == 0 else f"other{i}", name))
    at: float = TOP - LETTERS
    for place, kind, name in sorted(ends):
        at = max(place + 4, at + LETTERS)
        name = visible(name)
        chart.words.append((WIDE - RIGHT + 6, at, "start", kind, name if len(name) <= 13 else name[:12] + "…"))
    return chart
