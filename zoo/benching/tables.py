"""The tables of a bench: means over seeds with their intervals beside published numbers, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from statistics import mean, stdev
from typing import Any, NamedTuple

from zoo.benching.plan import BenchPlan
from zoo.benching.ties import tied
from zoo.catalog.files import Published
from zoo.reporting.pages import number, source_of

OVER_SEEDS, OVER_ITEMS = "student t over seeds", "bootstrap over items"
"""The two things that an interval is over; the second where there is one seed."""


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
    compared = {task: [cell for cell in cells if cell.model not in plan.truths] for task, cells in of_task.items()}
    ties = {(task, metric): found for task in plan.tasks for metric, found in tied(compared[task]).items()}
    for task, model in product(plan.tasks, plan.models):
        measured = {cell.seed: cell.metrics["metrics"] for cell in of_task[task] if cell.model == model}
        for metric in dict.fromkeys(name for scores in measured.values() for name in scores):
            scores = {seed: of_seed[metric] for seed, of_seed in measured.items() if metric in of_seed}
            first, over = next(iter(scores.values())), OVER_ITEMS
            ends = first["value"], first["low"], first["high"]
            if len(scores) > 1:
                ends, over = interval([score["value"] for score in scores.values()]), OVER_SEEDS
            theirs = next((row for row in published[task] if row.model == model and metric in row.metrics), None)
            row: dict[str, Any] = {"task": task, "model": model, "metric": metric}
            row |= {key: first[key] for key in ("unit", "better")}
            row |= {"mean": ends[0], "low": ends[1], "high": ends[2], "interval": over}
            row["seeds"] = {str(seed): {key: score[key] for key in ("value", "low", "high")} for seed, score in scores.items()}
            row["truth"] = model in plan.truths
            row["tied"] = model in ties[task, metric] if (task, metric) in ties and not row["truth"] else None
            row["published"] = None if theirs is None else theirs.metrics[metric]
            row["published_source"] = None if theirs is None else source_of(theirs)
            rows.append(row)
    return rows


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
    """The models with the best mean; none where the metric has no better direction, or only one model has it.

    A model that answers with true draws is not one of them.
    """
    own = [row for row in rows if (row["task"], row["metric"]) == (task, metric) and not row.get("truth")]
    better = {row["better"] for row in own}
    if len(own) < 2 or better not in ({"lower"}, {"higher"}):
        return set()
    goal = (min if "lower" in better else max)(row["mean"] for row in own)
    return {row["model"] for row in own if row["mean"] == goal}


TIED = "≈"
HOW_TIED = (
    f"{TIED} is tied with the best of its column: the two differ by no more than chance gives (each two models are compared "
    "on the same test items, those of one video, scene or photo together, and over the seeds where there are several; 5 %, by "
    "Holm's correction for all of these pairs). What is tied is not in bold."
)


class Entry(NamedTuple):
    """One cell of a table. ``published`` marks a number that somebody else measured."""

    text: str
    bold: bool = False
    published: bool = False


class TaskTable(NamedTuple):
    """The table of one task: heads, a row a model, and what has to be known to read it."""

    task: str
    heads: list[Entry]
    rows: list[list[Entry]]
    caption: str
    notes: list[str]


def task_table(bench: Mapping[str, Any], task: str) -> TaskTable:
    """The table of ``task``, published values beside ours."""
    metrics = columns(bench["table"], task, bench["metrics"])
    values = {(row["model"], row["metric"]): row for row in bench["table"] if row["task"] == task}
    winners = {metric: best(bench["table"], task, metric) for metric in metrics}
    chance = {metric: {m for (m, of), row in values.items() if of == metric and row.get("tied")} for metric in metrics}
    chance = {metric: found for metric, found in chance.items() if found}
    winners |= {metric: found if len(found) == 1 else set() for metric, found in chance.items()}
    theirs = {metric for (_, metric), row in values.items() if row["published"] is not None}
    sources: dict[str, int] = {}
    heads = [Entry("model")]
    for metric in metrics:
        heads += [Entry(metric), *([Entry("published", published=True)] if metric in theirs else [])]
    rows = []
    for model in bench["models"]:
        cells = [cell for cell in bench["cells"] if (cell["task"], cell["model"]) == (task, model)]
        if not cells:
            continue
        fits = [cell["seconds"].get("fit", 0.0) for cell in cells if cell["status"] == "done"]
        lost = len(cells) - len(fits)
        line = [Entry(f"{model} ({lost} of {len(cells)} seeds failed)" if fits and lost else model)]
        for metric in metrics:
            value = values.get((model, metric))
            text = "failed" if not fits else "–" if value is None else value_text(value)
            if model in chance.get(metric, ()) and model not in winners[metric]:
                text += f" {TIED}"
            line.append(Entry(text, bold=model in winners[metric]))
            if metric in theirs:
                text = ""
                if value is not None and value["published"] is not None:
                    mark = sources.setdefault(value["published_source"], len(sources) + 1)
                    text = f"{number(value['published'])} [{mark}]"
                line.append(Entry(text, published=True))
        rows.append([*line, Entry(f"{sum(fits) / len(fits):.1f}" if fits else "failed")])
    notes = [f"[{mark}] {source}." for source, mark in sources.items()]
    if chance:
        notes.append(HOW_TIED)
        if left := [metric for metric in metrics if metric not in chance and winners[metric]]:
            notes.append(f"Not tested so, being one number a run or not known for the same items of all: {', '.join(left)}.")
    if truths := list(dict.fromkeys(model for (model, _), row in values.items() if row.get("truth"))):
        notes.append(
            f"{', '.join(truths)}: true draws of p(y | x). They say what there is to be had, and are no model to be best."
        )
    if any(f"({bench['data'][task]['name']}, n = " not in source for source in sources):
        notes.append("Published numbers are of another data set: they give a scale and no ranking.")
    for cell in bench["cells"]:
        if cell["task"] == task and cell["status"] == "failed":
            notes.append(f"{cell['model']} with seed {cell['seed']} failed: {cell['reason']}")
    notes += [f"{left['model']} is left out: {left['reason']}" for left in bench["left_out"] if left["task"] == task]
    return TaskTable(task, [*heads, Entry("fit, s")], rows, caption(bench, task), notes)


def caption(bench: Mapping[str, Any], task: str) -> str:
    """The data, samples, seeds and commit that the numbers of a table are of."""
    seeds, data = len(bench["seeds"]), bench["data"][task]
    kinds = {row["interval"] for row in bench["table"] if row["task"] == task}
    digests = next(iter(data["seeds"].values()), None)
    of = ""
    if digests and (train := digests["train"]):
        scored = next(c["test_items"] for c in bench["cells"] if c["task"] == task and c["status"] == "done")
        of = f" ({train['items']:,} training pairs, sha256 {train['digest'][:12]}; {scored:,} test items scored"
        of += f", sha256 {digests['test']['digest'][:12]})"
    text = f"Data {data['name']}{of}; n = {bench['n']} samples an item; {seeds} seed{'s' if seeds > 1 else ''}"
    text += f"; commit {bench['commit']}. "
    if OVER_SEEDS in kinds:
        text += "Mean ± half the 95 % interval over seeds (Student t). "
    if OVER_ITEMS in kinds:
        text += "Of one seed: mean over items [95 % bootstrap interval over items]. "
    return text + "Best in bold where a metric says which way is better." + (" Quick form." if bench["quick"] else "")


def value_text(row: Mapping[str, Any]) -> str:
    """``mean ± half`` over seeds, or ``mean [low, high]`` over items."""
    if row["interval"] == OVER_SEEDS:
        return f"{number(row['mean'])} ± {number((row['high'] - row['low']) / 2, 2)}"
    return f"{number(row['mean'])} [{number(row['low'])}, {number(row['high'])}]"
