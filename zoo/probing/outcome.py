"""The outcome of importing what a distribution brings, kept in the cache folder for as long as it holds."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from zoo import registry
from zoo.registry import Entry, Installed, normal
from zoo.utils.errors import ZooError
from zoo.utils.files import cache_folder, read_text, write_json

SCHEMA = 1
AGAIN = 3600.0
"""Seconds after which what was broken is tried again: the cause may have been a passing one."""


class Tried(NamedTuple):
    """The outcome of importing one entry: ``reason`` is why it is broken, "" if it is not; ``deadly``, whether it ended the
    process or did not end; ``heavy``, the packages that take long to import and that it brought along."""

    reason: str = ""
    deadly: bool = False
    seconds: float = 0.0
    effects: tuple[str, ...] = ()
    heavy: tuple[str, ...] = ()
    printed: str = ""

    @property
    def faults(self) -> list[str]:
        """All that is wrong with it, as clauses; [] where it is sound."""
        if self.reason:
            return [self.reason]
        slow = [f"its import takes {self.seconds:.1f} s"] if self.seconds > 5 else []
        return slow + ([f"its import changes {', '.join(self.effects)}"] if self.effects else [])


Outcome = dict[tuple[str, str], Tried]
"""The outcome of each entry of one distribution, by kind and name."""


def kept(plugin: Installed) -> Outcome | None:
    """The outcome that is kept for a distribution as it is now; None where it was not tried since it changed."""
    file = _file(plugin)
    if not file.is_file():
        return None
    import json  # "zoo list" comes here at every start, and mostly no further

    try:
        values = json.loads(read_text(file))
        if values["schema"] != SCHEMA or values["key"] != _key(plugin):
            return None
        outcome = from_rows(values["entries"])
        broken = any(tried.reason for tried in outcome.values())
        return None if broken and not 0 <= time.time() - values["time"] < AGAIN else outcome
    except Exception:  # none, or a damaged one, which is none
        return None


def known(entry: Entry) -> Tried:
    plugins = (plugin for plugin in registry.plugins() if plugin.name == entry.distribution != registry.OWN)
    outcome = next(map(kept, plugins), None) or {}
    return outcome.get((entry.kind, entry.name), Tried())


def keep(plugin: Installed, outcome: Outcome) -> None:
    """Keep an outcome; a cache that cannot be written keeps none."""
    entries = [[kind, name, *tried] for (kind, name), tried in outcome.items()]
    with contextlib.suppress(ZooError):
        write_json(_file(plugin), {"schema": SCHEMA, "key": _key(plugin), "time": time.time(), "entries": entries})


def from_rows(rows: Iterable[Any]) -> Outcome:
    """An outcome from rows of kind, name, and the fields of :class:`Tried`, of which the last may be missing."""
    return {
        (kind, name): Tried(*(tuple(field) if isinstance(field, list) else field for field in fields))  # type: ignore[arg-type]
        for kind, name, *fields in rows
    }


def _file(plugin: Installed) -> Path:
    return cache_folder() / "plugins" / f"{re.sub('[^a-z0-9-]', '-', normal(plugin.name))}.json"


def _key(plugin: Installed) -> str:
    """Changes with all that decides the outcome: its files, what else is installed, Python, and this project's version."""
    import hashlib

    what = [sys.version, sys.prefix, *registry.distributions().environment, *map(str, plugin[:4])]
    for module in sorted({entry.module.partition(".")[0] for entry in registry.entries_of(plugin)}):
        what += islice(_stamps(module), 4000)
    return hashlib.sha256("\n".join(what).encode("utf-8", "surrogatepass")).hexdigest()


def _stamps(module: str) -> Iterator[str]:
    """Name, size and time of every file of a top-level module."""
    from importlib.util import find_spec

    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return
    for place in () if spec is None else spec.submodule_search_locations or (spec.origin or "",):
        file: tuple[str, list[str], list[str]] = (os.path.dirname(place), [], [os.path.basename(place)])
        for folder, folders, names in os.walk(place) if os.path.isdir(place) else (file,):
            folders[:] = sorted(set(folders) - {"__pycache__"})
            for path in (os.path.join(folder, name) for name in sorted(names)):
                with contextlib.suppress(OSError):
                    status = os.stat(path)
                    yield f"{path} {status.st_size} {status.st_mtime_ns}"
