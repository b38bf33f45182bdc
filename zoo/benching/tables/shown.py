"""The tables of a bench as they are read: which model is best, whether that is certain, and what is wrong with the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from zoo.benching.tables.rows import OVER_BOTH, OVER_ITEMS, OVER_SEEDS, best, clear, columns
from zoo.reporting.pages import number

TIED = "≈"
HOW_TIED = (
    f"{TIED} is tied with the best of its column: the two differ by no more than chance gives (each two models are compared "
    "on the same test items, those of one video, scene or photo together, and over the seeds where there are several; 5 %, by "
    "Holm's correction for all of these pairs). What is tied is not in bold."
)
WIDE = 140
"""Letters that fit beside each other on a page."""
NAMED = 5
"""Names in a sentence, at most."""
FEW = 10
"""Blocks below which mean ranks can tell little (Demsar 2006, section 3.2.2)."""


class Entry(NamedTuple):
    """One cell of a table. ``published`` marks a number that somebody else measured, ``apart`` one of a reference answer."""

    text: str
    bold: bool = False
    published: bool = False
    apart: bool = False


class TaskTable(NamedTuple):
    """The table of one task: the result in a sentence or two, heads, a row a model, what is said of each model's samples,
    and what has to be known to read it.

    A page shows it in ``parts``, the places of columns that fit beside each other, each with the names of the models.
    """

    task: str
    headline: str
    heads: list[Entry]
    rows: list[list[Entry]]
    verdicts: dict[str, str]
    caption: str
    notes: list[str]

    @property
    def parts(self) -> list[list[int]]:
        """The places of the columns in each part, those of the models first; a published number stays with ours."""
        found: list[list[int]] = []
        for i in range(1, len(self.heads)):
            if self.heads[i].published or (found and self.wide([*found[-1], i]) <= WIDE):
                found[-1].append(i)
            else:
                found.append([0, i])
        return found

    def wide(self, places: Sequence[int]) -> int:
        """The width of these columns, in letters; a value and its interval stand below each other."""
        return sum(2 + max(map(_wide, [self.heads[i], *(row[i] for row in self.rows)])) for i in places)


def _wide(entry: Entry) -> int:
    value, _, rest = entry.text.partition(" ")
    return max(len(part) for word in (value, rest) for part in re.split("(?<=[_@])", word))


def task_table(bench: Mapping[str, Any], task: str) -> TaskTable:
    """The table of ``task``, published values beside ours, the reference answers above the models."""
    metrics = columns(bench["table"], task, bench["metrics"])
    apart = bench["references"]
    ours = [model for model in bench["models"] if model not in apart]
    values = {(row["model"], row["metric"]): row for row in bench["table"] if row["task"] == task}
    chance = {metric: {m for (m, of), row in values.items() if of == metric and row.get("tied")} for metric in metrics}
    chance = {metric: found for metric, found in chance.items() if found and best(bench["table"], task, metric, ours)}
    winners = {metric: clear(bench["table"], task, metric, ours) for metric in metrics}
    winners |= {metric: found if len(found) == 1 else set() for metric, found in chance.items()}
    theirs = {metric for (_, metric), row in values.items() if row["published"] is not None}
    sources: dict[str, int] = {}
    heads = [Entry("model")]
    for metric in metrics:
        heads += [Entry(metric), *([Entry("published", published=True)] if metric in theirs else [])]
    rows, verdicts = [], dict[str, str]()
    for model in [*apart, *ours]:
        cells = [cell for cell in bench["cells"] if (cell["task"], cell["model"]) == (task, model)]
        if not cells:
            continue
        done = [cell for cell in cells if cell["status"] == "done"]
        lost = len(cells) - len(done)
        line = [Entry(f"{model} ({lost} of {len(cells)} seeds failed)" if done and lost else model)]
        for metric in metrics:
            value = values.get((model, metric))
            text = "failed" if not done else "–" if value is None else value_text(value)
            if model in chance.get(metric, ()) and model not in winners[metric]:
                text += f" {TIED}"
            line.append(Entry(text, bold=model in winners[metric]))
            if metric in theirs:
                text = ""
                if value is not None and value["published"] is not None:
                    mark = sources.setdefault(value["published_source"], len(sources) + 1)
                    text = f"{number(value['published'])} [{mark}]"
                line.append(Entry(text, published=True))
        line += [Entry(_mean(done, key) if done else "failed") for key in ("fit_seconds", "pairs")]
        rows.append([entry._replace(apart=model in apart) for entry in line])
        if model in ours and (said := _verdict(done)):
            verdicts[model] = said
    notes = [f"[{mark}] {source}." for source, mark in sources.items()]
    if any(f"({bench['data'][task]['name']}, n = " not in source for source in sources):
        notes.append("Published numbers are of another data set: they give a scale and no ranking.")
    if chance:
        notes.append(HOW_TIED)
    if left := [metric for metric in metrics if metric not in chance and best(bench["table"], task, metric, ours)]:
        words = "Not tested item by item, being one number a run or not known for the same items of all"
        notes.append(f"{words}, and bold only where no other interval meets that of the best: {', '.join(left)}.")
    if truths := list(dict.fromkeys(model for (model, _), row in values.items() if row.get("truth"))):
        words = "true draws of p(y | x). They say what there is to be had, and are no model to be best."
        notes.append(f"{', '.join(truths)}: {words}")
    for cell in bench["cells"]:
        if cell["task"] == task and cell["status"] == "failed":
            notes.append(f"{cell['model']} with seed {cell['seed']} failed: {cell['reason']}")
    notes += [f"{left['model']} is left out: {left['reason']}" for left in bench["left_out"] if left["task"] == task]
    table = [*heads, Entry("seconds"), Entry("pairs")]
    return TaskTable(task, _headline(bench, task, metrics, ours), table, rows, verdicts, caption(bench, task), notes)


def _headline(bench: Mapping[str, Any], task: str, metrics: list[str], ours: list[str]) -> str:
    """Which model is best by the first score that ranks them, whether that is certain, and which beat no reference answer."""
    rows = {(row["model"], row["metric"]): row for row in bench["table"] if row["task"] == task}
    metric = next((name for name in metrics if best(bench["table"], task, name, ours)), None)
    if metric is None:
        return ""
    first = best(bench["table"], task, metric, ours)
    alike = [model for model in ours if (model, metric) in rows and rows[model, metric].get("tied")]
    if alike:
        alike.sort(key=lambda model: rows[model, metric]["mean"], reverse=rows[alike[0], metric]["better"] == "higher")
    if len(alike) > 1:
        text = f"By {metric} none is best beyond chance: {_listed(alike)} are tied."
    elif alike:
        text = f"By {metric} {alike[0]} is best, beyond chance."
    elif sure := clear(bench["table"], task, metric, ours):
        text = f"By {metric} {_listed(sorted(sure))} is best: its interval meets no other."
    else:
        text = f"By {metric} {_listed(sorted(first))} has the best mean, and whether it is better than others is not certain."
    for floor in bench["references"]:
        missed = [model for model in ours if floor in (rows.get((model, metric), {}).get("not_better_than") or ())]
        if missed:
            every = "all of them" if len(missed) == len(ours) > 1 else _listed(missed)
            text += f" No better than {floor}, beyond chance: {every}."
    return text


def _listed(names: list[str]) -> str:
    named = names if len(names) <= NAMED else [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more"]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _verdict(done: list[Mapping[str, Any]]) -> str:
    """The verdict of a model's run; of several seeds that of the first, and how many found each fault."""
    told = [cell["verdict"] for cell in done if cell.get("verdict")]
    if not told:
        return ""
    faults = Counter(fault for one in told for fault in {found.get("fault") for found in one.get("findings", [])} if fault)
    if len(told) == 1:
        return str(told[0]["text"])
    words = ", ".join(f"{fault} ({count} of {len(told)} seeds)" for fault, count in faults.most_common())
    return f"{words + '. ' if words else ''}Seed {done[0]['seed']}: {told[0]['text']}"


def _mean(done: list[Mapping[str, Any]], key: str) -> str:
    known = [cell[key] for cell in done if cell.get(key) is not None]
    if not known:
        return "–"
    mean = sum(known) / len(known)
    return f"{mean:.1f}" if key == "fit_seconds" else f"{mean:,.0f}"


def caption(bench: Mapping[str, Any], task: str) -> str:
    """The data, samples, seeds and commit that the numbers of a table are of, and how they were come by."""
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
    if bench.get("fair") is not None:
        text += f"Every fit had {number(bench['fair'])} processor seconds, sampling and scoring not counted. "
    if bench.get("tune"):
        text += f"Settings are the best of {bench['tune']} fits of each model (or as many as it has), on training pairs only. "
    if OVER_BOTH in kinds:
        text += "Mean ± half the 95 % interval over seeds and items together (bootstrap). "
    if OVER_SEEDS in kinds:
        which = "Where one number a run: mean" if OVER_BOTH in kinds else "Mean"
        text += f"{which} ± half the 95 % interval over seeds (Student t). "
    if OVER_ITEMS in kinds:
        text += "Of one seed: mean over items [95 % bootstrap interval over items]. "
    if bench["references"]:
        text += "Reference answers are grey, and no part of the ranking. "
    return text + "Best in bold where a metric says which way is better." + (" Quick form." if bench["quick"] else "")


def value_text(row: Mapping[str, Any]) -> str:
    """``mean ± half`` over seeds, or ``mean [low, high]`` over items."""
    if row["interval"] != OVER_ITEMS:
        return f"{number(row['mean'])} ± {number((row['high'] - row['low']) / 2, 2)}"
    return f"{number(row['mean'])} [{number(row['low'])}, {number(row['high'])}]"


def ranking(bench: Mapping[str, Any]) -> tuple[list[tuple[str, str]], str] | None:
    """Mean ranks by the first score that has some, the best first, and how they are to be read; None where none has."""
    if not (found := next(iter(bench.get("ranks", {}).items()), None)):
        return None
    metric, ranks = found
    alike = "; ".join(_listed(names) for names in ranks["alike"]) or "none"
    text = (
        f"Mean ranks by {metric} over {ranks['blocks']} blocks (a task with one seed), 1 the best. Two models differ where "
        f"their ranks do by more than {number(ranks['critical'], 3)} (Nemenyi, 5 %); alike: {alike}."
    )
    if ranks["p"] is not None:
        text += f" That all are alike has p = {number(ranks['p'], 2)} (Friedman)."
    if ranks["blocks"] < FEW:
        text += " So few blocks can tell little."
    if len(bench["tasks"]) < ranks["blocks"]:
        text += " Seeds of one task are not as independent as tasks are."
    return [(model, number(mean, 3)) for model, mean in ranks["means"].items()], text
