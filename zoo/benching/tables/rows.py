"""The rows of a bench's tables: means over seeds and items with their intervals, beside published numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from statistics import mean, stdev
from typing import Any

from zoo.benching.plan import BenchPlan
from zoo.benching.tables.ties import over_both, surpassed, tied
from zoo.catalog.files import Published
from zoo.contracts.metric import LAST
from zoo.measuring.gain import NAME as GAIN
from zoo.measuring.standing import standing
from zoo.reporting.pages import source_of

OVER_SEEDS, OVER_ITEMS, OVER_BOTH = "student t over seeds", "bootstrap over items", "bootstrap over seeds and items"
"""What an interval is over: the second where there is one seed, the third where there are several and all have values."""


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of two or more values with the ends of its 95 % interval by Student's t."""
    from scipy.special import stdtrit

    middle, count = mean(values), len(values)
    half = float(stdtrit(count - 1, 0.975)) * stdev(values) / count**0.5
    return middle, middle - half, middle + half


def table_rows(plan: BenchPlan, published: Mapping[str, Sequence[Published]]) -> list[dict[str, Any]]:
    """A row for each task, model and metric that was measured: see ``table`` in :func:`zoo.benching.record.bench_json`."""
    rows = []
    of_task = {task: [cell for cell in plan.cells if (cell.task, cell.status) == (task, "done")] for task in plan.tasks}
    apart = {*plan.references} | plan.truths
    own = {task: [cell for cell in cells if cell.model not in apart] for task, cells in of_task.items()}
    ties = {(task, metric): found for task in plan.tasks for metric, found in tied(own[task]).items()}
    floors = [model for model in plan.references if model not in plan.truths]
    both = {*plan.models} - plan.truths
    compared = {task: [cell for cell in cells if cell.model in both] for task, cells in of_task.items()}
    beaten = {task: surpassed(cells, floors) if floors else {} for task, cells in compared.items()}
    spans = {task: over_both(cells) for task, cells in of_task.items()}
    for task, model in product(plan.tasks, plan.models):
        measured = {cell.seed: cell.metrics["metrics"] for cell in of_task[task] if cell.model == model}
        for metric in dict.fromkeys(name for scores in measured.values() for name in scores):
            scores = {seed: of_seed[metric] for seed, of_seed in measured.items() if metric in of_seed}
            first, over = next(iter(scores.values())), OVER_ITEMS
            ends = first["value"], first["low"], first["high"]
            if len(scores) > 1:
                ends, over = interval([score["value"] for score in scores.values()]), OVER_SEEDS
            if (model, metric) in spans[task]:
                ends, over = spans[task][model, metric], OVER_BOTH if len(scores) > 1 else OVER_ITEMS
            theirs = next((row for row in published[task] if row.model == model and metric in row.metrics), None)
            row: dict[str, Any] = {"task": task, "model": model, "metric": metric}
            row |= {"unit": first["unit"], "better": first.get("better")} | standing(metric)._asdict()
            row |= {"mean": ends[0], "low": ends[1], "high": ends[2], "interval": over}
            row["seeds"] = {str(seed): {key: score[key] for key in ("value", "low", "high")} for seed, score in scores.items()}
            row["truth"] = model in plan.truths
            row["tied"] = model in ties[task, metric] if (task, metric) in ties else None
            behind = beaten[task].get(metric, {}).get(model)
            row["not_better_than"] = None if behind is None else [name for name in floors if name not in behind]
            row["published"] = None if theirs is None else theirs.metrics[metric]
            row["published_source"] = None if theirs is None else source_of(theirs)
            rows.append(row)
    return rows


def columns(rows: Sequence[Mapping[str, Any]], task: str, wanted: Sequence[str]) -> list[str]:
    """The metrics in the columns of a task's table: those ``wanted`` that were measured, and what they gain by x; all, where
    none are named. Those with the lowest place come first.

    Where not one of the wanted ``NAME@K`` was measured (fewer samples than any K), those of NAME that were stand for them.
    """
    measured = list(dict.fromkeys(row["metric"] for row in rows if row["task"] == task))
    chosen: list[str] = [] if wanted else measured
    for base in dict.fromkeys(name.partition("@")[0] for name in wanted):
        own = [name for name in measured if name.partition("@")[0] == base]
        chosen += [name for name in wanted if name in own] or own
    chosen += [name for name in measured if name.startswith(f"{GAIN}@") and name.partition("@")[2] in chosen]
    places = {row["metric"]: row.get("place", LAST) for row in rows}
    return sorted(dict.fromkeys(chosen), key=lambda name: places[name])


def best(rows: Sequence[Mapping[str, Any]], task: str, metric: str, among: Collection[str]) -> set[str]:
    """The models ``among`` these with the best mean; none where models are not ranked by it, or only one of them has it."""
    own = [row for row in rows if (row["task"], row["metric"]) == (task, metric) and row["model"] in among]
    better = {row["better"] for row in own}
    if len(own) < 2 or better not in ({"lower"}, {"higher"}) or not all(row.get("ranked", True) for row in own):
        return set()
    goal = (min if "lower" in better else max)(row["mean"] for row in own)
    return {row["model"] for row in own if row["mean"] == goal}


def clear(rows: Sequence[Mapping[str, Any]], task: str, metric: str, among: Collection[str]) -> set[str]:
    """The model that is best, where its interval and no other's meet; else none."""
    own = {row["model"]: row for row in rows if (row["task"], row["metric"]) == (task, metric) and row["model"] in among}
    first = best(rows, task, metric, among)
    ends = [(own[model]["low"], own[model]["high"]) for model in first]
    apart = len(first) == 1 and all(
        row["high"] < ends[0][0] or row["low"] > ends[0][1] for model, row in own.items() if model not in first
    )
    return first if apart else set()
