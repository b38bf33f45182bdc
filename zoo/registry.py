"""Models, tasks, metrics and kinds of data by name, found through entry points and loaded on use.

Listing reads names only and imports nothing. Loading happens inside a guard: a package that is broken is reported with
its distribution and its error, and costs nobody else anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, distributions
from typing import Any, NamedTuple

from zoo.errors import RequestError, ZooError, nearest

GROUPS = {
    "models": "zoo.models",
    "tasks": "zoo.tasks",
    "metrics": "zoo.metrics",
    "data": "zoo.data",
    "checkpoints": "zoo.checkpoints",
}
OWN = "cond-zoo"
"""The name of this project's own distribution; its names cannot be taken by another."""


class Entry(NamedTuple):
    """One registered name: where it is, and which distribution brought it."""

    kind: str
    name: str
    value: str
    distribution: str
    version: str

    def load(self) -> Any:
        """The object itself.

        Raises:
            ZooError: importing it failed; says which distribution is broken and how.
        """
        try:
            return EntryPoint(self.name, self.value, GROUPS[self.kind]).load()
        except (Exception, SystemExit) as error:
            raise ZooError(
                f"{self.kind[:-1] if self.kind != 'data' else 'data'} {self.name!r} of {self.distribution} {self.version} "
                f"is broken: {type(error).__name__}: {error}"
            ) from error


def entries(kind: str) -> dict[str, list[Entry]]:
    """All entries of a kind (a key of :data:`GROUPS`), by name; more than one where names clash."""
    found: dict[str, list[Entry]] = {}
    for entry in _all_entries(os.environ.get("ZOO_PLUGINS")):
        if entry.kind == kind:
            found.setdefault(entry.name, []).append(entry)
    return dict(sorted(found.items()))


def names(kind: str) -> list[str]:
    """The names of a kind, sorted."""
    return list(entries(kind))


def entry(kind: str, name: str) -> Entry:
    """The entry of that name; a built-in wins over anybody who takes its name.

    Raises:
        RequestError: no such name (says the nearest ones), or two packages claim it (names both).
    """
    known = entries(kind)
    if name not in known:
        raise RequestError(f"no {kind.removesuffix('s')} is called {name!r}: {nearest(name, known)}")
    candidates = known[name]
    own = [e for e in candidates if e.distribution == OWN]
    if own:
        return own[0]
    if len(candidates) > 1:
        owners = " and ".join(sorted(f"{e.distribution} {e.version}" for e in candidates))
        raise RequestError(f"two packages bring a {kind.removesuffix('s')} called {name!r}: {owners}; uninstall one")
    return candidates[0]


def load(kind: str, name: str) -> Any:
    """The object registered as ``name``; see :func:`entry` and :meth:`Entry.load` for what it raises."""
    return entry(kind, name).load()


@cache
def _all_entries(plugins: str | None) -> tuple[Entry, ...]:
    return tuple(_scan(own_only=plugins == ""))


def _scan(own_only: bool) -> Iterator[Entry]:
    kinds = {group: kind for kind, group in GROUPS.items()}
    seen = set()
    for distribution in distributions():
        try:
            text = distribution.read_text("entry_points.txt")
            if not text or "zoo." not in text:
                continue
            name, version = distribution.metadata["Name"], distribution.version
            points = distribution.entry_points
        except Exception:  # a distribution with unreadable metadata registers nothing
            continue
        if name in seen or (own_only and name != OWN):
            continue
        seen.add(name)
        for point in points:
            if point.group in kinds:
                yield Entry(kinds[point.group], point.name, point.value, name, version)
