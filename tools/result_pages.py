"""The text of a page of results, made of the benches that ``results.py`` kept; see there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from zoo.reporting.pages import number

TOLD = {"holds": "**holds**", "not": "does **not** hold", "open": "**cannot be told**"}


def page_text(title: str, about: str, kept: Sequence[Mapping[str, Any]]) -> str:
    """A whole page in Markdown, of the benches that are ``kept`` of it."""
    parts = [f"# {title}", about]
    if not kept:
        parts.append("No bench of this version is kept here yet; what was found before stands [apart](earlier.md).")
    for bench in kept:
        tasks = [task for task in bench["columns"] if bench["columns"][task]]
        names = ", ".join(dict.fromkeys(bench["data"][task]["name"] for task in tasks))
        parts += [f"## {bench['heading'] or names}", f"```sh\n{bench['command']}\n```", how(bench)]
        claims = [told for told in bench["claims"] if told["task"] in tasks]
        if claims:
            count = {word: sum(told["word"] == word for told in claims) for word in TOLD}
            words = f"{count['holds']} hold, {count['not']} do not, and of {count['open']} it cannot be told"
            parts.append(f"**Claims**: of {len(claims)} that are tested, {words} (5 %, by Holm's correction).")
        parts += [_ranks(metric, ranks) for metric, ranks in list(bench["ranks"].items())[:1]]
        for task in tasks:
            parts += [f"### {task}: {bench['data'][task]['name']}", *_task(bench, task)]
            parts += ["\n".join(f"- {sentence(told)}" for told in claims if told["task"] == task)] if claims else []
    return "\n\n".join(part for part in parts if part) + "\n"


def _ranks(metric: str, ranks: Mapping[str, Any]) -> str:
    """The models by their mean rank over tasks and seeds, and how far two have to be apart to differ."""
    order = ", ".join(
        f"`{model}` {number(rank, 2)}" for model, rank in sorted(ranks["means"].items(), key=lambda each: each[1])
    )
    text = f"Mean ranks by {metric} over {ranks['blocks']} blocks (a task with one seed), 1 the best: {order}."
    return f"{text} Two models differ where these do by more than {number(ranks['critical'], 2)} (Nemenyi, 5 %)."


def how(bench: Mapping[str, Any]) -> str:
    """On what, how long and when a bench was done."""
    sizes = []
    for task, data in bench["data"].items():
        scored = next((cell["test_items"] for cell in bench["cells"] if cell["task"] == task and "test_items" in cell), 0)
        train = f"{data['train']['items']:,} training pairs (sha256 {data['train']['digest']}), " if "train" in data else ""
        test = f" (sha256 {data['test']['digest']})" if "test" in data else ""
        sizes.append(f"{task}: {train}{scored:,} test items{test}")
    seeds = f"{bench['seeds']} seed{'s' * (bench['seeds'] > 1)}"
    text = f"{'; '.join(sizes)}. {bench['n']} samples an item, {seeds}; {bench['started'][:10]}, commit {bench['commit']}."
    if bench.get("fair"):
        text += f" Every fit had {number(bench['fair'])} processor seconds"
        text += (
            f", after {bench['tune']} tuning fits of each model on a split of the training pairs."
            if bench.get("tune")
            else "."
        )
    else:
        text += " Each model has its own recipe: fits are of different length, which the last columns tell."
    return text + (" **The quick form: its numbers say only that everything runs.**" if bench.get("quick") else "")


def _task(bench: Mapping[str, Any], task: str) -> list[str]:
    columns, rows = bench["columns"][task], {}
    for row in bench["table"]:
        if row["task"] == task:
            rows[row["model"], row["metric"]] = row
    heads = ["model", *columns, "fit, s", "pairs"]
    narrow = [re.sub("([_@])", r"\1<wbr>", head) for head in heads]  # so that a column is as wide as its numbers
    lines = ["| " + " | ".join(narrow) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    alone = {
        metric: [m for m in bench["models"] if metric in bench["ranked"] and rows.get((m, metric), {}).get("tied")]
        for metric in columns
    }
    for model in bench["models"]:
        cells = [cell for cell in bench["cells"] if (cell["task"], cell["model"]) == (task, model)]
        done = [cell for cell in cells if cell["status"] == "done"]
        if not cells:
            continue
        name = f"*{model}*" if model in bench.get("references", ()) else model
        line = [name if len(done) == len(cells) else f"{name} ({len(cells) - len(done)} of {len(cells)} failed)"]
        for metric in columns:
            row = rows.get((model, metric))
            text = "" if row is None else value_text(row)
            mark = model in alone[metric]
            line.append(f"**{text}**" if mark and len(alone[metric]) == 1 else f"{text} ≈" if mark else text)
        for key in ("fit_seconds", "pairs"):
            known = [cell[key] for cell in done if key in cell]
            line.append(f"{mean(known):,.0f}" if known else "")
        lines.append("| " + " | ".join(line) + " |")
    parts = ["\n".join(lines)]
    if any(alone.values()):
        marks = "≈ is tied with the best of its column in paired tests by item; bold is better than all others beyond chance"
        parts.append(f"{marks}; in italics, reference answers." if bench.get("references") else f"{marks}.")
    parts += [" ".join(filter(None, (_best(bench, task, metric, rows, alone[metric]) for metric in columns)))]
    parts += [_heard(bench, task, metric, rows) for metric in columns if metric.startswith("x_gain@")]
    parts.append(_told(bench, task))
    if faults := _faults(bench, task):
        parts.append(faults)
    parts += [f"{left['model']} is left out: {left['reason']}" for left in bench["left_out"] if left["task"] == task]
    return parts


def _best(bench: Mapping[str, Any], task: str, metric: str, rows: Mapping[Any, Any], tied: Sequence[str]) -> str:
    """Which model is best by a metric, and which are tied with it, as the tests say."""
    if not tied:
        return ""
    goal = min if rows[tied[0], metric]["better"] == "lower" else max
    first = goal(tied, key=lambda model: rows[model, metric]["mean"])
    others = ", ".join(f"`{model}`" for model in tied if model != first)
    if not others:
        return f"By {metric} `{first}` is better than all others."
    return f"By {metric} `{first}` has the best mean, and cannot be told from {others}."


def _heard(bench: Mapping[str, Any], task: str, metric: str, rows: Mapping[Any, Any]) -> str:
    """Which models are shown to listen to x, and which are not."""
    measured = [model for model in bench["models"] if (model, metric) in rows]
    heard = [model for model in measured if rows[model, metric]["low"] > 0]
    words = [", ".join(f"`{model}`" for model in part) for part in (heard, [m for m in measured if m not in heard])]
    text = f"By {metric} it is shown of {words[0] or 'none'} that they listen to x (the interval is above 0)"
    return f"{text}; it is not shown of {words[1]}." if words[1] else f"{text}."


def _told(bench: Mapping[str, Any], task: str) -> str:
    """The whole verdict on the model whose paper it is, of the first seed."""
    own = next((told["better"] for told in bench["claims"] if told["task"] == task), "")
    for cell in bench["cells"]:
        if (cell["task"], cell["model"]) == (task, own) and "verdict" in cell:
            return f"The verdict on `{own}`, seed {cell['seed']}: {cell['verdict']['text']}"
    return ""


def _faults(bench: Mapping[str, Any], task: str) -> str:
    """What the verdicts found wrong with each model, in how many seeds."""
    lines = []
    for model in bench["models"]:
        told = [c["verdict"] for c in bench["cells"] if (c["task"], c["model"]) == (task, model) and "verdict" in c]
        found = [fault for verdict in told for fault in verdict["faults"]]
        faults = ", ".join(f"{fault} ({found.count(fault)} of {len(told)})" for fault in dict.fromkeys(found))
        words = ", ".join(dict.fromkeys(verdict["word"] for verdict in told if verdict["word"]))
        if told:
            lines.append(f"- `{model}`: {faults or words or 'nothing is found wrong'}")
    return "**What the verdicts say** (in how many of the seeds):\n\n" + "\n".join(lines) if lines else ""


def value_text(row: Mapping[str, Any]) -> str:
    """``mean ± half`` over seeds, ``mean [low, high]`` over the items of one."""
    if "seeds" in row["interval"]:
        return f"{number(row['mean'])} ± {number((row['high'] - row['low']) / 2, 2)}"
    return f"{number(row['mean'])} [{number(row['low'], 3)}, {number(row['high'], 3)}]"


def sentence(told: Mapping[str, Any]) -> str:
    """A claim and what the test says of it."""
    way = "a lower" if told["direction"] == "lower" else "a higher"
    text = f"{told['says']} (`{told['better']}` has {way} {told['metric']} than `{told['than']}`): {TOLD[told['word']]}"
    if "why" in told:
        return f"{text}; {told['why']}."
    ends = "" if told["low"] is None else f" [{number(told['low'], 3)}, {number(told['high'], 3)}]"
    return f"{text}; the difference is {number(told['value'], 3)}{ends}, p {p_text(told['p'])}."


def p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.2g}" if p < 0.1 else f"= {p:.1f}"
