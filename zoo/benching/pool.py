"""Cells done by worker processes: whatever ends one of them costs the cell that it was doing, and no other."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from zoo.benching.cells import Cell
from zoo.benching.worker import do_cell, reason_of
from zoo.utils.threads import with_threads


def do_cells(cells: Sequence[Cell], workers: int, cores: int) -> Iterator[Cell]:
    """Do the cells, ``workers`` at a time with an equal share of the cores each; gives each cell when it has ended.

    With 0 workers they are done in this process, one after another.
    """
    if not workers:
        for cell in cells:
            try:
                cell.begin()
                do_cell(cell.arguments, cell.request, progress=False)
            except Exception as error:
                cell.fail(reason_of(error))
            else:
                _finish(cell)
            yield cell
        return
    waiting: queue.SimpleQueue[Cell] = queue.SimpleQueue()
    ended: queue.SimpleQueue[Cell] = queue.SimpleQueue()
    for cell in cells:
        waiting.put(cell)
    count = min(workers, len(cells))
    lanes = [_Lane(waiting, ended, with_threads(os.environ, cores // count)) for _ in range(count)]
    try:
        for lane in lanes:
            lane.start()
        for _ in cells:
            yield _next(ended)
    finally:
        for lane in lanes:
            lane.stop()


def _next(ended: queue.SimpleQueue[Cell]) -> Cell:
    while True:
        with contextlib.suppress(queue.Empty):
            return ended.get(timeout=1.0)  # a wait without an end cannot be interrupted everywhere


def _finish(cell: Cell) -> None:
    if not cell.load():
        cell.fail(f"what it wrote to {cell.folder} cannot be read")


class _Lane(threading.Thread):
    """Takes waiting cells, one at a time, to a worker process of its own, which it starts again where it has died."""

    def __init__(self, waiting: queue.SimpleQueue[Cell], ended: queue.SimpleQueue[Cell], environment: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.waiting, self.ended, self.environment = waiting, ended, environment
        self.process: subprocess.Popen[str] | None = None
        self.stopped = False
        self.guard = threading.Lock()

    def run(self) -> None:
        while not self.stopped:
            try:
                cell = self.waiting.get_nowait()
            except queue.Empty:
                break
            try:
                self._do(cell)
            except Exception as error:
                cell.fail(reason_of(error))
            self.ended.put(cell)
        self.stop()

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        with self.guard:
            self.stopped = True
            process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe and pipe.close()

    def _do(self, cell: Cell) -> None:
        process = self._worker()
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        cell.begin()
        log = cell.folder.parent / f"{cell.folder.name}.log"
        asked = {"arguments": cell.arguments, "request": cell.request, "log": str(log)}
        line = ""
        with contextlib.suppress(OSError, ValueError):
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        if not line:
            cell.fail(_death(process.wait()))
            self.process = None
            return
        answer = json.loads(line)
        if "reason" in answer:
            cell.fail(answer["reason"])
        else:
            _finish(cell)

    def _worker(self) -> subprocess.Popen[str] | None:
        with self.guard:
            if self.process is None and not self.stopped:
                more: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "zoo.benching.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=self.environment,
                    encoding="utf-8",
                    **more,
                )
            return self.process


def _death(code: int) -> str:
    """What the exit code of a worker process says."""
    if code >= 0:
        return f"its process ended with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"its process was ended by {name}" + ("; perhaps there was not enough memory" if name == "SIGKILL" else "")
