"""A finished bench at hand: its numbers as a table, its tables for a paper, in a line, and as a notebook shows them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.running.folder import read_json
from zoo.utils.config import names_in
from zoo.utils.errors import RequestError, border, nearest
from zoo.utils.extras import extra
from zoo.utils.files import user_path

if TYPE_CHECKING:
    import pandas

COLUMNS = ("task", "model", "metric", "mean", "low", "high", "interval", "tied", "better", "unit", "published")
"""The columns of a bench as a table."""


@dataclass(repr=False)
class BenchResult:
    """A finished bench: its folder, its numbers and what failed.

    Examples:
        >>> zoo.BenchResult(Path("runs/bench"), {"tasks": ["toy"]}, failed=["toy nn seed 0: it was stopped"], reused=3).failed
        ['toy nn seed 0: it was stopped']

    Attributes:
        out: the folder with ``bench.json``, ``bench.csv``, ``bench.md``, ``report.html``, figures and ``cells/``.
        bench: the content of ``bench.json``.
        failed: the cells that failed, as ``TASK MODEL seed N: REASON``.
        reused: how many cells were done before.
    """

    out: Path
    bench: dict[str, Any]
    failed: list[str]
    reused: int

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> BenchResult:
        """The finished bench in a folder.

        Raises:
            RequestError: it holds no finished bench.
            ZooError: its record cannot be read.
        """
        out = user_path(folder)
        if not (out / "bench.json").exists():
            raise RequestError(f"{out} holds no finished bench: it has no bench.json")
        bench = read_json(out / "bench.json")
        with border(f"{out / 'bench.json'} is of no bench"):
            failed = [cell for cell in bench["cells"] if cell["status"] == "failed"]
            told = [f"{cell['task']} {cell['model']} seed {cell['seed']}: {cell['reason']}" for cell in failed]
            return cls(out, bench, told, len(bench["cells"]))

    def __repr__(self) -> str:
        models, tasks, cells = (self.bench.get(key, []) for key in ("models", "tasks", "cells"))
        of = f"{len(models)} models on {', '.join(tasks)}, {len(cells)} runs"
        return f"BenchResult({str(self.out)!r}: {of}{f', {len(self.failed)} failed' if self.failed else ''})"

    def to_pandas(self, seeds: bool = False) -> pandas.DataFrame:
        """The numbers in long form, a row for each task, model and metric.

        It takes pandas (``pip install 'cond-zoo[pandas]'``).

        Args:
            seeds: give a row for each seed too, with its own value and interval.

        Raises:
            ZooError: pandas is not there.
        """
        pandas = extra("pandas", "pandas", "to_pandas")
        if not seeds:
            return pandas.DataFrame([[row.get(key) for key in COLUMNS] for row in self.bench["table"]], columns=[*COLUMNS])
        columns = ["task", "model", "metric", "seed", "value", "low", "high", "better", "unit"]
        rows = [
            [*(row[key] for key in columns[:3]), int(seed), *(score[key] for key in columns[4:7]), row["better"], row["unit"]]
            for row in self.bench["table"]
            for seed, score in row["seeds"].items()
        ]
        return pandas.DataFrame(rows, columns=columns)

    def to_latex(self, task: str | None = None, metrics: Sequence[str] | str | None = None) -> str:
        r"""The tables for a paper, one a task, in the style of booktabs (``\usepackage{booktabs}``).

        Best numbers are bold and ties marked as in the tables of the bench; the caption tells the data, the samples an item,
        the test items and the seeds.

        Args:
            task: only this one; None for all.
            metrics: only these columns, in this order; None for those of the bench.

        Raises:
            RequestError: the bench has no such task, or no such metric.
        """
        from zoo.benching.tables.latex import latex_table

        tasks = list(self.bench["tasks"])
        if task is not None and task not in tasks:
            raise RequestError(f"the bench has no task {task!r}: {nearest(task, tasks)}")
        wanted = names_in(metrics, "metrics")
        return "\n".join(latex_table(self.bench, name, wanted) for name in (tasks if task is None else [task]))

    def _repr_html_(self) -> str:
        from zoo.benching.tables.shown import task_table
        from zoo.reporting.pages import text_of

        return text_of("bench_cell.html", result=self, tables=[task_table(self.bench, task) for task in self.bench["tasks"]])
