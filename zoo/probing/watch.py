"""Watching the import of a module: how long it takes, what it brings along, what it prints, what it changes for everybody."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from zoo.probing.children import Child, Ended
from zoo.probing.state import changed, draw, snapshot
from zoo.registry import reason
from zoo.utils.errors import ZooError

_HEAVY = """accelerate cv2 diffusers faiss huggingface_hub jax keras matplotlib numba pandas pycocotools skimage sklearn
tensorflow timm torchvision transformers"""
HEAVY = frozenset(_HEAVY.split())
"""Packages that take long to import, and that the core itself imports only where they are used."""
CORE = (
    "zoo.contracts.model",
    "zoo.contracts.task",
    "zoo.contracts.metric",
    "zoo.fitting.loop",
    "zoo.fitting.state",
)
"""What every plugin may use at no cost of its own."""
PROBE_SECONDS = 300
"""After which importing a module is given up."""


@dataclass(frozen=True)
class Imported:
    """What importing a module did.

    Attributes:
        seconds: it took, beyond the core.
        heavy: the packages of :data:`HEAVY` that it brought along.
        printed: what it wrote to the standard streams.
        changed: what it changed for everybody, in words.
        error: what it raised, "" if nothing.
    """

    seconds: float
    heavy: list[str]
    printed: str
    changed: list[str]
    error: str


def preload() -> None:
    """Import the core, so that a plugin's own seconds are its own."""
    for name in CORE:
        import_module(name)


def probe(module: str) -> Imported:
    """Import ``module``, which must not have been imported yet, in this process."""
    preload()
    draw()
    modules, before = set(sys.modules), snapshot()
    error = ""
    with _streams() as printed:
        began = time.monotonic()
        try:
            import_module(module)
        except (Exception, SystemExit) as raised:
            error = reason(raised)
        seconds = time.monotonic() - began
    heavy = sorted({name.partition(".")[0] for name in set(sys.modules) - modules} & HEAVY)
    return Imported(seconds, heavy, printed[0], list(changed(before)), error)


@cache
def probe_apart(module: str) -> Imported:
    """Import ``module`` in a process of its own.

    Raises:
        ZooError: the process did not tell: the import ended it, or did not end.
    """
    said = None
    nursery = _nursery()
    nursery.tell({"name": module, "module": module, "path": sys.path, "limit": PROBE_SECONDS})
    try:
        said = nursery.hear(2 * PROBE_SECONDS)[1]
    except Ended:
        nursery.leave()
        _nursery.cache_clear()
    if said is None:
        raise ZooError(f"importing {module} ended the process, or did not end within {PROBE_SECONDS} s")
    return Imported(**said)


@cache
def _nursery() -> Child:
    return Child("zoo.probing.nursery")  # importing torch takes longer than all else, so it is kept


@contextmanager
def _streams() -> Iterator[list[str]]:
    """What is written to the standard streams inside, by whatever means, as the one item of the list, when it is over."""
    found: list[str] = [""]
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield found
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for target, source in zip((1, 2), saved, strict=True):
                os.dup2(source, target)
                os.close(source)
            file.seek(0)
            found[0] = file.read(10_000).decode(errors="replace")
