"""The process that tries what others bring: it imports torch and the zoo once, then has a child for each request.

Children are forks of it, so that each starts in no time with all that is not the plugin's own already imported; where
there is no fork they are new processes. Several are at work at a time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from zoo import registry
from zoo.contracts import make
from zoo.probing.children import START, Child, Ended, Fork, Parent, end_all, fate
from zoo.probing.watch import one_line, preload, watch

ALONE = "alone"
"""The word to a process that is to do one request itself, where there is no fork."""


def main() -> None:
    """Answer requests, each with its name and what came of it (None if it could not be told), until nobody asks."""
    parent = Parent(gone=end_all)
    preload()
    if ALONE in sys.argv:
        perform(parent.ask(), parent.tell)
        os._exit(0)  # whatever threads a plugin has left

    def answer(request: Mapping[str, Any]) -> None:
        said = None
        try:
            said = _entries(parent, request)
        finally:
            parent.tell([request["name"], said])

    with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
        while True:
            pool.submit(answer, parent.ask())


def _begin(parent: Parent, request: Mapping[str, Any]) -> Fork | Child:
    if not hasattr(os, "fork"):
        child = Child("zoo.probing.nursery", ALONE)
        child.tell(request)
        return child

    def work(tell: Any) -> None:
        os.close(parent.pipe)  # it would be open for as long as this one lives
        perform(request, tell)

    return Fork(work)


def _entries(parent: Parent, request: Mapping[str, Any]) -> list[list[Any]]:
    """The outcome of each entry (kind, name and what was tried), by one child after another until none is left."""
    rows: list[list[Any]] = []
    left = {(kind, name): module.partition(":")[0] for kind, name, module, *_ in request["entries"]}
    while left:
        entries = [entry for entry in request["entries"] if (entry[0], entry[1]) in left]
        child = _begin(parent, {**request, "entries": entries})
        begun, limit = next(iter(left)), START
        try:
            while left:
                begun_or_row, limit = child.hear(limit), request["limit"]
                begun = (begun_or_row[0], begun_or_row[1])
                if len(begun_or_row) > 2:
                    rows.append(begun_or_row)
                    del left[begun]
        except Ended as end:
            reason = f"its import did not end within {request['limit']:g} s"
            if end.code is not None:
                reason = f"its import ends the process ({fate(end.code)})"
            # Where it died between two entries, what is left may be sound.
            for kind, name in [key for key in left if begun in left and left[key] == left[begun]]:
                rows.append([kind, name, reason, True])
                del left[kind, name]
        finally:
            child.stop()
    return rows


def perform(request: Mapping[str, Any], tell: Callable[[Any], None]) -> None:
    """Import what is asked for, one entry after another; tell of each when it is begun and when it is done."""
    sys.path[:] = request["path"]
    for values in request["entries"]:
        entry = registry.Entry(*values)
        tell([entry.kind, entry.name])
        tried = watch(entry.module, request["streams"])
        if entry.kind and not tried.reason:
            try:
                reason = make.fault(entry.kind, entry.load())
            except BaseException as error:
                reason = registry.reason(error.__cause__ or error)
            tried = tried._replace(reason=one_line(reason))
        tell([entry.kind, entry.name, *tried])


if __name__ == "__main__":
    main()
