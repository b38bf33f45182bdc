"""Checking a subject in a process of its own, which may raise, exit, print or run for ever without harm to this one."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from zoo.probing.watch import environment
from zoo.testing.listing import chosen
from zoo.testing.outcome import Outcome, Result
from zoo.testing.verdicts import Kind
from zoo.utils.threads import with_threads

LIMIT = 120.0
"""Seconds that one check may take, on any machine that one would use."""
ENDS = 3
"""Times that the process may end or be ended within a check before the rest is left undone."""


def check_apart(
    name: str,
    kind: Kind,
    only: tuple[str, ...] = (),
    *,
    tell: Callable[[Result], None] | None = None,
    limit: float = LIMIT,
) -> Outcome:
    """As :func:`zoo.testing.check`, in a process of its own.

    A check that does not end within ``limit`` seconds, or that ends the process, fails, and the others go on in a new
    process. After :data:`ENDS` of these the rest does not run, so that the outcome is not ``ok``.

    Args:
        name: the entry-point name.
        kind: what it is.
        only: the names of the checks to run; all where none is named.
        tell: hears of each result.
        limit: seconds that one check may take.

    Raises:
        RequestError: there is no such check.
    """
    names = tuple(check.name for check in chosen(kind, only))
    outcome, left = Outcome(name, kind, names), list(names)
    for _ in range(ENDS):
        if not left:
            break
        running, importing = "", False
        with _worker(kind, name, left) as (process, lines):
            while left:
                try:
                    said = lines.get(timeout=limit)
                except queue.Empty:
                    end = f"it did not end within {limit:g} s"
                    break
                if said is None:
                    end = f"it ended the process (exit code {process.wait()})"
                    break
                importing = "importing" in said
                running = said.get("begin", "")
                if "check" in said:
                    _take(outcome, Result(said["check"], said["state"], said["words"]), left, tell)
        if left and importing:  # it would be the same in every new process
            first = "importing_it_is_quick" if "importing_it_is_quick" in left else left[0]
            _take(outcome, Result(first, "failed", f"importing its module: {end}"), left, tell)
            break
        if left:
            _take(outcome, Result(running or left[0], "failed", end), left, tell)
    return outcome


def _take(outcome: Outcome, result: Result, left: list[str], tell: Callable[[Result], None] | None) -> None:
    if result.check in left:
        left.remove(result.check)
        outcome.add(result)
        if tell is not None:
            tell(result)


@contextlib.contextmanager
def _worker(kind: Kind, name: str, names: list[str]) -> Iterator[tuple[subprocess.Popen[str], queue.Queue[Any]]]:
    """A process that checks, and the queue of what it tells, None at its end; it and its children end with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo.testing.worker", kind, name, *names],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env=with_threads(environment(), 1),  # the subjects are small, and others are checked at the same time
        start_new_session=True,
    )
    lines: queue.Queue[Any] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(ValueError):  # no line of ours
                lines.put(json.loads(line))
        lines.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield process, lines
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        reader.join(timeout=5)
