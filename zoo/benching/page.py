"""``report.html`` of a bench: tables, figures, the command; one file, no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.benching.text import task_table
from zoo.reporting.pages import write_page

FIGURES = {
    "scatter": "One metric of the suite against another; bars are 95 % intervals.",
    "curves": "Over the number of samples; bars are 95 % intervals.",
    "grid": "The same test items by every model: samples put in their place in the photo, or fields where there is none.",
}
"""What stands under each kind of figure, ``KIND-TASK.png``."""


def write_pages(bench: Mapping[str, Any], out: Path) -> None:
    """Write ``bench.md``, and ``report.html`` with the figures in ``out`` inside it."""
    tables = [task_table(bench, task) for task in bench["tasks"]]
    write_page(out / "bench.md", "bench.md", bench=bench, tables=tables)
    facts = {
        "Suite": bench["suite"],
        "Data": ", ".join(dict.fromkeys(data["name"] for data in bench["data"].values())),
        "Models": len(bench["models"]),
        "Seeds": len(bench["seeds"]),
        "Samples an item": bench["n"],
        "Test items, at most": "all" if bench["items"] is None else f"{bench['items']:,}",
        "Commit": bench["commit"],
        "Device": bench["device"],
    }
    figures = {
        task: [(kind, words, path) for kind, words in FIGURES.items() if (path := out / f"{kind}-{task}.png").exists()]
        for task in bench["tasks"]
    }
    write_page(out / "report.html", "bench.html", bench=bench, facts=facts, tables=tables, figures=figures)
