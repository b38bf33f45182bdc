"""Cells done by worker processes: whatever ends one of them costs the cell that it was doing, and no other.

As a program this module is such a process, which does one cell after another as it is asked to.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from zoo import registry
from zoo.benching.cells import RECORD, Cell, begun
from zoo.probing.children import Child, Ended, Parent, end_terminated, fate
from zoo.running.plan import Request
from zoo.utils.errors import Terminated, ZooError, terminable
from zoo.utils.files import write_json
from zoo.utils.words import say

_LAST_WORDS = 20.0
"""Seconds that a worker has to write down where it is, when the bench is stopped: fewer than batch systems leave."""


def do_cells(cells: Sequence[Cell], workers: int, cores: int) -> Iterator[Cell]:
    """Do the cells, ``workers`` at a time with an equal share of the cores each; gives each cell when it has ended.

    With 0 workers they are done in this process, one after another.
    """
    if not workers:
        for cell in cells:
            try:
                cell.begin()
                do_cell(cell.job, replace(cell.request, progress=False), cell.numbers)
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
            child = self.idle.pop() if self.idle else Child("zoo.benching.pool", threads=max(1, self.threads), errors=True)
            self.all.add(child)
        try:
            cell.begin()
            log = cell.folder.parent / f"{cell.folder.name}.log"
            child.tell({"job": cell.job, "request": asdict(cell.request), "numbers": cell.numbers, "log": str(log)})
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
        """End all processes; those that do a cell write the state of their training first."""
        with self.guard:
            self.stopped = True
            busy = self.all - {*self.idle}
        try:
            for child in busy:
                child.ask_to_end()
            end = time.monotonic() + _LAST_WORDS
            while any(child.poll() is None for child in busy) and time.monotonic() < end:
                time.sleep(0.02)
        finally:
            for child in self.all:
                child.stop()


def do_cell(job: str, request: Request, numbers: Mapping[str, Any]) -> None:
    """Do one cell, a ``"run"`` or a ``"trial"``, and leave its record last; ``numbers`` is what decides its numbers."""
    from zoo.benching.grid import save_pictures
    from zoo.benching.tuning import do_trial
    from zoo.running.run import execute

    mark = begun(Path(str(request.out)))
    write_json(mark, dict(numbers))
    if job == "trial":
        do_trial(request, numbers)
    else:
        result = execute(request, save_pictures)
        write_json(result.out / RECORD, {"schema": 1, "request": dict(numbers)})
    mark.unlink(missing_ok=True)


def reason_of(error: BaseException) -> str:
    """One line that says why a cell failed."""
    if isinstance(error, ZooError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "it was stopped"
    if isinstance(error, MemoryError):
        return "there was not enough memory"
    return registry.told(error)


def main() -> None:
    """Answer requests until the bench that started this process has ended: the cell that is being done ends with it."""
    parent = Parent()
    with terminable():
        while True:
            try:
                asked = parent.ask()
                answer = _answer(asked)
            except Terminated:
                end_terminated()
            except KeyboardInterrupt:  # between two cells there is nothing to stop
                continue
            parent.tell(answer)


def _answer(asked: Mapping[str, Any]) -> dict[str, str]:
    log = Path(asked["log"])
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 2)
    os.dup2(2, 1)
    try:
        do_cell(asked["job"], Request(**asked["request"]), asked["numbers"])
    except Terminated:
        raise
    except BaseException as error:
        say(traceback.format_exc(), err=True, lines=True)
        return {"reason": reason_of(error)}
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    with contextlib.suppress(OSError):
        log.unlink()
    return {}


if __name__ == "__main__":
    main()
