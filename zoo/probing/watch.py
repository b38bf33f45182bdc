"""Watching the import of a module: how long it takes, what it brings along, what it prints, what it changes for everybody.

As a process of its own it imports torch and the zoo once, then has a child for each request: forks of it, which start in
no time; where there is no fork, new processes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib import import_module
from typing import Any

from zoo import registry
from zoo.contracts import make
from zoo.probing.children import START, Child, Ended, Fork, Parent, end_all, fate
from zoo.probing.outcome import Tried, from_rows
from zoo.probing.state import changed, draw, snapshot
from zoo.utils.errors import ZooError
from zoo.utils.words import one_line

_HEAVY = """accelerate cv2 diffusers faiss huggingface_hub jax keras matplotlib numba pandas pycocotools skimage sklearn
tensorflow timm torchvision transformers"""
"""Packages that take long to import, and that the core itself imports only where they are used."""
PROBE_SECONDS = 300  # after which importing a module is given up


def preload() -> None:
    """Import the core, so that a plugin's own seconds are its own."""
    for name in ("contracts.model", "contracts.task", "contracts.metric", "fitting.loop", "fitting.state"):
        import_module(f"zoo.{name}")


def watch(module: str, streams: bool = True) -> Tried:
    """Import ``module``, which must not have been imported yet, in this process; ``streams``: see what it prints."""
    preload()
    draw()
    modules, before = set(sys.modules), snapshot()
    reason = ""
    with _streams() if streams else nullcontext([""]) as printed:
        began = time.monotonic()
        try:
            import_module(module)
        except BaseException as error:
            reason = one_line(registry.reason(error, module))[:900]
        seconds = round(time.monotonic() - began, 3)
    heavy = sorted({name.partition(".")[0] for name in set(sys.modules) - modules} & {*_HEAVY.split()})
    return Tried(reason, False, seconds, tuple(changed(before)), tuple(heavy), printed[0])


@cache
def watch_apart(module: str) -> Tried:
    """As :func:`watch`, in a process of its own; a ZooError where the import ended that, or did not end."""
    rows, entry = None, ("", module, f"{module}:", "", "")
    if _nursery().poll() is not None:  # it was stopped, with all children of this process
        _nursery.cache_clear()
    nursery = _nursery()
    nursery.tell({"name": "", "entries": [entry], "path": sys.path, "limit": PROBE_SECONDS})
    try:
        rows = nursery.hear(2 * PROBE_SECONDS)[1]
    except Ended:
        nursery.leave()
        _nursery.cache_clear()
    (tried,) = from_rows(rows or [["", "", "", True]]).values()
    if tried.deadly:
        raise ZooError(f"importing {module} ended the process, or did not end within {PROBE_SECONDS} s")
    return tried


@cache
def _nursery() -> Child:
    return Child("zoo.probing.watch")  # importing torch takes longer than all else, so it is kept


@contextmanager
def _streams() -> Iterator[list[str]]:
    """All that is written to the standard streams inside, by whatever means, as the one item of the list, when it is over."""
    written: list[str] = [""]
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield written
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for target, source in zip((1, 2), saved, strict=True):
                os.dup2(source, target)
                os.close(source)
            file.seek(0)
            written[0] = file.read(10_000).decode(errors="replace")


def main() -> None:
    """Answer requests, each with its name and what came of it (None if it could not be told), until nobody asks."""
    parent = Parent(gone=end_all)
    preload()
    if "alone" in sys.argv:  # where there is no fork, this process is to do one request itself
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
    def work(tell: Any) -> None:
        os.close(parent.pipe)  # it would be open for as long as this one lives
        perform(request, tell)

    if hasattr(os, "fork"):
        return Fork(work)
    child = Child("zoo.probing.watch", "alone")
    child.tell(request)
    return child


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
        tried = watch(entry.module, streams=not entry.kind)  # a plugin may print more than there is room for
        if entry.kind and not tried.reason:
            try:
                reason = make.fault(entry.kind, entry.load())
            except BaseException as error:
                reason = registry.reason(error.__cause__ or error, entry.module)
            tried = tried._replace(reason=one_line(reason)[:900])
        tell([entry.kind, entry.name, *tried])


if __name__ == "__main__":
    main()
