"""What the cells of a bench come to: means over seeds with their intervals, beside published numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from zoo.reporting.figures import over_counts
from zoo.reporting.report import source_of

if TYPE_CHECKING:
    from zoo.benching.cells import Cell
    from zoo.benching.plan import BenchPlan
    from zoo.catalog.files import Published

OVER_SEEDS, OVER_ITEMS = "student t over seeds", "bootstrap over items"
"""What an interval is over; the second where there is one seed."""


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of two or more values with the ends of its 95 % interval by Student's t."""
    from scipy.special import stdtrit

    middle, count = mean(values), len(values)
    half = float(stdtrit(count - 1, 0.975)) * stdev(values) / count**0.5
    return middle, middle - half, middle + half


def table_rows(request: BenchPlan, published: Mapping[str, Sequence[Published]]) -> list[dict[str, Any]]:
    """A row for each task, model and metric that was measured: see ``table`` in :func:`zoo.benching.record.bench_json`."""
    rows = []
    for task in request.tasks:
        for model in request.models:
            done = [c for c in request.cells if (c.task, c.model, c.status) == (task, model, "done")]
            theirs = [row for row in published[task] if row.model == model]
            for metric in dict.fromkeys(name for cell in done for name in cell.metrics["metrics"]):
                rows.append({"task": task, "model": model, "metric": metric, **_row(metric, done, theirs)})
    return rows


def _row(metric: str, done: Iterable[Cell], published: Iterable[Published]) -> dict[str, Any]:
    scores = {cell.seed: cell.metrics["metrics"][metric] for cell in done if metric in cell.metrics["metrics"]}
    first = next(iter(scores.values()))
    row = {"unit": first["unit"], "better": first["better"]}
    if len(scores) > 1:
        middle, low, high = interval([score["value"] for score in scores.values()])
        row |= {"mean": middle, "low": low, "high": high, "interval": OVER_SEEDS}
    else:
        row |= {"mean": first["value"], "low": first["low"], "high": first["high"], "interval": OVER_ITEMS}
    theirs = next((each for each in published if metric in each.metrics), None)
    return {
        **row,
        "seeds": {str(seed): {key: score[key] for key in ("value", "low", "high")} for seed, score in scores.items()},
        "published": None if theirs is None else theirs.metrics[metric],
        "published_source": None if theirs is None else source_of(theirs),
    }


def columns(rows: Sequence[Mapping[str, Any]], task: str, wanted: Sequence[str]) -> list[str]:
    """The metrics in the columns of a task's table: those ``wanted`` that were measured; all, where none are named.

    Where not one of the wanted ``NAME@K`` was measured (fewer samples than any K), those of NAME that were stand for them.
    """
    measured = list(dict.fromkeys(row["metric"] for row in rows if row["task"] == task))
    chosen: list[str] = [] if wanted else measured
    for base in dict.fromkeys(name.partition("@")[0] for name in wanted):
        own = [name for name in measured if name.partition("@")[0] == base]
        chosen += [name for name in wanted if name in own] or own
    return list(dict.fromkeys(chosen))


def best(rows: Sequence[Mapping[str, Any]], task: str, metric: str) -> set[str]:
    """The models with the best mean; none where the metric has no better direction, or only one model has it."""
    own = [row for row in rows if (row["task"], row["metric"]) == (task, metric)]
    better = {row["better"] for row in own}
    if len(own) < 2 or better not in ({"lower"}, {"higher"}):
        return set()
    goal = (min if better == {"lower"} else max)(row["mean"] for row in own)
    return {row["model"] for row in own if row["mean"] == goal}


def at_largest(names: Collection[str], metric: str) -> str | None:
    """``metric`` among ``names``, or ``metric@K`` of the largest K; None if there is neither."""
    counts = over_counts(dict.fromkeys(names)).get(metric)
    return metric if metric in names else f"{metric}@{max(counts)}" if counts else None
