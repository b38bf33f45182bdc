"""Watching the import of a module: how long it takes, what it brings along, what it prints, what it changes for everybody."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib import import_module

from zoo import registry
from zoo.probing.children import Child, Ended
from zoo.probing.outcome import Tried, from_rows
from zoo.probing.state import changed, draw, snapshot
from zoo.utils.errors import ZooError

_HEAVY = """accelerate cv2 diffusers faiss huggingface_hub jax keras matplotlib numba pandas pycocotools skimage sklearn
tensorflow timm torchvision transformers"""
HEAVY = frozenset(_HEAVY.split())
"""Packages that take long to import, and that the core itself imports only where they are used."""
CORE = ("zoo.contracts.model", "zoo.contracts.task", "zoo.contracts.metric", "zoo.fitting.loop", "zoo.fitting.state")
"""What every plugin may use at no cost of its own."""
PROBE_SECONDS = 300
"""After which importing a module is given up."""


def preload() -> None:
    """Import the core, so that a plugin's own seconds are its own."""
    for name in CORE:
        import_module(name)


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
            reason = one_line(registry.reason(error))
        seconds = round(time.monotonic() - began, 3)
    heavy = sorted({name.partition(".")[0] for name in set(sys.modules) - modules} & HEAVY)
    return Tried(reason, False, seconds, tuple(changed(before)), tuple(heavy), printed[0])


def one_line(text: str) -> str:
    """A text on one line, of 300 letters at most."""
    text = " ".join(text.split())
    return text if len(text) <= 300 else f"{text[:297]}..."


@cache
def watch_apart(module: str) -> Tried:
    """As :func:`watch`, in a process of its own; a ZooError where the import ended that, or did not end."""
    rows, entry = None, ("", module, f"{module}:", "", "")
    nursery = _nursery()
    nursery.tell({"name": "", "entries": [entry], "path": sys.path, "limit": PROBE_SECONDS, "streams": True})
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
    return Child("zoo.probing.nursery")  # importing torch takes longer than all else, so it is kept


@contextmanager
def _streams() -> Iterator[list[str]]:
    """What is written to the standard streams inside, by whatever means, as the one item of the list, when it is over."""
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
