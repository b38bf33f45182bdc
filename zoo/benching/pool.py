"""Cells done by worker processes: whatever ends one of them costs the cell that it was doing, and no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict, replace

from zoo.benching.cells import Cell
from zoo.benching.worker import do_cell, reason_of
from zoo.probing.children import Child, Ended, fate


def do_cells(cells: Sequence[Cell], workers: int, cores: int) -> Iterator[Cell]:
    """Do the cells, ``workers`` at a time with an equal share of the cores each; gives each cell when it has ended.

    With 0 workers they are done in this process, one after another.
    """
    if not workers:
        for cell in cells:
            try:
                cell.begin()
                do_cell(replace(cell.request, progress=False), cell.numbers)
                _finish(cell)
            except Exception as error:
                cell.fail(reason_of(error))
            yield cell
        return
    count = min(workers, len(cells))
    crew, threads = _Crew(cores // count), ThreadPoolExecutor(count)
    try:
        waiting = {threads.submit(crew.do, cell): cell for cell in cells}
        while waiting:  # a wait without an end cannot be interrupted everywhere
            for done in wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(done)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        crew.stop()


def _finish(cell: Cell) -> None:
    if not cell.load():
        cell.fail(f"what it wrote to {cell.folder} cannot be read")


class _Crew:
    """Worker processes, each with so many threads; one that has died is replaced when there is a cell to do."""

    def __init__(self, threads: int) -> None:
        self.threads, self.stopped, self.guard = threads, False, threading.Lock()
        self.all: set[Child] = set()
        self.idle: list[Child] = []

    def do(self, cell: Cell) -> None:
        """Do one cell, and say in it what came of it."""
        with self.guard:
            if self.stopped:
                return
            child = self.idle.pop() if self.idle else Child("zoo.benching.worker", threads=max(1, self.threads), errors=True)
            self.all.add(child)
        try:
            cell.begin()
            log = cell.folder.parent / f"{cell.folder.name}.log"
            child.tell({"request": asdict(cell.request), "numbers": cell.numbers, "log": str(log)})
            answer = child.hear()
        except Ended as end:
            child.stop()
            code = end.code or 0
            how = f"was ended by {fate(code)}" if code < 0 else f"ended with code {code}"
            cell.fail(f"its process {how}{'; perhaps there was not enough memory' if code == -9 else ''}")
            return
        except Exception as error:
            cell.fail(reason_of(error))
        else:
            cell.fail(answer["reason"]) if "reason" in answer else _finish(cell)
        self.idle.append(child)

    def stop(self) -> None:
        """End all processes, whatever they are doing."""
        with self.guard:
            self.stopped = True
        for child in self.all:
            child.stop()
