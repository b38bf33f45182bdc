"""Try what distributions bring: each in a process of its own, several at once, with a limit of time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable

from zoo import registry
from zoo.probing.outcome import Outcome, Tried, from_rows, importable, keep, kept
from zoo.registry import Entry, Installed, normal
from zoo.utils.errors import RequestError

LIMIT = 30.0
"""Seconds that importing one entry may take; ``ZOO_PROBE_SECONDS`` sets another."""
START = 120.0
"""Seconds more that the first process may take to start, which imports torch."""


def outcomes(plugins: Iterable[Installed]) -> dict[str, Outcome]:
    """What comes of importing everything that these distributions bring, by their names; what is kept is not tried again.

    A distribution that could not be tried is not in it, nor is one that is of this project or has unreadable metadata.

    Raises:
        RequestError: ``ZOO_PROBE_SECONDS`` is no number of seconds.
    """
    found: dict[str, Outcome] = {}
    untried: dict[str, list[Entry]] = {}
    by_name = {plugin.name: plugin for plugin in plugins if plugin.name != registry.OWN and not plugin.trouble}
    for name, plugin in by_name.items():
        outcome = kept(plugin)
        if outcome is not None:
            found[name] = outcome
        else:
            untried[name] = importable(plugin)
    for name, outcome in _try(untried, _limit()).items():
        found[name] = outcome
        keep(by_name[name], outcome)
    return found


def look_first(entry: Entry) -> None:
    """Try a third party's entry elsewhere before it is imported here.

    Raises:
        ZooError: importing it would end this process, or would not end. All else that is wrong with it shows when it is
            imported.
    """
    for plugin in registry.plugins():
        if normal(plugin.name) == normal(entry.distribution):
            tried = outcomes([plugin]).get(plugin.name, {}).get((entry.kind, entry.name), Tried())
            if tried.deadly:
                raise entry.broken(tried.reason)


def _limit() -> float:
    given = os.environ.get("ZOO_PROBE_SECONDS")
    try:
        limit = float(given or LIMIT)
    except ValueError:
        limit = -1
    if not 0 < limit < float("inf"):
        raise RequestError(f"ZOO_PROBE_SECONDS is {given!r}; it must be a number of seconds above 0")
    return limit


def _try(untried: dict[str, list[Entry]], limit: float) -> dict[str, Outcome]:
    made: dict[str, Outcome] = {name: {} for name, entries in untried.items() if not entries}
    jobs = [[name, [list(entry) for entry in entries]] for name, entries in untried.items() if entries]
    if not jobs:
        return made
    request = json.dumps({"path": sys.path, "limit": limit, "jobs": jobs}) + "\n"
    entries_in_all = sum(len(entries) for _, entries in jobs)
    # Isolated, since the working folder may hold files with the names of modules; the path is this process's own.
    start = "import json, sys; asked = json.loads(sys.stdin.readline()); sys.path[:] = asked['path']; "
    start += "from zoo.probing.nursery import main; main(asked)"
    nursery = subprocess.Popen(
        [sys.executable, "-I", "-c", start],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    try:
        # The nursery sees the end of its stdin when this process is gone, and ends all that it has begun.
        nursery.stdin.write(request)
        nursery.stdin.flush()
        for line in nursery.stdout:
            name, rows = json.loads(line)
            made[name] = from_rows(rows)
        nursery.wait(START + limit * entries_in_all)
    except (OSError, ValueError, subprocess.TimeoutExpired):  # it died: what it did not say was not tried
        pass
    finally:
        _end(nursery)
    return made


def _end(nursery: subprocess.Popen[str]) -> None:
    """End the nursery, which first ends its children, each the leader of a group of its own."""
    for stream in (nursery.stdin, nursery.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    try:
        nursery.wait(5)
    except subprocess.TimeoutExpired:
        if hasattr(os, "killpg"):
            os.killpg(nursery.pid, signal.SIGKILL)
        nursery.kill()
        nursery.wait()
