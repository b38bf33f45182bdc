"""``bench.json``, everything a bench found, and ``bench.csv``, its numbers in long form."""

from __future__ import annotations

import csv
import io
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo.benching.cells import Cell
from zoo.benching.plan import BenchPlan
from zoo.benching.tables import OVER_ITEMS, table_rows
from zoo.catalog.files import Published
from zoo.running.record import versions

SCHEMA = 1
CSV = ("task", "model", "metric", "unit", "better", "seed", "mean", "low", "high", "interval", "published", "published_source")


def bench_json(plan: BenchPlan, published: Mapping[str, Sequence[Published]], started: str) -> dict[str, Any]:
    """The content of ``bench.json``; every table and figure is made from it.

    ``table`` has a row for each task, model and metric with the ``mean`` over seeds, the ends ``low`` and ``high`` of its
    interval, what that is over, the values of each seed and the published one. ``cells`` has each cell with its metrics,
    times and device, or the reason why it failed. ``left_out`` are the models that are not made for the fields of a task.
    ``published`` has all published rows of the tasks.
    """
    return {
        "schema": SCHEMA,
        "suite": plan.request.suite,
        "title": plan.suite.title,
        "command": plan.request.command(),
        "started": started,
        "commit": commit(),
        "versions": versions(),
        "platform": platform.platform(),
        "device": next((c.run["device"] for c in plan.cells if c.status == "done"), plan.request.device),
        "quick": plan.request.quick,
        "data": {task: {"name": plan.data[task], "seeds": _digests(plan, task)} for task in plan.tasks},
        "n": plan.n,
        "items": plan.items,
        "seeds": list(range(plan.seeds)),
        "settings": {key: value if isinstance(value, list) else str(value) for key, value in plan.settings.items()},
        "tasks": list(plan.tasks),
        "models": list(plan.models),
        "metrics": list(plan.suite.metrics),
        "scatter": [plan.suite.scatter.x, plan.suite.scatter.y] if plan.suite.scatter else None,
        "table": table_rows(plan, published),
        "left_out": [{"task": t, "model": m, "reason": reason} for (t, m), reason in plan.left_out.items()],
        "cells": [_cell(cell, plan.out) for cell in plan.cells],
        "published": [msgspec.structs.asdict(one) for task in plan.tasks for one in published[task]],
    }


def bench_csv(bench: Mapping[str, Any]) -> str:
    """The table in long form: a row for each seed (its value and bootstrap interval), then one for all seeds together."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV, lineterminator="\n")
    writer.writeheader()
    for row in bench["table"]:
        same = {key: row[key] for key in ("task", "model", "metric", "unit", "better")}
        for seed, score in row["seeds"].items():
            one = {"seed": seed, "mean": score["value"], "low": score["low"], "high": score["high"], "interval": OVER_ITEMS}
            writer.writerow({**same, **one})
        whole = {key: row[key] for key in ("mean", "low", "high", "interval", "published", "published_source")}
        writer.writerow({**same, "seed": "all", **whole})
    return text.getvalue()


def commit() -> str:
    """``git describe`` of the project's checkout where this is one, else the version of the package."""
    from zoo.utils.version import own_version

    root = Path(__file__).resolve().parents[2]
    try:
        if os.path.samefile(_git(root, "rev-parse", "--show-toplevel"), root):
            return _git(root, "describe", "--always", "--dirty", "--tags")
    except (OSError, subprocess.SubprocessError, ValueError):
        pass
    return f"version {own_version()}"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.strip()


def _digests(plan: BenchPlan, task: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for cell in plan.cells:
        if (cell.task, cell.status) == (task, "done"):
            found.setdefault(str(cell.seed), {split: cell.run["data"][split] for split in ("train", "test")})
    return found


def _cell(cell: Cell, out: Path) -> dict[str, Any]:
    made = {"task": cell.task, "model": cell.model, "seed": cell.seed, "status": cell.status}
    made["folder"] = cell.folder.relative_to(out).as_posix()
    if cell.status != "done":
        return {**made, "reason": cell.reason}
    return {
        **made,
        "metrics": cell.metrics["metrics"],
        "skipped_metrics": cell.run["skipped_metrics"],
        "test_items": cell.metrics["test_items"],
        "seconds": cell.run["seconds"],
        "device": cell.run["device"],
        "started": cell.run["started"],
        "command": cell.run["command"],
        "config": {part: cell.run[part]["config"] for part in ("model", "task")},
    }
