"""``zoo list``: what is installed, read from metadata alone."""

from __future__ import annotations

import sys

from zoo import registry
from zoo.cli.table import table
from zoo.utils.errors import RequestError, nearest

ENTRIES = ("models", "tasks", "metrics", "data")
KINDS = (*ENTRIES, "checkpoints", "suites", "plugins")


def main(kinds: list[str], hub: bool = False) -> None:
    """Print one kind, or the four kinds of entries, the checkpoints and the suites; or what is on the Hub.

    Raises:
        RequestError: there is no such kind, or several are named.
    """
    if hub:
        from zoo.cli.hub import list_main

        list_main(kinds)
        return
    if not kinds:
        print("\n\n".join([_entries(ENTRIES), _checkpoints(), _suites()]))
        return
    kind, *more = kinds
    if more:
        raise RequestError(f"list one kind at a time, not {' '.join(kinds)!r}: {', '.join(KINDS)}")
    if kind == "checkpoints":
        print(_checkpoints())
    elif kind == "suites":
        print(_suites())
    elif kind == "plugins":
        from zoo.cli import plugins

        print(plugins.text())
    elif kind in ENTRIES:
        print(_entries((kind,)))
    else:
        raise RequestError(f"there is nothing to list called {kind!r}: {nearest(kind, KINDS)}")


def _entries(kinds: tuple[str, ...]) -> str:
    from zoo.cli.plugins import Faults, unreadable

    for line in unreadable():
        print(f"zoo: {line}", file=sys.stderr)
    faults = Faults()
    rows = [
        (kind, name, entry.value, entry.distribution, entry.version, faults.of(entry))
        for kind in kinds
        for name, entries in registry.entries(kind).items()
        for entry in entries
    ]
    return table(("KIND", "NAME", "OBJECT", "DISTRIBUTION", "VERSION", ""), rows)


def _checkpoints() -> str:
    from zoo.catalog.checkpoints import WEIGHTS, known, largest, place_of

    found = known()
    for reason in found.broken.values():
        print(f"zoo: {reason}", file=sys.stderr)
    if not found.named:
        return "no checkpoints are registered"
    claims = [one for several in found.named.values() for one in several]
    columns = list(dict.fromkeys(column for one in claims for column in largest(one.scores)))
    rows = []
    for one in claims:
        note = "unusable: two plugins bring it" if len(found.named[one.name]) > 1 else ""
        place = place_of(one)
        here = "no" if place is None else "cached" if one.source.startswith("hf:") else "yes"
        size = one.size if place is None else (place / WEIGHTS).stat().st_size
        scores = [f"{one.scores[column]:.4g}" if column in one.scores else "-" for column in columns]
        weight = f"{size / 1e6:.1f} MB" if size else "-"
        rows.append((one.name, one.task, one.model, one.source, weight, here, *scores, one.owner, note))
    heads = ("CHECKPOINT", "TASK", "MODEL", "SOURCE", "SIZE", "HERE", *(column.upper() for column in columns), "FROM", "")
    return table(heads, rows)


def _suites() -> str:
    from zoo.catalog.suites import known

    found = known()
    for reason in found.broken.values():
        print(f"zoo: {reason}", file=sys.stderr)
    rows = []
    for name, claims in found.named.items():
        for one in claims:
            note = "unusable: two plugins bring it" if len(claims) > 1 else ""
            models, tasks = str(len(one.models) or "as named"), ", ".join(one.tasks) or "as named"
            rows.append((name, models, tasks, one.title, one.owner, note))
    return table(("SUITE", "MODELS", "TASKS", "TITLE", "FROM", ""), rows) if rows else "no suites are registered"
