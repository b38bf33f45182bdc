"""The page that stands before all pages of results, ``docs/results.md``: what they say together; see ``results.py``.

It takes whatever benches are kept: which model is best for which purpose, which claims hold, what is wrong with samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markdown.extensions.toc import slugify

from zoo.reporting.pages import number

TRUTH = "oracle"
"""The reference answer that no model is expected to pass: true draws."""
NAMED = 4
"""So many models are named where several did equally well; more are counted."""
GROUPS = (
    ("Holds, wherever it can be told", True, False),
    ("Holds in one table and not in another", True, True),
    ("Does not hold, wherever it can be told", False, True),
    ("Cannot be told in any table", False, False),
)
"""Words for claims by whether they hold in some table, and whether they do not hold in some."""
HEAD = """# Results

Which model to take for what, which claims hold, and what is wrong with the samples: all tables in short.
A command makes this page from the benches that are kept, and no number in it is typed.
[How it is tested](results/how.md) says what the words mean, and how to make a table of your own."""
WHICH = """In how many tables a model is the best or cannot be told from the best. Tables that tell no models apart are not
counted, nor models that are not shown to listen to x: a pool that ignores x can score well by being wide."""

LEGEND = "Bold: better than all others beyond chance, in paired tests by item. *And n others*: they cannot be told from it."
MARK = " † {}, a [reference answer](metrics.md), has a better mean still."


class Table(NamedTuple):
    """One table of a bench: one task.

    Attributes:
        bench, task: which.
        best: by each metric that models are ranked by, those that are the best or tied with it, the best mean first.
        before: by metric, the reference answer whose mean is better than the best model's, where there is one.
        apart: the metrics by which at least one model is shown to be behind; none in a table of the settings of one model.
        heard: by model, whether it is shown to listen to x; empty where that was not measured.
    """

    bench: Mapping[str, Any]
    task: str
    best: Mapping[str, Sequence[str]]
    before: Mapping[str, str]
    apart: frozenset[str]
    heard: Mapping[str, bool]


def table_of(bench: Mapping[str, Any], task: str) -> Table:
    """What one table says, in few words."""
    references = bench.get("references", ())
    best: dict[str, list[str]] = {}
    before: dict[str, str] = {}
    apart = set()
    for metric in (name for name in bench["columns"][task] if name in bench["ranked"]):
        rows = [row for row in bench["table"] if (row["task"], row["metric"]) == (task, metric)]
        rows.sort(key=lambda row: row["mean"] if row["better"] == "lower" else -row["mean"])
        models = [row for row in rows if row["model"] not in references]
        if tied := [row["model"] for row in models if row["tied"]]:
            best[metric] = tied
            if len(tied) < len(models) and len({_model(row["model"]) for row in models}) > 1:
                apart.add(metric)
            first = next(row["model"] for row in rows if row["model"] != TRUTH)
            if first in references:
                before[metric] = first
    gains = [row for row in bench["table"] if row["task"] == task and row["metric"].startswith("x_gain@")]
    heard = {row["model"]: row["low"] > 0 for row in gains if row["model"] not in references}
    return Table(bench, task, best, before, frozenset(apart), heard)


def _tables(kept: Iterable[Mapping[str, Any]]) -> Iterator[Table]:
    for bench in kept:
        if not bench.get("quick"):
            yield from (table_of(bench, task) for task in bench["columns"] if bench["columns"][task])


def summary_text(titles: Mapping[str, str], purposes: Mapping[str, str], kept: Sequence[Mapping[str, Any]]) -> str:
    """The whole page in Markdown.

    Args:
        titles: of the pages of single papers, by their names.
        purposes: what a metric is good for, in words; the small table has a column for each of the first two.
        kept: the benches, as ``results.py add`` leaves them.
    """
    tables = list(_tables(kept))
    parts = [HEAD, *(_overview(tables, titles, purposes) if tables else ["No bench is kept here yet."])]
    links = ", ".join(_link(page, titles) for page in titles)
    before = "What was found before these benches were kept, with pictures, [stands apart](results/earlier.md)."
    parts += ["## All of it", f"The whole tables, with every claim and its numbers: {links}. {before}"]
    return "\n\n".join(parts) + "\n"


def _overview(tables: Sequence[Table], titles: Mapping[str, str], purposes: Mapping[str, str]) -> list[str]:
    first = _first(tables, next(iter(purposes), ""))
    parts = [
        "## In short",
        *([first] if first else []),
        *_small_table(tables, {name: purposes[name] for name in list(purposes)[:2]}),
    ]
    lines = [line for name, words in purposes.items() if (line := _purpose(tables, name, words))]
    parts += ["## Which model for which purpose", WHICH, "\n".join(lines)] if lines else []
    told: dict[str, list[Mapping[str, Any]]] = {}
    for table in tables:
        told.setdefault(table.bench["page"], []).extend(_claimed(table))
    parts += ["## What is claimed"] if any(told.values()) else []
    for page, claims in told.items():
        parts += _claims(_link(page, titles), claims) if claims else []
    return [*parts, *_faults(tables)]


def _link(page: str, titles: Mapping[str, str]) -> str:
    return f"[{titles[page].removeprefix('Results: ')}](results/{page}.md)"


def _claimed(table: Table) -> list[Mapping[str, Any]]:
    return [told for told in table.bench["claims"] if told["task"] == table.task]


def _named(table: Table, purpose: str) -> str | None:
    """The column of a table that a purpose names: itself, or with a number of samples, ``error_of_best@100``."""
    return next((name for name in table.best if _is(name, purpose)), None)


def _small_table(tables: Sequence[Table], columns: Mapping[str, str]) -> list[str]:
    heads = ["bench", *columns.values(), "listen to x", "claims"]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---|" * (len(heads) - 1)]
    for table in tables:
        cells = [_where(table), *(_best(table, name) for name in columns)]
        cells.append(f"{sum(table.heard.values())} of {len(table.heard)} models" if table.heard else "")
        words = Counter(told["word"] for told in _claimed(table))
        cells.append(f"{words['holds']} hold, {words['not']} not, {words['open']} open" if words else "")
        lines.append("| " + " | ".join(cells) + " |")
    ahead = {name for table in tables for metric, name in table.before.items() if any(_is(metric, one) for one in columns)}
    mark = MARK.format(" or ".join(f"`{name}`" for name in sorted(ahead))) if ahead else ""
    return ["\n".join(lines), LEGEND + mark]


def _is(metric: str, purpose: str) -> bool:
    name, _, samples = metric.partition("@")
    return metric == purpose or (name == purpose and samples.isdigit())


def _where(table: Table) -> str:
    """Which table it is: a link to it, its task, how long fits were and how many there were of each model."""
    bench = table.bench
    heading = bench["heading"] or bench["data"][table.task]["name"]
    fit = f"{number(bench['fair'])} s a fit" if bench.get("fair") else "fits as long as each model asks for"
    seeds = f"{bench['seeds']} seed{'s' * (bench['seeds'] > 1)}"
    return f"[{heading}](results/{bench['page']}.md#{slugify(heading, '-')}): {table.task}, {fit}, {seeds}"


def _best(table: Table, purpose: str) -> str:
    if (metric := _named(table, purpose)) is None:
        return ""
    first, *others = table.best[metric]
    mark = " †" if metric in table.before else ""
    if others:
        return f"{first} *and {len(others)} other{'s' * (len(others) > 1)}*{mark}"
    return f"**{first}**{mark}" if metric in table.apart else f"{first}{mark}"


def _purpose(tables: Sequence[Table], purpose: str, words: str) -> str:
    """One line: how often each model is the best or tied with it, in the tables that tell models apart."""
    every = [(table, metric) for table in tables if (metric := _named(table, purpose)) is not None]
    apart = [(table, metric) for table, metric in every if metric in table.apart]
    if not every:
        return ""
    head = f"- **{words[0].upper()}{words[1:]}** (`{purpose}`)"
    if not apart:
        return f"{head}: no table tells the models apart."
    count, alone = _counts(apart)
    groups = []
    for times in sorted(set(count.values()), reverse=True):
        models = sorted((model for model in count if count[model] == times), key=lambda model: -alone[model])
        groups.append(f"{_few([f'`{m}`' + f' (alone in {alone[m]})' * (alone[m] > 0) for m in models])} in {times}")
    return f"{head}, {len(apart)} table{'s' * (len(apart) > 1)}: {'; '.join(groups) or 'none that listens to x'}."


def _counts(named: Iterable[tuple[Table, str]]) -> tuple[Counter[str], Counter[str]]:
    """By model, in how many tables it is among the best and listens to x, and in how many of these it is the best alone.

    Rows of one model that differ in its settings count as the model, once.
    """
    count: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for table, metric in named:
        heard = dict.fromkeys(_model(row) for row in table.best[metric] if table.heard.get(row, not table.heard)).keys()
        count.update(heard)
        alone.update(heard if len({_model(row) for row in table.best[metric]}) == 1 else [])
    return count, alone


def _model(row: str) -> str:
    """The model of a row that may be named by settings too, of ``flow detail=1`` ``flow``; "" of settings alone."""
    return " ".join(word for word in row.split(" ") if "=" not in word)


def _first(tables: Sequence[Table], purpose: str) -> str:
    """The model to begin with, where one is ahead of all others by the first purpose."""
    apart = [(table, metric) for table in tables if (metric := _named(table, purpose)) in table.apart and metric is not None]
    (model, times), *rest = _counts(apart)[0].most_common() or [("", 0)]
    if not times or (rest and rest[0][1] == times):
        return ""
    of = f"{times} of the {len(apart)} tables that tell models apart"
    return f"To begin with, take `{model}`: by `{purpose}` it is the best, or cannot be told from the best, in {of}."


def _few(named: Sequence[str]) -> str:
    """The names joined; of more than a few those that are the best alone, and the number of the others."""
    if len(named) > NAMED:
        sole = [name for name in named if "(alone" in name]
        named = [*sole, f"{len(named) - len(sole)} {'others' if sole else 'models'}"]
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))


def _claims(link: str, told: Sequence[Mapping[str, Any]]) -> list[str]:
    """The claims of a paper by what became of them; each with how many tables of how many say so."""
    each: dict[tuple[str, str, str], list[str]] = {}
    for claim in told:
        each.setdefault((claim["says"], claim["better"], claim["than"]), []).append(claim["word"])
    lines = []
    for words, some_hold, some_fail in GROUPS:
        group = []
        for (says, better, than), found in each.items():
            count = {"holds": found.count("holds"), "does not": found.count("not")}
            if (count["holds"] > 0, count["does not"] > 0) == (some_hold, some_fail):
                ends = "".join(f"; {word} in {times} of {len(found)}" for word, times in count.items() if times)
                group.append(f"    - {says} (`{better}` ahead of `{than}`{ends})")
        lines += [f"- **{words}**, {len(group)} of {len(each)}:", *group] if group else []
    return [f"{link}, with the number of tables:", "\n".join(lines)]


def _faults(tables: Sequence[Table]) -> list[str]:
    """What the verdicts find wrong with the samples of models, in how many runs."""
    runs = [
        cell["verdict"]
        for table in tables
        for cell in table.bench["cells"]
        if cell["task"] == table.task and cell["model"] not in table.bench.get("references", ()) and "verdict" in cell
    ]
    if not runs:
        return []
    faults = Counter(fault for verdict in runs for fault in verdict["faults"])
    found = [f"- {fault}: {times}" for fault, times in faults.most_common()]
    others = Counter(verdict["word"] or "nothing is found wrong" for verdict in runs if not verdict["faults"])
    found += [f"- {word}: {times}" for word, times in others.most_common()]
    head = f"What the [verdicts](faults.md) on {len(runs)} runs of models find, and in how many:"
    return ["## What is wrong with the samples", head, "\n".join(found)]
