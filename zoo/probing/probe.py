"""Try what distributions bring: each in a process of its own, several at once, with a limit of time."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable

from zoo import registry
from zoo.probing.children import START, Child, Ended
from zoo.probing.outcome import Outcome, Tried, from_rows, importable, keep, kept
from zoo.registry import Entry, Installed, normal
from zoo.utils.errors import RequestError

LIMIT = 30.0
"""Seconds that importing one entry may take; ``ZOO_PROBE_SECONDS`` sets another."""


def outcomes(plugins: Iterable[Installed]) -> dict[str, Outcome]:
    """What comes of importing everything that these distributions bring, by their names; what is kept is not tried again.

    A distribution that could not be tried is not in it, nor is one that is of this project or has unreadable metadata.

    Raises:
        RequestError: ``ZOO_PROBE_SECONDS`` is no number of seconds.
    """
    tried: dict[str, Outcome] = {}
    untried: dict[str, list[Entry]] = {}
    by_name = {plugin.name: plugin for plugin in plugins if plugin.name != registry.OWN and not plugin.trouble}
    for name, plugin in by_name.items():
        outcome = kept(plugin)
        if outcome is not None:
            tried[name] = outcome
        else:
            untried[name] = importable(plugin)
    for name, outcome in _try(untried, _limit()).items():
        tried[name] = outcome
        keep(by_name[name], outcome)
    return tried


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
    outcomes: dict[str, Outcome] = {name: {} for name, entries in untried.items() if not entries}
    untried = {name: entries for name, entries in untried.items() if entries}
    if not untried:
        return outcomes
    with Child("zoo.probing.nursery") as nursery, contextlib.suppress(Ended):  # what it did not say was not tried
        for name, entries in untried.items():
            nursery.tell({"name": name, "entries": entries, "path": sys.path, "limit": limit, "streams": False})
        for _ in untried:
            name, rows = nursery.hear(START + limit * sum(map(len, untried.values())))
            if rows is not None:
                outcomes[name] = from_rows(rows)
    return outcomes
