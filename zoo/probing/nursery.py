"""The process that tries what distributions bring: it imports torch and the zoo once, then has a child for each of them.

Children are forks of it, so that each starts in no time with all that is not the plugin's own already imported; where
there is no fork they are new processes. What they find goes to a file of their own, line by line: what a child had begun
when it died is known.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LOOK = 0.02
"""Seconds between two looks at the children."""
START = 120.0
"""Seconds that a child may take until it begins with the first entry."""
Row = list[Any]
"""One entry's outcome: kind, name, reason, deadly, seconds, effects."""


def main(asked: dict[str, Any]) -> None:
    """Try every job and print what came of it as a line of JSON; end with all children when stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    silence = os.open(os.devnull, os.O_RDWR)
    parent = os.dup(0)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    preload()
    with tempfile.TemporaryDirectory(prefix="zoo-probe-") as scratch:
        jobs = [_Job(name, entries, Path(scratch) / f"{i}.jsonl") for i, (name, entries) in enumerate(asked["jobs"])]
        waiting, running = list(jobs), list[_Job]()
        try:
            while (waiting or running) and not _gone(parent):
                while waiting and len(running) < max(2, os.cpu_count() or 1):
                    running.append(waiting.pop(0))
                    running[-1].start(asked["path"])
                for job in list(running):
                    if job.look(asked["limit"]) and not job.left():
                        running.remove(job)
                        print(json.dumps([job.name, job.rows]), file=answers, flush=True)
                    elif job.child is None:  # something killed it; what is left may be sound
                        job.start(asked["path"])
        finally:
            for job in running:
                job.kill()


def _gone(parent: int) -> bool:
    """Wait a little, and say whether the process that asked is gone, which is when its end of stdin is closed."""
    if hasattr(os, "fork"):
        return bool(select.select([parent], [], [], LOOK)[0])
    time.sleep(LOOK)  # elsewhere a pipe cannot be waited for, and that process ends this one itself
    return False


def preload() -> None:
    """Import what every plugin imports, so that its own seconds are its own."""
    from zoo import data  # noqa: F401
    from zoo.contracts import (
        metric,  # noqa: F401
        model,  # noqa: F401
        task,  # noqa: F401
    )
    from zoo.fitting import loop as training  # noqa: F401


class _Job:
    """The entries of one distribution, tried by one child after another until none is left."""

    def __init__(self, name: str, entries: Sequence[Sequence[str]], answers: Path) -> None:
        self.name, self.entries, self.answers = name, entries, answers
        self.rows: list[Row] = []
        self.child: _Fork | _Spawn | None = None
        self.began = 0.0

    def left(self) -> list[Sequence[str]]:
        """The entries of which nothing is known yet."""
        done = {(row[0], row[1]) for row in self.rows}
        return [entry for entry in self.entries if (entry[0], entry[1]) not in done]

    def start(self, path: list[str]) -> None:
        self.answers.write_text("")
        self.child = (_Fork if hasattr(os, "fork") else _Spawn)(self.left(), self.answers, path)
        self.began = time.monotonic()
        self._lines = 0

    def look(self, limit: float) -> bool:
        """Whether the child has ended or was ended; what it found is then in ``rows``."""
        assert self.child is not None
        code = self.child.poll()
        lines = [json.loads(line) for line in self.answers.read_text(encoding="utf-8").splitlines() if line.endswith("]")]
        if len(lines) != self._lines:
            self._lines, self.began = len(lines), time.monotonic()
        if code is None and time.monotonic() - self.began <= (limit if lines else START):
            return False
        self.kill()
        self.child = None
        self.rows += [line for line in lines if len(line) == 6]
        if not lines or len(lines[-1]) == 2:
            begun = lines[-1] if lines else self.left()[0][:2]
            self._died(begun, f"its import did not end within {limit:g} s" if code is None else _words(code))
        return True

    def _died(self, begun: Sequence[str], reason: str) -> None:
        """The entry that was being imported is deadly, and so are those of the same module, which are not tried."""
        module = next(entry[2].partition(":")[0] for entry in self.entries if [entry[0], entry[1]] == list(begun))
        for kind, name, value, *_ in self.left():
            if value.partition(":")[0] == module:
                self.rows.append([kind, name, reason, True, 0.0, []])

    def kill(self) -> None:
        if self.child is not None:
            self.child.kill()


class _Fork:
    """A child that is a fork of this process, the leader of a session of its own."""

    def __init__(self, entries: Sequence[Sequence[str]], answers: Path, path: list[str]) -> None:
        self.code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                from zoo.probing.trial import trial

                trial(entries, answers)
            finally:
                os._exit(0)

    def poll(self) -> int | None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def kill(self) -> None:
        with contextlib.suppress(OSError):  # also what it has left behind in its group
            os.killpg(self.pid, signal.SIGKILL)
        if self.code is None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class _Spawn:
    """A child that is a new process, where there is no fork."""

    def __init__(self, entries: Sequence[Sequence[str]], answers: Path, path: list[str]) -> None:
        words = json.dumps([path, [list(entry) for entry in entries], str(answers)])
        start = f"import json, sys; path, *rest = json.loads({words!r}); sys.path[:] = path; "
        start += "from zoo.probing.trial import spawned; spawned(*rest)"
        self.process = subprocess.Popen([sys.executable, "-c", start], stdin=subprocess.DEVNULL, start_new_session=True)

    def poll(self) -> int | None:
        return self.process.poll()

    def kill(self) -> None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


def _words(code: int) -> str:
    if code >= 0:
        return f"its import ends the process (exit code {code})"
    try:
        return f"its import ends the process ({signal.Signals(-code).name})"
    except ValueError:
        return f"its import ends the process (signal {-code})"
