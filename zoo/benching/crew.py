"""Processes that do cells one after another: whatever ends one of them costs the cell that it was doing, and no other.

As a program this module is such a process.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo import registry
from zoo.benching.cells import RECORD, Cell, begun
from zoo.benching.same import difference
from zoo.probing.children import Child, Ended, Parent, end_terminated, fate
from zoo.running.plan import Request
from zoo.utils.errors import Terminated, ZooError, border, terminable
from zoo.utils.files import write_json
from zoo.utils.words import say

_LAST_WORDS = 20.0
"""Seconds that a worker has to write down where it is, when the bench is stopped: fewer than batch systems leave."""


def asked_of(cell: Cell) -> dict[str, Any]:
    """All that a process has to be told, to do a cell."""
    folder = cell.folder
    log = folder.parent / f"{folder.name}.log"
    return {"job": cell.job, "request": asdict(cell.request), "numbers": cell.numbers, "log": str(log)}


class Crew:
    """Worker processes, each with so many threads; one that has died is replaced when there is a cell to do."""

    def __init__(self, threads: int) -> None:
        self.threads, self.stopped, self.guard = threads, False, threading.Lock()
        self.all: set[Child] = set()
        self.idle: list[Child] = []

    def do(self, asked: Mapping[str, Any], wanted: Callable[[], bool] = lambda: True) -> dict[str, str] | None:
        """Do one cell (:func:`asked_of`) in its folder, with a log beside that; gives why it failed as ``reason``, if it did.

        None where it is given up: the crew was stopped, or it is no longer ``wanted``.

        Raises:
            Ended: its process has died.
        """
        with self.guard:
            if self.stopped:
                return None
            child = self.idle.pop() if self.idle else Child("zoo.benching.crew", threads=max(1, self.threads), errors=True)
            self.all.add(child)
        child.tell(asked)
        try:
            while (answer := _heard(child)) is None:
                if not wanted():
                    child.stop()
                    return None
        except Ended:
            child.stop()
            raise
        with self.guard:
            self.idle.append(child)
        return {str(key): str(value) for key, value in answer.items()}

    def rest(self) -> None:
        """End the processes that have nothing to do."""
        with self.guard:
            idle, self.idle = self.idle, []
            self.all -= {*idle}
        for child in idle:
            child.stop()

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


def _heard(child: Child) -> Any:
    """The answer, if it comes within a second; else None."""
    try:
        return child.hear(1.0)
    except Ended as end:
        if end.code is None:
            return None
        raise


def lost(end: Ended) -> str:
    """Why a cell failed whose process has died."""
    code = end.code or 0
    how = f"was ended by {fate(code)}" if code < 0 else f"ended with code {code}"
    return f"its process {how}{'; perhaps there was not enough memory' if code == -9 else ''}"


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
    try:
        with border(f"cannot write {log}"):
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("w", encoding="utf-8") as file:
                os.dup2(file.fileno(), 2)
            os.dup2(2, 1)
        if "proof" in asked and (why := difference(asked["proof"])):
            return {"refused": why}
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
