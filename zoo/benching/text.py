"""The tables of a bench as they are read: cells of text, put into Markdown, HTML and the terminal alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from zoo.benching.tables import OVER_ITEMS, OVER_SEEDS, best, columns
from zoo.reporting.pages import number


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


def task_table(bench: Mapping[str, Any], task: str, published: bool = True) -> TaskTable:
    """The table of ``task``; ``published`` puts the published values beside ours."""
    metrics = columns(bench["table"], task, bench["metrics"])
    values = {(row["model"], row["metric"]): row for row in bench["table"] if row["task"] == task}
    winners = {metric: best(bench["table"], task, metric) for metric in metrics}
    theirs = {metric for (_, metric), row in values.items() if published and row["published"] is not None}
    sources: dict[str, int] = {}
    heads = [Entry("model")]
    for metric in metrics:
        heads += [Entry(metric), *([Entry("published", published=True)] if metric in theirs else [])]
    heads.append(Entry("fit, s"))
    rows = []
    for model in bench["models"]:
        cells = [cell for cell in bench["cells"] if (cell["task"], cell["model"]) == (task, model)]
        if not cells:
            continue
        done = [cell for cell in cells if cell["status"] == "done"]
        lost = len(cells) - len(done)
        line = [Entry(f"{model} ({lost} of {len(cells)} seeds failed)" if done and lost else model)]
        for metric in metrics:
            value = values.get((model, metric))
            text = "failed" if not done else "–" if value is None else value_text(value)
            line.append(Entry(text, bold=model in winners[metric]))
            if metric in theirs:
                line.append(Entry(_published_text(value, sources), published=True))
        fits = [cell["seconds"].get("fit", 0.0) for cell in done]
        rows.append([*line, Entry(f"{sum(fits) / len(fits):.1f}" if fits else "failed")])
    notes = [f"[{mark}] {source}." for source, mark in sources.items()]
    if any(f"({bench['data'][task]['name']}, n = " not in source for source in sources):
        notes.append("Published numbers are of another data set: they give a scale and no ranking.")
    for cell in bench["cells"]:
        if cell["task"] == task and cell["status"] == "failed":
            notes.append(f"{cell['model']} with seed {cell['seed']} failed: {cell['reason']}")
    notes += [f"{left['model']} is left out: {left['reason']}" for left in bench["left_out"] if left["task"] == task]
    return TaskTable(task, heads, rows, caption(bench, task), notes)


def caption(bench: Mapping[str, Any], task: str) -> str:
    """What the numbers of a table are of."""
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


def _published_text(row: Mapping[str, Any] | None, sources: dict[str, int]) -> str:
    if row is None or row["published"] is None:
        return ""
    mark = sources.setdefault(row["published_source"], len(sources) + 1)
    return f"{number(row['published'])} [{mark}]"
