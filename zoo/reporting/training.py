"""The curves of a fit as figures of a report, and in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.reporting.charts import BOTTOM, HIGH, LEFT, LETTERS, RIGHT, TOP, WIDE, Axis, Chart
from zoo.reporting.pages import duration
from zoo.utils.words import visible

MOST = 4
"""Figures of what a model says of itself, at most."""
Points = Sequence[Mapping[str, float]]


def course_charts(curves: Mapping[str, Points], validate_by: str, best_at: int = 0) -> list[Chart]:
    """The figures of the ``curves`` in ``run.json``: losses with the learning rate, the score of held-out pairs, diagnoses."""
    losses, checks = curves.get("losses", ()), curves.get("checks", ())
    made: list[Chart] = []
    totals = [key for key in _keys(losses) if key.endswith("total")]
    rates = [key for key in _keys(losses) if key == "lr" or key.endswith(".lr")]
    if totals and len(losses) > 1:
        says = "Means of the training losses; the first tenth may be cut off above. Dashed: the learning rate, from 0 up."
        made.append(_chart("Was there more to learn?", says, "loss", losses, totals, rates[:1]))
    if len(checks) > 1:
        if "validation" in _keys(checks):
            says = f"Score of held-out pairs by {visible(validate_by)}." + (
                " The dot: the weights that stayed." if best_at else ""
            )
            made.append(
                _chart("Does it hold for pairs it has not seen?", says, validate_by, checks, ["validation"], [], best_at)
            )
        says = "A diagnosis that the model makes of itself while it is fitted."
        for key in [key for key in _keys(checks) if key != "validation"][:MOST]:
            made.append(_chart(visible(key).capitalize(), says, key, checks, [key]))
    return made


def told(history: Any, validate_by: str) -> str:
    """A sentence on what held-out pairs did to a fit, from its history in ``run.json``; "" where there were none."""
    if not isinstance(history, Mapping) or not history.get("held_out"):
        return ""
    kept = f"the weights of step {history['best_at']} stayed, " if history.get("best_at") else ""
    ended = f"it ended at step {history['stopped_at']} of {history['steps']}, " if history.get("stopped_at") else ""
    cost = f"{duration(history.get('checking', 0.0))} of processors, which are not among the seconds of the fit"
    return f"{history['held_out']} held-out pairs scored by {visible(validate_by)}: {ended}{kept}and scoring took {cost}"


def _keys(points: Points) -> list[str]:
    return [key for key in dict.fromkeys(key for point in points for key in point) if key != "step"]


def _chart(
    title: str, says: str, up: str, points: Points, keys: Sequence[str], rates: Sequence[str] = (), best_at: int = 0
) -> Chart:
    """Values over the steps, the first as the own line; ``rates`` are dashed and on a scale of their own."""
    lines = {key: [(point["step"], point[key]) for point in points if key in point] for key in keys}
    late = [value for line in lines.values() for value in (v for _, v in line[len(line) // 10 if rates else 0 :])]
    low, high = min(late), max(late)
    x = Axis(0, points[-1]["step"], LEFT, WIDE - RIGHT)
    y = Axis(0 if 0 <= low < 0.4 * high else low, high, HIGH - BOTTOM, TOP)
    chart = Chart(title, says, "steps", visible(up), x.ticks(), y.ticks())
    ends: list[tuple[float, str, str]] = []
    for i, (key, line) in enumerate(lines.items()):
        path = "L".join(f"{x(step)} {max(TOP, y(value))}" for step, value in line)
        kind = "own" if i == 0 else f"other{min(i, 3)}"
        chart.lines.append((kind if i == 0 else f"other {kind}", f"M{path}"))
        ends.append((max(TOP, y(line[-1][1])), kind, key))
        chart.dots += [(x(step), y(value)) for step, value in line if step == best_at]
    for key in rates:
        line = [(point["step"], point[key]) for point in points if key in point]
        scale = Axis(0, max([rate for _, rate in line] + [1e-30]), HIGH - BOTTOM, TOP + 8)
        chart.lines.append(("ideal", "M" + "L".join(f"{x(step)} {scale(rate)}" for step, rate in line)))
    at: float = TOP - LETTERS
    for place, kind, key in sorted(ends) if len(ends) > 1 else ():
        at = max(place + 4, at + LETTERS)
        name = visible(key).removesuffix(".total")
        chart.words.append((WIDE - RIGHT + 6, at, "start", kind, name if len(name) <= 13 else name[:12] + "…"))
    return chart
