"""The words of a bench while it works: a line a cell, on stderr."""

from __future__ import annotations

import sys
import time

from zoo.benching.cells import Cell
from zoo.benching.plan import BenchPlan
from zoo.benching.tables import at_largest
from zoo.reporting.words import duration


class Teller:
    """Says on stderr what is reused and which cell has ended, with its main figure, its seconds and the time that is left."""

    def __init__(self, plan: BenchPlan, total: int, show: bool) -> None:
        self.plan, self.total, self.show = plan, total, show
        self.began, self.done = time.monotonic(), 0
        reused = sum(cell.reused for cell in plan.cells)
        if reused:
            self._say(f"{reused} of {len(plan.cells)} runs are done already")
        for cell in plan.cells:
            if cell.status == "new" and cell.reason:
                self._say(f"{cell.name}: done again, because {cell.reason}")
            elif cell.status == "stopped":
                self._say(f"{cell.name}: going on where it was stopped")
            elif cell.status == "failed":
                self._say(f"{cell.name}: failed: {cell.reason}")

    def tell(self, cell: Cell) -> None:
        """``cell`` has ended: its main figure is the one that the scatter plot has up, or else its first."""
        self.done += 1
        took = time.monotonic() - self.began
        text = f"failed: {cell.reason}"
        if cell.status != "failed":
            metrics, wanted = cell.metrics["metrics"], self.plan.suite.scatter
            name = at_largest(metrics, wanted.y if wanted else "") or next(iter(metrics), None)
            text = (f"{name} {metrics[name]['value']:.4g}, " if name else "") + duration(sum(cell.run["seconds"].values()))
        left = took / self.done * (self.total - self.done)
        rest = f"about {duration(left)} left" if self.done < self.total else f"all in {duration(took)}"
        self._say(f"{self.done}/{self.total}  {cell.name}: {text}; {rest}")

    def _say(self, line: str) -> None:
        if self.show:
            print(line, file=sys.stderr, flush=True)
