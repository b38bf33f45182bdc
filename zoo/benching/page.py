"""``report.html`` of a bench: tables, figures, the command; one file, no network."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from zoo.benching.text import Entry, task_table

FIGURES = {
    "scatter": "One metric of the suite against another; bars are 95 % intervals.",
    "curves": "Over the number of samples; bars are 95 % intervals.",
    "grid": "The same test items by every model: samples put in their place in the photo, or fields where there is none.",
}
"""What stands under each kind of figure, ``KIND-TASK.png``."""


def write_page(bench: Mapping[str, Any], out: Path) -> str:
    """The page as one HTML text, with the figures in ``out`` inside it."""
    style = (Path(__file__).parents[1] / "reporting" / "report.css").read_text(encoding="utf-8")
    parts = [_head(bench), *(_task(bench, task, out) for task in bench["tasks"]), _cells(bench), _repeat(bench)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(bench['title'])}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(bench: Mapping[str, Any]) -> str:
    facts = {
        "Suite": bench["suite"] or "",
        "Data": ", ".join(dict.fromkeys(one["name"] for one in bench["data"].values())),
        "Models": str(len(bench["models"])),
        "Seeds": str(len(bench["seeds"])),
        "Samples an item": str(bench["n"]),
        "Test items, at most": "all" if bench["items"] is None else f"{bench['items']:,}",
        "Commit": bench["commit"],
        "Device": bench["device"],
    }
    cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items() if v)
    what = "the quick form, " if bench["quick"] else ""
    return (
        f'<h1>{escape(bench["title"])}</h1>\n<p class="muted">{what}begun on {escape(bench["started"])}</p>\n'
        f'<dl class="facts">{cells}</dl>'
    )


def _task(bench: Mapping[str, Any], task: str, out: Path) -> str:
    made = task_table(bench, task)
    heads = "".join(f"<th{_class(head)}>{escape(head.text)}</th>" for head in made.heads)
    rows = "".join("<tr>" + "".join(f"<td{_class(e)}>{_text(e)}</td>" for e in row) + "</tr>" for row in made.rows)
    text = f'<h2>{escape(task)}</h2>\n<p class="note">{escape(made.caption)}</p>\n'
    text += f'<div class="wide"><table><tr>{heads}</tr>{rows}</table></div>'
    text += "".join(f'\n<p class="note">{escape(note)}</p>' for note in made.notes)
    for kind, words in FIGURES.items():
        path = out / f"{kind}-{task}.png"
        if path.exists():
            data = base64.b64encode(path.read_bytes()).decode()
            alt = escape(f"{kind} of {task}")
            text += f'\n<figure><img style="max-width: 100%" alt="{alt}" src="data:image/png;base64,{data}">'
            text += f'<figcaption class="note">{escape(words)}</figcaption></figure>'
    return text


def _cells(bench: Mapping[str, Any]) -> str:
    rows = []
    for cell in bench["cells"]:
        done = cell["status"] == "done"
        name = f"{cell['task']}, {cell['model']}, seed {cell['seed']}"
        link = f'<a href="{escape(cell["folder"])}/report.html">{escape(name)}</a>' if done else escape(name)
        times = [f"{cell['seconds'].get(part, 0):.1f}" for part in ("fit", "evaluate")] if done else ["", ""]
        last = cell["device"] if done else f"failed: {cell['reason']}"
        rows.append(f"<tr><td>{link}</td><td>{times[0]}</td><td>{times[1]}</td><td class=left>{escape(last)}</td></tr>")
    return (
        "<h2>Runs</h2>\n<details><summary>The report of each run, in the folders beside this page</summary>"
        '<div class="wide"><table><tr><th>run</th><th>fit, s</th><th>evaluate, s</th><th class=left>device</th></tr>'
        f"{''.join(rows)}</table></div></details>"
    )


def _repeat(bench: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in bench["versions"].items())
    return (
        f"<h2>How to do it again</h2>\n<pre>{escape(bench['command'])}</pre>\n"
        f'<p class="note">{escape(packages)}; {escape(bench["platform"])}. bench.json beside this page holds every number, '
        "bench.csv the same in long form.</p>"
    )


def _class(entry: Entry) -> str:
    return ' class="elsewhere"' if entry.published else ""


def _text(entry: Entry) -> str:
    return f"<b>{escape(entry.text)}</b>" if entry.bold else escape(entry.text)
