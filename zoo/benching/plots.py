"""The plots of a bench: error against variance as in the second paper's Figure 5, and metrics over the number of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from zoo.benching.labels import name_points
from zoo.benching.tables import at_largest
from zoo.reporting.figures import INK, LINE, MUTED
from zoo.utils.files import whole_file

COLOURS = (
    "#64748b", "#0891b2", "#7c3aed", "#16a34a", "#db2777", "#a16207", "#2563eb", "#65a30d", "#ea580c", "#b91c1c",
    "#0f766e", "#9333ea",
)  # fmt: skip
MARKERS = "osD^vP<>Xph*"
DPI = 160


class _Point:
    def __init__(self, model: str, x: Mapping[str, float], y: Mapping[str, float]) -> None:
        self.model, self.x, self.y = model, x, y


def scatter(bench: Mapping[str, Any], task: str, path: Path) -> bool:
    """Write the scatter plot of a task: a point a model, intervals as bars; published points in a panel of their own.

    Returns:
        Whether there was something to plot.
    """
    if not bench["scatter"]:
        return False
    rows = [row for row in bench["table"] if row["task"] == task]
    names = dict.fromkeys(row["metric"] for row in rows)
    across, up = (at_largest(names, metric) for metric in bench["scatter"])
    if across is None or up is None:
        return False
    by = {(row["model"], row["metric"]): row for row in rows}
    ours = [_Point(m, by[m, across], by[m, up]) for m in bench["models"] if (m, across) in by and (m, up) in by]
    known = [name for one in bench["published"] if one["task"] == task for name in one["metrics"]]
    their_up = up if up in known else at_largest(known, bench["scatter"][1])
    theirs: dict[str, _Point] = {}
    data: dict[str, None] = {}
    for one in bench["published"]:
        metrics = one["metrics"]
        if one["task"] == task and across in metrics and their_up in metrics and one["model"] not in theirs:
            x, y = ({"mean": metrics[name]} for name in (across, their_up))
            theirs[one["model"]] = _Point(one["model"], x, y)
            data[one["data"]] = None
    if not ours:
        return False
    panels = [(f"{task}, this bench: {bench['data'][task]['name']}", up, ours)]
    if theirs:
        panels.append((f"{task}, published: {' and '.join(data)}", str(their_up), list(theirs.values())))
    styles = _styles([*bench["models"], *theirs])
    units = {row["metric"]: row["unit"] for row in rows}
    with _style():
        figure = _figure((5.6 * len(panels), 4.6))
        for i, (title, metric, points) in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), i + 1)
            axes.set_title(fill(title, 62), fontsize=10.5, color=INK, loc="left")
            words = [across, metric] if i else [f"{name} ({units[name]})" for name in (across, metric)]
            _frame(axes, *words)
            for one in points:
                colour, marker = styles[one.model]
                bars = [[[v["mean"] - v["low"]], [v["high"] - v["mean"]]] if "low" in v else None for v in (one.x, one.y)]
                axes.errorbar(
                    one.x["mean"], one.y["mean"], xerr=bars[0], yerr=bars[1], color=colour, marker=marker, ms=7,
                    mec="white", mew=0.8, lw=1.1, capsize=2.5, ls="none", clip_on=False, zorder=3,
                )  # fmt: skip
            axes.margins(0.16, 0.14)
            axes.locator_params(nbins=6)
            _floor(axes, across=True)
        figure.draw_without_rendering()
        for axes, (_, _, points) in zip(figure.axes, panels, strict=True):
            name_points(axes, [(p.model, p.x, p.y) for p in points], {m: styles[m][0] for m in styles})
        _save(figure, path)
    return True


def curves(bench: Mapping[str, Any], task: str, path: Path) -> bool:
    """Write the metrics that were taken at several numbers of samples, ``NAME@K``, over K: a line a model, with intervals.

    Returns:
        Whether there was something to plot.
    """
    found: dict[str, dict[str, dict[int, Mapping[str, Any]]]] = {}
    for row in bench["table"]:
        metric, at, count = row["metric"].rpartition("@")
        if row["task"] == task and at and count.isdigit():
            found.setdefault(metric, {}).setdefault(row["model"], {})[int(count)] = row
    families = {name: models for name, models in found.items() if any(len(points) > 1 for points in models.values())}
    if not families:
        return False
    styles = _styles(bench["models"])
    with _style():
        figure = _figure((7.4 * len(families), 4.4))
        for i, (metric, models) in enumerate(families.items()):
            axes = figure.add_subplot(1, len(families), i + 1)
            counts = sorted({k for points in models.values() for k in points})
            for place, (model, found_points) in enumerate(models.items()):
                points = sorted(found_points.items())
                aside = 1.014 ** (place - (len(models) - 1) / 2)  # so that the bars of one K stand side by side
                ks, means = [k * aside for k, _ in points], [row["mean"] for _, row in points]
                bars = [[row["mean"] - row["low"] for _, row in points], [row["high"] - row["mean"] for _, row in points]]
                colour, marker = styles[model]
                axes.errorbar(
                    ks, means, yerr=bars, color=colour, marker=marker, ms=5, mec="white", mew=0.6, lw=1.5, elinewidth=0.9,
                    capsize=1.8, label=model,
                )  # fmt: skip
            unit = next(iter(next(iter(models.values())).values()))["unit"]
            axes.set_title(f"{task}, {bench['data'][task]['name']}", fontsize=10.5, color=INK, loc="left")
            _frame(axes, "samples an item", f"{metric} ({unit})")
            axes.set_xscale("log")
            axes.set_xticks(counts, [str(k) for k in counts])
            axes.minorticks_off()
            _floor(axes, across=False)
            order = sorted(models, key=lambda m: -models[m][max(models[m])]["mean"])
            handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
            axes.legend(
                [handles[m] for m in order], order, frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5)
            )
        _save(figure, path)
    return True


def _styles(models: Sequence[str]) -> dict[str, tuple[str, str]]:
    order = list(dict.fromkeys(models))
    return {model: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, model in enumerate(order)}


def _style() -> Any:
    import matplotlib

    return matplotlib.rc_context({"font.size": 10, "axes.edgecolor": MUTED, "text.color": INK, "font.family": "DejaVu Sans"})


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained", dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def _frame(axes: Any, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(color=LINE)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _floor(axes: Any, across: bool) -> None:
    """Axes begin at 0 where that leaves at most half of them empty; the one ``across`` only if that is asked for."""
    limits = axes.dataLim
    if 0 <= limits.ymin <= 0.5 * limits.ymax:
        axes.set_ylim(bottom=0)
    if across and 0 <= limits.xmin <= 0.5 * limits.xmax:
        axes.set_xlim(left=0)


def _save(figure: Any, path: Path) -> None:
    with whole_file(path) as part:
        figure.savefig(part, format="png", dpi=DPI, metadata={"Software": None})
