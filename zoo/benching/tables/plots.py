"""The plots of a bench: error against variance as in the second paper's Figure 5, and metrics over the number of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from operator import itemgetter
from pathlib import Path
from textwrap import fill
from typing import Any

from zoo.reporting.pages import at_largest, over_counts
from zoo.reporting.report import SHADES, finish_curves, label, plot
from zoo.utils.files import whole_file

MARKERS = "osD^vP<>Xph*"
PNG = {"format": "png", "metadata": {"Software": None}}
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 1), (0.8, -1), (-0.8, 1), (-0.8, -1))
"""Where a name may stand beside its point, in halves of its own width and height."""
Point = tuple[str, Mapping[str, float], Mapping[str, float]]
"""A model, its x and its y: each has a ``mean``, and the ends ``low`` and ``high`` of an interval where there is one."""


def scatter(bench: Mapping[str, Any], task: str, path: Path) -> None:
    """Write the scatter plot of a task, if there is something to plot: a point a model, intervals as bars.

    Published points stand in a panel of their own.
    """
    rows = {(row["model"], row["metric"]): row for row in bench["table"] if row["task"] == task}
    names = {metric for _, metric in rows}
    across, up = (at_largest(names, metric) for metric in bench["scatter"] or ("", ""))
    ours = [(m, rows[m, across], rows[m, up]) for m in bench["models"] if {(m, across), (m, up)} <= rows.keys()]
    if not ours:
        return
    units = [f"{name} ({rows[ours[0][0], name]['unit']})" for name in (across, up)]
    panels = [(f"{task}, this bench: {bench['data'][task]['name']}", units, ours)]
    published = [row for row in bench["published"] if row["task"] == task]
    known = {name for row in published for name in row["metrics"]}
    their = [str(across), str(up if up in known else at_largest(known, bench["scatter"][1]))]
    first: dict[str, Mapping[str, Any]] = {}
    for row in published:
        if all(name in row["metrics"] for name in their):
            first.setdefault(row["model"], row)
    if first:
        data = " and ".join(dict.fromkeys(row["data"] for row in first.values()))
        at = {model: [{"mean": row["metrics"][name]} for name in their] for model, row in first.items()}
        panels.append((f"{task}, published: {data}", their, [(model, x, y) for model, (x, y) in at.items()]))
    styles = _styles([*bench["models"], *first])
    with whole_file(path) as part, plot(part, (5.6, 4.6), len(panels), **PNG) as all_axes:
        for axes, (title, labels, points) in zip(all_axes, panels, strict=True):
            axes.set(title=fill(label(title), 62), xlabel=label(labels[0]), ylabel=label(labels[1]))
            for model, x, y in points:
                bars = [_bars([value]) if "low" in value else None for value in (x, y)]
                axes.errorbar(
                    x["mean"], y["mean"], xerr=bars[0], yerr=bars[1], **styles[model], ms=7, mec="white", mew=0.8, lw=1.1,
                    capsize=2.5, ls="none", clip_on=False, zorder=3,
                )  # fmt: skip
            axes.margins(0.16, 0.14)
            axes.locator_params(nbins=6)
            _floor(axes, across=True)
        all_axes[0].figure.draw_without_rendering()
        for axes, (_, _, points) in zip(all_axes, panels, strict=True):
            _name_points(axes, points, {model: style["color"] for model, style in styles.items()})


def curves(bench: Mapping[str, Any], task: str, path: Path) -> None:
    """Write the metrics taken at several numbers of samples, ``NAME@K``, over K, if any: a line a model, with intervals."""
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
                    mec="white", mew=0.6, lw=1.5, elinewidth=0.9, capsize=1.8, label=label(model),
                )  # fmt: skip
            axes.set_title(label(f"{task}, {bench['data'][task]['name']}"))
            _floor(axes, across=False)
            counts = sorted({k for points in models.values() for k in points})
            last = [points[max(points)]["mean"] for points in models.values()]
            order = sorted(range(len(last)), key=lambda i: -last[i])
            finish_curves(axes, counts, f"{metric} ({rows[0]['unit']})", order, 9)


def _styles(models: Sequence[str]) -> dict[str, dict[str, str]]:
    order = enumerate(dict.fromkeys(models))
    return {model: {"color": SHADES[i % len(SHADES)], "marker": MARKERS[i % len(MARKERS)]} for i, model in order}


def _bars(values: Sequence[Mapping[str, float]]) -> list[list[float]]:
    return [[v["mean"] - v["low"] for v in values], [v["high"] - v["mean"] for v in values]]


def _floor(axes: Any, across: bool) -> None:
    """Axes begin at 0 where that leaves at most half of them empty; the one ``across`` only if that is asked for."""
    limits = axes.dataLim
    if 0 <= limits.ymin <= 0.5 * limits.ymax:
        axes.set_ylim(bottom=0)
    if across and 0 <= limits.xmin <= 0.5 * limits.xmax:
        axes.set_xlim(left=0)


def _name_points(axes: Any, points: Sequence[Point], colours: Mapping[str, str]) -> None:
    """Write each point's name, in laid-out axes, where it covers no point, bar or other name: beside it or further out."""
    from matplotlib.transforms import Bbox

    frame, scale = axes.bbox, axes.figure.dpi / 72
    taken = []
    for _, x, y in points:
        cx, cy = axes.transData.transform((x["mean"], y["mean"]))
        taken.append(Bbox.from_extents(cx - 9, cy - 9, cx + 9, cy + 9))
        if "low" in x and "low" in y:
            (x0, y0), (x1, y1) = (axes.transData.transform((x[end], y[end])) for end in ("low", "high"))
            taken += [Bbox.from_extents(x0, cy - 5, x1, cy + 5), Bbox.from_extents(cx - 5, y0, cx + 5, y1)]
    for name, x, y in points:
        style = {"textcoords": "offset points", "fontsize": 8.5, "color": colours[name], "va": "center", "ha": "center"}
        text = axes.annotate(label(name), (x["mean"], y["mean"]), xytext=(0, 0), **style)
        box = text.get_window_extent()
        text.remove()
        options = []
        for far, (dx, dy) in product((1.0, 1.9, 2.8), SIDES):
            mx = dx * (box.width / 2 + 6 * scale * (1 if far == 1 else far / 1.4))
            my = dy * (box.height / 2 + 5 * scale) * far
            moved = box.translated(mx, my)
            shared = [part.width * part.height for other in taken if (part := Bbox.intersection(moved, other)) is not None]
            outside = (moved.min < frame.min).any() or (moved.max > frame.max).any()
            options.append((sum(shared) + 20 * far + (1e4 if outside else 0), mx, my, far, moved))
        _, mx, my, far, moved = min(options, key=itemgetter(0))
        line = {"arrowstyle": "-", "color": colours[name], "lw": 0.6, "shrinkA": 0, "shrinkB": 4} if far > 1 else None
        axes.annotate(label(name), (x["mean"], y["mean"]), xytext=(mx / scale, my / scale), arrowprops=line, **style)
        taken.append(moved)
