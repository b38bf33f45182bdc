"""The plots of a bench: error against variance as in the second paper's Figure 5, and metrics over the number of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

from zoo.benching.labels import name_points
from zoo.benching.tables import at_largest
from zoo.reporting.figures import SHADES, legend_beside, over_counts, plot, scale_counts
from zoo.utils.files import whole_file
from zoo.utils.sheet import INK, LINE

MARKERS = "osD^vP<>Xph*"
PNG = {"format": "png", "metadata": {"Software": None}}


class Point(NamedTuple):
    """A model in a scatter plot: x and y have a ``mean``, and the ends ``low`` and ``high`` of an interval if there is one."""

    model: str
    x: Mapping[str, Any]
    y: Mapping[str, Any]


def scatter(bench: Mapping[str, Any], task: str, path: Path) -> None:
    """Write the scatter plot of a task, if there is something to plot: a point a model, intervals as bars.

    Published points stand in a panel of their own.
    """
    rows = {(row["model"], row["metric"]): row for row in bench["table"] if row["task"] == task}
    names = {metric for _, metric in rows}
    across, up = (at_largest(names, metric) for metric in bench["scatter"] or ("", ""))
    ours = [Point(m, rows[m, across], rows[m, up]) for m in bench["models"] if {(m, across), (m, up)} <= rows.keys()]
    if not ours:
        return
    panels = [(f"{task}, this bench: {bench['data'][task]['name']}", ours)]
    labels = [[f"{name} ({rows[ours[0].model, name]['unit']})" for name in (across, up)]]
    published = [row for row in bench["published"] if row["task"] == task]
    known = {name for row in published for name in row["metrics"]}
    their = [across, up if up in known else at_largest(known, bench["scatter"][1])]
    first: dict[str, Mapping[str, Any]] = {}
    for row in published:
        if all(name in row["metrics"] for name in their):
            first.setdefault(row["model"], row)
    theirs = [Point(model, *({"mean": row["metrics"][name]} for name in their)) for model, row in first.items()]
    if theirs:
        data = dict.fromkeys(row["data"] for row in first.values())
        panels.append((f"{task}, published: {' and '.join(data)}", theirs))
        labels.append([str(name) for name in their])
    styles = _styles([*bench["models"], *first])
    with whole_file(path) as part, plot(part, (5.6, 4.6), len(panels), **PNG) as all_axes:
        for axes, (title, points), (x, y) in zip(all_axes, panels, labels, strict=True):
            axes.set(xlabel=x, ylabel=y)
            axes.set_title(fill(title, 62), fontsize=10.5, color=INK, loc="left")
            axes.grid(color=LINE)
            for point in points:
                bars = [_bars([value]) if "low" in value else None for value in (point.x, point.y)]
                axes.errorbar(
                    point.x["mean"], point.y["mean"], xerr=bars[0], yerr=bars[1], **styles[point.model], ms=7, mec="white",
                    mew=0.8, lw=1.1, capsize=2.5, ls="none", clip_on=False, zorder=3,
                )  # fmt: skip
            axes.margins(0.16, 0.14)
            axes.locator_params(nbins=6)
            _floor(axes, across=True)
        all_axes[0].figure.draw_without_rendering()
        for axes, (_, points) in zip(all_axes, panels, strict=True):
            name_points(axes, points, {model: style["color"] for model, style in styles.items()})


def curves(bench: Mapping[str, Any], task: str, path: Path) -> None:
    """Write the metrics that were taken at several numbers of samples, ``NAME@K``, over K: a line a model, with intervals.

    Nothing is written where there are none.
    """
    taken = {
        model: over_counts({row["metric"]: row for row in bench["table"] if (row["task"], row["model"]) == (task, model)})
        for model in bench["models"]
    }
    metrics = dict.fromkeys(name for points in taken.values() for name in points if len(points[name]) > 1)
    if not metrics:
        return
    styles = _styles(bench["models"])
    with whole_file(path) as part, plot(part, (7.4, 4.4), len(metrics), **PNG) as all_axes:
        for axes, metric in zip(all_axes, metrics, strict=True):
            models = {model: points[metric] for model, points in taken.items() if metric in points}
            for i, (model, points) in enumerate(models.items()):
                aside = 1.014 ** (i - (len(models) - 1) / 2)  # so that the bars of one K stand side by side
                rows = list(points.values())
                axes.errorbar(
                    [k * aside for k in points], [row["mean"] for row in rows], yerr=_bars(rows), **styles[model], ms=5,
                    mec="white", mew=0.6, lw=1.5, elinewidth=0.9, capsize=1.8, label=model,
                )  # fmt: skip
            axes.set_title(f"{task}, {bench['data'][task]['name']}", fontsize=10.5, color=INK, loc="left")
            axes.set_ylabel(f"{metric} ({rows[0]['unit']})")
            axes.grid(color=LINE)
            scale_counts(axes, sorted({k for points in models.values() for k in points}))
            _floor(axes, across=False)
            last = [points[max(points)]["mean"] for points in models.values()]
            legend_beside(axes, sorted(range(len(last)), key=lambda i: -last[i]), 9)


def _styles(models: Sequence[str]) -> dict[str, dict[str, str]]:
    order = enumerate(dict.fromkeys(models))
    return {model: {"color": SHADES[i % len(SHADES)], "marker": MARKERS[i % len(MARKERS)]} for i, model in order}


def _bars(values: Sequence[Mapping[str, float]]) -> list[list[float]]:
    """How far the ends of intervals are below and above their means."""
    return [[v["mean"] - v["low"] for v in values], [v["high"] - v["mean"] for v in values]]


def _floor(axes: Any, across: bool) -> None:
    """Axes begin at 0 where that leaves at most half of them empty; the one ``across`` only if that is asked for."""
    limits = axes.dataLim
    if 0 <= limits.ymin <= 0.5 * limits.ymax:
        axes.set_ylim(bottom=0)
    if across and 0 <= limits.xmin <= 0.5 * limits.xmax:
        axes.set_xlim(left=0)
