"""The files that a checkpoint on the Hub consists of, how large each may be, and whether one is what the Hub names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from zoo.files import sha256_of

CONFIG, WEIGHTS = "config.json", "model.safetensors"
NEEDED = (CONFIG, WEIGHTS)
LARGEST = {
    CONFIG: 2**20,
    WEIGHTS: 2**40,
    "README.md": 2**20,
    "golden.safetensors": 2**28,
    "samples.png": 2**25,
}
"""Bytes that each may have. Nothing else is ever asked for, whatever a repository lists."""


class Expected(NamedTuple):
    """What the Hub says of a file: its size in bytes, and its sha256 or, of a small text file, the id of its git blob."""

    size: int
    sha256: str | None = None
    blob: str | None = None


def differs(path: Path, expected: Expected) -> str:
    """How a file differs from what was expected of it, in words; "" if it does not."""
    size = path.stat().st_size
    if size != expected.size:
        return f"it has {size:,} bytes, not {expected.size:,}"
    if expected.sha256 is not None and sha256_of(path) != expected.sha256:
        return f"its sha256 is not {expected.sha256[:12]}..."
    if expected.sha256 is None and expected.blob is not None and blob_id(path) != expected.blob:
        return f"its git blob is not {expected.blob[:12]}..."
    return ""


def blob_id(path: Path) -> str:
    """The id that git gives to the bytes of a file."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def named(path: Path) -> Expected | None:
    """What the cache's own name of a file says that it holds; None where the cache keeps no such names."""
    name = path.resolve().name
    size = path.stat().st_size
    if len(name) == 64:
        return Expected(size, sha256=name)
    return Expected(size, blob=name) if len(name) == 40 else None
