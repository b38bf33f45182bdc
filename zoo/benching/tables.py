"""What the cells of a bench come to: means over seeds with their intervals, beside published numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zoo.benching.cells import Cell
from zoo.benching.request import Request
from zoo.catalog.toml import Published

OVER_SEEDS, OVER_ITEMS = "student t over seeds", "bootstrap over items"
"""What an interval is over; the second where there is one seed."""


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of two or more values with the ends of its 95 % interval by Student's t."""
    from scipy.special import stdtrit

    if min(values) == max(values):
        return values[0], values[0], values[0]
    count = len(values)
    mean = math.fsum(values) / count
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = float(stdtrit(count - 1, 0.975)) * spread / math.sqrt(count)
    return mean, mean - half, mean + half


def table_rows(request: Request, published: Mapping[str, Sequence[Published]]) -> list[dict[str, Any]]:
    """A row for each task, model and metric that was measured: see ``table`` in :func:`zoo.benching.record.bench_json`."""
    rows = []
    for task in request.tasks:
        for model in request.models:
            done = [c for c in request.cells if (c.task, c.model, c.status) == (task, model, "done")]
            for metric in dict.fromkeys(name for cell in done for name in cell.metrics["metrics"]):
                rows.append({"task": task, "model": model, **_row(metric, done, published[task])})
    return rows


def _row(metric: str, done: Iterable[Cell], published: Iterable[Published]) -> dict[str, Any]:
    scores = {cell.seed: cell.metrics["metrics"][metric] for cell in done if metric in cell.metrics["metrics"]}
    model = next(iter(done)).model
    first = next(iter(scores.values()))
    if len(scores) > 1:
        (mean, low, high), kind = interval([score["value"] for score in scores.values()]), OVER_SEEDS
    else:
        mean, low, high, kind = first["value"], first["low"], first["high"], OVER_ITEMS
    theirs = next((one for one in published if one.model == model and metric in one.metrics), None)
    return {
        "metric": metric,
        "unit": first["unit"],
        "better": first["better"],
        "mean": mean,
        "low": low,
        "high": high,
        "interval": kind,
        "seeds": {str(seed): {key: score[key] for key in ("value", "low", "high")} for seed, score in scores.items()},
        "published": None if theirs is None else theirs.metrics[metric],
        "published_source": None if theirs is None else source_of(theirs),
    }


def source_of(one: Published) -> str:
    """Where a published number stands, and what data it is of."""
    return f"{one.paper}, {one.source} ({one.data}, n = {one.n})"


def columns(rows: Sequence[Mapping[str, Any]], task: str, wanted: Sequence[str]) -> list[str]:
    """The metrics in the columns of a task's table: those ``wanted`` that were measured; all, where none are named.

    Where not one of the wanted ``NAME@K`` was measured (fewer samples than any K), those of NAME that were stand for them.
    """
    measured = list(dict.fromkeys(row["metric"] for row in rows if row["task"] == task))
    if not wanted:
        return measured
    found: dict[str, None] = {}
    for base in dict.fromkeys(name.partition("@")[0] for name in wanted):
        asked = [name for name in wanted if name in measured and name.partition("@")[0] == base]
        found |= dict.fromkeys(asked or [name for name in measured if name.partition("@")[0] == base])
    return list(found)


def best(rows: Sequence[Mapping[str, Any]], task: str, metric: str) -> set[str]:
    """The models with the best mean; none where the metric has no better direction, or only one model has it."""
    means = {row["model"]: row["mean"] for row in rows if (row["task"], row["metric"]) == (task, metric)}
    better = {row["better"] for row in rows if (row["task"], row["metric"]) == (task, metric)}
    if len(means) < 2 or not better <= {"lower", "higher"} or len(better) != 1:
        return set()
    goal = min(means.values()) if better == {"lower"} else max(means.values())
    return {model for model, mean in means.items() if mean == goal}


def at_largest(names: Iterable[str], metric: str) -> str | None:
    """``metric`` among ``names``, or ``metric@K`` of the largest K; None if there is neither."""
    names = list(names)
    if metric in names:
        return metric
    counts = [name.rpartition("@")[2] for name in names if name.rpartition("@")[0] == metric]
    return f"{metric}@{max(int(k) for k in counts if k.isdigit())}" if any(k.isdigit() for k in counts) else None
