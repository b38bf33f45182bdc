"""The table of one task for a paper: LaTeX in the style of booktabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.benching.tables.rows import OVER_ITEMS
from zoo.benching.tables.shown import TIED, Entry, task_table
from zoo.reporting.pages import number
from zoo.utils.errors import RequestError, nearest
from zoo.utils.words import latex

ARROWS = {"lower": r" $\downarrow$", "higher": r" $\uparrow$"}


def latex_table(bench: Mapping[str, Any], task: str, metrics: Sequence[str] | None = None) -> str:
    """The table of ``task``, its columns those of the bench or these ``metrics``; one that is not there is a RequestError."""
    rows = [row for row in bench["table"] if row["task"] == task]
    better = {row["metric"]: row.get("better") for row in rows}
    for name in metrics or ():
        if name not in better:
            raise RequestError(f"the table of {task} has no metric {name!r}: {nearest(name, better)}")
    table = task_table({**bench, "metrics": metrics} if metrics else bench, task)
    titles = [head.text for head in table.heads]
    places = range(len(titles)) if not metrics else [0, *map(titles.index, metrics)]
    heads = [latex(titles[i]) + ARROWS.get(better.get(titles[i]) or "", "") for i in places]
    apart = [line for line in table.rows if line[0].apart]
    ours = [line for line in table.rows if not line[0].apart]
    blocks = ["\n".join(_line([_cell(line[i]) for i in places]) for line in part) for part in (apart, ours) if part]
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_caption(bench, task, table.rows)}}}",
            rf"\label{{tab:{task}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
            r"\toprule",
            _line(heads),
            r"\midrule",
            "\n\\midrule\n".join(blocks),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cell(entry: Entry) -> str:
    text = latex(entry.text)
    if entry.bold:
        return rf"\textbf{{{text}}}"
    return rf"\textit{{{text}}}" if entry.apart else text


def _caption(bench: Mapping[str, Any], task: str, rows: Sequence[Sequence[Entry]]) -> str:
    """The data, how many samples, items and seeds, and how the marks are to be read."""
    seeds = len(bench["seeds"])
    items = next((c["test_items"] for c in bench["cells"] if c["task"] == task and c["status"] == "done"), 0)
    kinds = {row["interval"] for row in bench["table"] if row["task"] == task}
    text = f"{task} on {bench['data'][task]['name']}: n = {bench['n']} samples for each of {items:,} test items, "
    text += f"{seeds} seed{'s' if seeds > 1 else ''}. "
    several = kinds != {OVER_ITEMS}
    text += "Mean ± half the 95 % interval. " if several else "Mean [95 % interval]. "
    text += "Of one seed: mean [95 % interval]. " if several and OVER_ITEMS in kinds else ""
    if bench.get("fair") is not None:
        text += f"Each fit had {number(bench['fair'])} processor seconds. "
    every = [entry for line in rows for entry in line]
    text += "Bold: best beyond chance. " if any(entry.bold for entry in every) else ""
    text += f"{TIED}: tied with the best (paired by item, Holm). " if any(TIED in entry.text for entry in every) else ""
    text += "Italics: reference answers, not ranked. " if any(entry.apart for entry in every) else ""
    return latex(text.strip())
