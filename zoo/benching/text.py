"""The tables of a bench as they are read: cells of text, put into Markdown, HTML and the terminal alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from zoo.benching.tables import OVER_ITEMS, OVER_SEEDS, best, columns


class Entry(NamedTuple):
    """One cell of a table. ``published`` marks a number that somebody else measured."""

    text: str
    bold: bool = False
    published: bool = False


@dataclass
class TaskTable:
    """The table of one task: heads, a row a model, and what has to be known to read it."""

    task: str
    heads: list[Entry]
    rows: list[list[Entry]]
    caption: str
    notes: list[str] = field(default_factory=list)


def task_table(bench: Mapping[str, Any], task: str, published: bool = True) -> TaskTable:
    """The table of ``task``; ``published`` puts the published values beside ours."""
    metrics = columns(bench["table"], task, bench["metrics"])
    rows = {(row["model"], row["metric"]): row for row in bench["table"] if row["task"] == task}
    winners = {metric: best(bench["table"], task, metric) for metric in metrics}
    theirs = {m for m in metrics if published and any(rows[key]["published"] is not None for key in rows if key[1] == m)}
    sources: dict[str, int] = {}
    heads = [Entry("model")]
    for metric in metrics:
        heads += [Entry(metric), *([Entry("published", published=True)] if metric in theirs else [])]
    heads.append(Entry("fit, s"))
    made = []
    for model in bench["models"]:
        cells = [cell for cell in bench["cells"] if (cell["task"], cell["model"]) == (task, model)]
        if not cells:
            continue
        done = [cell for cell in cells if cell["status"] == "done"]
        lost = len(cells) - len(done)
        line = [Entry(f"{model} ({lost} of {len(cells)} seeds failed)" if done and lost else model)]
        for metric in metrics:
            row = rows.get((model, metric))
            text = "failed" if not done else "–" if row is None else value_text(row)
            line.append(Entry(text, bold=model in winners[metric]))
            if metric in theirs:
                line.append(Entry(_published_text(row, sources), published=True))
        fits = [cell["seconds"].get("fit", 0.0) for cell in done]
        line.append(Entry(f"{sum(fits) / len(fits):.1f}" if fits else "failed"))
        made.append(line)
    notes = [f"[{number}] {source}." for source, number in sources.items()]
    if any(f"({bench['data'][task]['name']}, n = " not in source for source in sources):
        notes.append("Published numbers are of another data set: they give a scale and no ranking.")
    for cell in bench["cells"]:
        if cell["task"] == task and cell["status"] == "failed":
            notes.append(f"{cell['model']} with seed {cell['seed']} failed: {cell['reason']}")
    notes += [f"{one['model']} is left out: {one['reason']}" for one in bench["left_out"] if one["task"] == task]
    return TaskTable(task, heads, made, caption(bench, task), notes)


def caption(bench: Mapping[str, Any], task: str) -> str:
    """What the numbers of a table are of."""
    seeds = len(bench["seeds"])
    kinds = {row["interval"] for row in bench["table"] if row["task"] == task}
    digests = bench["data"][task]["seeds"]
    first = next(iter(digests.values()), None)
    of = ""
    if first and first["train"]:
        scored = next(c["test_items"] for c in bench["cells"] if c["task"] == task and c["status"] == "done")
        train, test = first["train"], first["test"]
        of = f" ({train['items']:,} training pairs, sha256 {train['digest'][:12]}; {scored:,} test items scored"
        of += f", sha256 {test['digest'][:12]})"
    words = [f"Data {bench['data'][task]['name']}{of}", f"n = {bench['n']} samples an item"]
    words += [f"{seeds} seed{'s' if seeds > 1 else ''}", f"commit {bench['commit']}"]
    means = {
        OVER_SEEDS: "Mean ± half the 95 % interval over seeds (Student t)",
        OVER_ITEMS: "Of one seed: mean over items [95 % bootstrap interval over items]",
    }
    text = "; ".join(words) + ". " + ". ".join(text for kind, text in means.items() if kind in kinds)
    return text + ". Best in bold where a metric says which way is better." + (" Quick form." if bench["quick"] else "")


def value_text(row: Mapping[str, Any]) -> str:
    """``mean ± half`` over seeds, or ``mean [low, high]`` over items."""
    if row["interval"] == OVER_SEEDS:
        return f"{number(row['mean'])} ± {number((row['high'] - row['low']) / 2, 2)}"
    return f"{number(row['mean'])} [{number(row['low'])}, {number(row['high'])}]"


def number(value: float, digits: int = 4) -> str:
    """So many significant digits, without powers of ten where that can be had."""
    if abs(value) >= 10**digits or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def markdown(bench: Mapping[str, Any]) -> str:
    """``bench.md``: the tables of all tasks."""
    lines = [f"# {bench['title']}", "", f"`{bench['command']}`", ""]
    for task in bench["tasks"]:
        made = task_table(bench, task)
        lines += [f"## {task}", "", made.caption, ""]
        lines.append("| " + " | ".join(_escape(head.text) for head in made.heads) + " |")
        lines.append("|" + "|".join([" --- ", *[" ---: "] * (len(made.heads) - 1)]) + "|")
        for row in made.rows:
            lines.append("| " + " | ".join(f"**{_escape(e.text)}**" if e.bold else _escape(e.text) for e in row) + " |")
        for note in made.notes:
            lines += ["", _escape(note)]
        lines.append("")
    return "\n".join(lines)


def _published_text(row: Mapping[str, Any] | None, sources: dict[str, int]) -> str:
    if row is None or row["published"] is None:
        return ""
    mark = sources.setdefault(row["published_source"], len(sources) + 1)
    return f"{number(row['published'])} [{mark}]"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
