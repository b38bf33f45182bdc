"""The record of a bench: ``bench.json`` with all that it found, its numbers as ``bench.csv``, and the two pages."""

from __future__ import annotations

import contextlib
import csv
import io
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo.benching.cells import Cell
from zoo.benching.plan import BenchPlan
from zoo.benching.tables.ranking import ranks_of
from zoo.benching.tables.rows import OVER_ITEMS, table_rows
from zoo.benching.tables.shown import ranking, task_table
from zoo.benching.tuning import Trial
from zoo.catalog.files import Published
from zoo.reporting.pages import write_page
from zoo.running.folder import versions
from zoo.utils.version import own_version
from zoo.utils.words import plain_cell, visible

CSV = (
    *("task", "model", "metric", "unit", "better", "seed", "mean", "low", "high", "interval", "tied"),
    *("published", "published_source"),
)


def bench_json(plan: BenchPlan, published: Mapping[str, Sequence[Published]], started: str) -> dict[str, Any]:
    """The content of ``bench.json``; every table and figure is made from it.

    ``table`` has a row for each task, model and metric over seeds, with what its interval is over, whether it is ``tied`` with
    the best (None where that cannot be tested), and which reference answers it is ``not_better_than`` beyond chance;
    ``ranks`` are the mean ranks over tasks and seeds, by score; ``published`` has all rows of the tasks; ``left_out`` are the
    models that are not made for the fields of a task; ``references`` those that the others are compared with; ``trials`` the
    fits that settings were chosen by, and ``chosen`` of a cell those settings; of a bench over settings ``rows`` are the
    models of those rows that are named by their settings.
    """
    done = [cell for cell in plan.cells if cell.status == "done"]
    digests: dict[str, dict[str, Any]] = {task: {} for task in plan.tasks}
    for cell in done:
        digests[cell.task].setdefault(str(cell.seed), {split: cell.run["data"][split] for split in ("train", "test")})
    table = table_rows(plan, published)
    apart = [*dict.fromkeys([*sorted(plan.truths), *plan.references])]
    ours = [model for model in plan.models if model not in apart]
    return {
        "schema": 1,
        "suite": plan.request.suite,
        "title": plan.suite.title,
        "command": plan.request.command(),
        "started": started,
        "commit": commit(),
        "versions": versions(),
        "platform": platform.platform(),
        "device": done[0].run["device"] if done else plan.request.device,
        "quick": plan.request.quick,
        "fair": plan.request.fair,
        "tune": plan.request.tune,
        "sweep": {key: [str(value) for value in values] for key, values in plan.request.sweep.items()},
        "references": apart,
        "data": {task: {"name": visible(plan.data[task]), "seeds": digests[task]} for task in plan.tasks},
        "n": plan.n,
        "items": plan.items,
        "seeds": list(range(plan.seeds)),
        "settings": {key: value if isinstance(value, list) else str(value) for key, value in plan.settings.items()},
        "tasks": list(plan.tasks),
        "models": list(plan.models),
        "rows": {label: row.model for label, row in plan.rows.items() if label != row.model},
        "metrics": list(plan.suite.metrics),
        "scatter": [plan.suite.scatter.x, plan.suite.scatter.y] if plan.suite.scatter else None,
        "table": table,
        "ranks": ranks_of(table, plan.tasks, ours, plan.suite.metrics),
        "left_out": [{"task": t, "model": m, "reason": reason} for (t, m), reason in plan.left_out.items()],
        "cells": [_cell(cell, plan.out) for cell in plan.cells],
        "trials": [_trial(trial, plan) for trial in plan.trials],
        "published": [msgspec.structs.asdict(row) for task in plan.tasks for row in published[task]],
    }


def _cell(cell: Cell, out: Path) -> dict[str, Any]:
    asked = {key: getattr(cell, key) for key in ("task", "model", "seed", "status")}
    asked["folder"] = cell.folder.relative_to(out).as_posix()
    if cell.status != "done":
        return {**asked, "reason": cell.reason}
    measured = {key: cell.metrics[key] for key in ("metrics", "test_items")}
    how = {key: cell.run[key] for key in ("skipped_metrics", "seconds", "device", "started", "command")}
    how |= {"chosen": cell.chosen, "verdict": cell.metrics.get("verdict"), **effort(cell)}
    return {**asked, **measured, **how, "config": {part: cell.run[part]["config"] for part in ("model", "task")}}


def _trial(trial: Trial, plan: BenchPlan) -> dict[str, Any]:
    asked = {key: getattr(trial, key) for key in ("task", "model", "seed", "number", "settings", "status")}
    asked["folder"] = trial.folder.relative_to(plan.out).as_posix()
    asked["chosen"] = trial.settings in [cell.chosen for cell in plan.cells if trial in cell.trials and cell.status == "done"]
    if trial.status != "done":
        return {**asked, "reason": trial.reason}
    ((metric, score),) = trial.metrics["metrics"].items()
    return {**asked, "metric": metric, "score": score, "items": trial.run["items"], **effort(trial)}


def effort(cell: Cell) -> dict[str, Any]:
    """The processor seconds of a fit (or else those that passed), its steps, and the pairs that it saw, as far as known."""
    history = cell.run["history"] or {}
    seconds = history.get("processor") or cell.run["seconds"].get("fit")
    return {"fit_seconds": seconds, "steps": history.get("steps"), "pairs": history.get("pairs")}


def bench_csv(bench: Mapping[str, Any]) -> str:
    """The table in long form: a row for each seed (its value and bootstrap interval), then one for all seeds together.

    Words that a spreadsheet would take for a formula have an apostrophe before them.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for cells in bench["table"]:
        row: dict[str, Any] = {key: plain_cell(value) if isinstance(value, str) else value for key, value in cells.items()}
        for seed, score in row["seeds"].items():
            own = {**score, "seed": seed, "mean": score["value"], "interval": OVER_ITEMS, "tied": None}
            writer.writerow({**row, "published": "", "published_source": "", **own})
        writer.writerow({**row, "seed": "all"})
    return text.getvalue()


def write_pages(bench: Mapping[str, Any], out: Path) -> None:
    """Write ``bench.md``, and ``report.html`` with the figures in ``out``, named ``KIND-TASK.png``, inside it."""
    tables = [task_table(bench, task) for task in bench["tasks"]]
    for name, template in (("bench.md", "bench.md"), ("report.html", "bench.html")):
        write_page(out / name, template, bench=bench, tables=tables, ranking=ranking(bench), out=out)


def commit() -> str:
    """``git describe`` of the project's checkout where this is one, else the version of the package."""
    root = Path(__file__).parents[2]
    words = ["git", "-C", str(root), "describe", "--always", "--dirty", "--tags"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if (root / ".git").exists():
            return subprocess.run(words, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    return f"version {own_version()}"
