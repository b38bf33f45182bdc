"""Try what distributions bring: each in a process of its own, several at once, with a limit of time."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable

from zoo import registry
from zoo.probing.children import START, Child, Ended
from zoo.probing.outcome import Outcome, Tried, from_rows, keep, kept
from zoo.registry import Entry, Installed, normal
from zoo.utils.errors import RequestError

LIMIT = 30.0
"""Seconds that importing one entry may take; ``ZOO_PROBE_SECONDS`` sets another."""


def outcomes(plugins: Iterable[Installed]) -> dict[str, Outcome]:
    """The outcomes of importing everything that these distributions bring, by their names; what is kept is not tried again.

    Those that could not be tried are not in it, nor is this project or one with unreadable metadata.
    """
    by_name = {plugin.name: plugin for plugin in plugins if plugin.name != registry.OWN and not plugin.trouble}
    known = {name: outcome for name, plugin in by_name.items() if (outcome := kept(plugin)) is not None}
    limit, tried, untried = _limit(), dict[str, Outcome](), dict[str, list[Entry]]()
    for plugin in (plugin for name, plugin in by_name.items() if name not in known):
        code = [entry for entry in registry.entries_of(plugin) if entry.kind not in ("checkpoints", "suites")]
        if entries := [entry for entry in code if not registry.trouble(entry)]:
            untried[plugin.name] = entries
        else:
            tried[plugin.name] = {}
    if untried:
        with Child("zoo.probing.watch") as nursery, contextlib.suppress(Ended):  # what it does not say was not tried
            for name, entries in untried.items():
                nursery.tell({"name": name, "entries": entries, "path": sys.path, "limit": limit})
            for _ in untried:
                name, rows = nursery.hear(START + limit * sum(map(len, untried.values())))
                if rows is not None:
                    tried[name] = from_rows(rows)
    for name, outcome in tried.items():
        keep(by_name[name], outcome)
    return known | tried


def look_first(entry: Entry) -> None:
    """Refuse a third party's entry whose import would end the process, or not end; all else shows when it is imported."""
    of_it = (plugin for plugin in registry.plugins() if normal(plugin.name) == normal(entry.distribution))
    for outcome in outcomes(of_it).values():
        tried = outcome.get((entry.kind, entry.name), Tried())
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


def lacking(plugin: Installed) -> list[str]:
    """A clause for each requirement that is not met; none without the package ``packaging``, which knows."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        from packaging.requirements import Requirement
    except ImportError:
        return []
    clauses = []
    for text in plugin.requires:
        try:
            wanted = Requirement(text)
            asked = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
            if asked and not wanted.specifier.contains(there := version(wanted.name), prereleases=True):
                clauses.append(f"it requires {wanted.name}{wanted.specifier}, and {there} is installed")
        except PackageNotFoundError:
            clauses.append(f"it requires {wanted.name}{wanted.specifier}, which is not installed")
        except Exception:
            clauses.append(f"its requirement {text!r} cannot be read")
    return clauses
