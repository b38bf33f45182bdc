"""The engine of one machine: cells done by worker processes beside this one, or in this one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace

from zoo.benching.cells import Cell, former
from zoo.benching.crew import Crew, asked_of, do_cell, lost, reason_of
from zoo.probing.children import Ended
from zoo.utils.budget import cores
from zoo.utils.files import discard


class Pool:
    """The engine of one machine: ``workers`` processes at a time, with an equal share of the cores each.

    None are as many as there are cores, or one on a GPU; with 0, cells are done in this process, one after another.
    """

    def __init__(self, workers: int | None, device: str) -> None:
        self.workers, self.device = workers, device

    def do(self, cells: Sequence[Cell]) -> Iterator[Cell]:
        from zoo.utils.device import pick

        workers = self.workers
        if workers is None:
            workers = cores() if pick(self.device).type == "cpu" else 1
        return _by_processes(cells, min(workers, len(cells))) if workers else _here(cells)


def _here(cells: Sequence[Cell]) -> Iterator[Cell]:
    for cell in cells:
        try:
            cell.begin()
            do_cell(cell.job, replace(cell.request, progress=False), cell.numbers)
            finish(cell)
        except Exception as error:
            cell.fail(reason_of(error))
        yield cell


def _by_processes(cells: Sequence[Cell], count: int) -> Iterator[Cell]:
    crew, threads = Crew(cores() // count), ThreadPoolExecutor(count)
    try:
        waiting = {threads.submit(_by, crew, cell): cell for cell in cells}
        while waiting:  # a wait without an end cannot be interrupted everywhere
            for done in wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(done)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        crew.stop()


def _by(crew: Crew, cell: Cell) -> None:
    """Have the crew do one cell, and say in it what came of it."""
    try:
        cell.begin()
        if (answer := crew.do(asked_of(cell))) is not None:
            cell.fail(answer["reason"]) if "reason" in answer else finish(cell)
    except Ended as end:
        cell.fail(lost(end))
    except Exception as error:
        cell.fail(reason_of(error))


def finish(cell: Cell) -> None:
    """Take the result of a cell from its folder, or say that there is none."""
    if not cell.load():
        cell.fail(f"what it wrote to {cell.folder} cannot be read")
    else:
        discard(former(cell.folder))
