"""What was computed of an image is kept on disk under the image's content, so that it is computed once.

Below the cache folder, ``fields/<key>/`` holds shards: safetensors files of up to ``SHARD`` rows each, with the content
ids of their rows. A row is found by its id whatever folder or split asks for it, so a killed run goes on where it was
and a folder that grows by one photo costs one photo. A shard that is broken counts as absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zoo.data.records import Fields
from zoo.utils.errors import ZooError
from zoo.utils.files import whole_file
from zoo.utils.folders import cache_folder
from zoo.utils.progress import Bar, progress

SHARD = 1024
"""Rows computed between two writes."""
MANY = 1000
"""Work on so many images shows its progress."""

__all__ = ["MANY", "SHARD", "cache_folder", "cached_map", "cores", "on_all_cores", "optional_write"]

_T = TypeVar("_T")
_R = TypeVar("_R")


@contextlib.contextmanager
def optional_write() -> Iterator[None]:
    """Run a write to the cache that may fail: a full disk or a missing permission is a warning, not an error."""
    try:
        yield
    except (ZooError, OSError) as error:
        cause = error.__cause__ if isinstance(error, ZooError) else error
        _say(f"going on without the cache in {cache_folder()}: {getattr(cause, 'strerror', None) or error}")


@cache
def _say(message: str) -> None:
    warnings.warn(message, stacklevel=6)


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def on_all_cores(function: Callable[[_T], _R], items: Sequence[_T], bar: Bar) -> Iterator[_R]:
    """``function`` of each item, in order; ``bar`` goes on by one for each.

    Threads: decoding, OpenCV, scipy.fft and hashing all release the interpreter lock, and threads neither start slowly
    nor copy their results nor clash with a parent that has loaded torch. (On 2 cores, decoding and decomposing 1,500
    photos ran at 428 a second with threads and at 419 to 473 with warm processes.)
    """
    pool = ThreadPoolExecutor(cores())
    try:
        for result in pool.map(function, items):
            bar.update(bar.done + 1)
            yield result
    finally:
        pool.shutdown(cancel_futures=True)


def cached_map(compute: Callable[[int], Mapping[str, NDArray[np.float32]]], ids: Sequence[bytes], key: str) -> Fields:
    """``compute(i)`` for every i, stacked to (N, ...), from the cache where ``ids[i]`` is there under ``key``.

    Args:
        compute: fields of item i, of the same names and shapes for every i.
        ids: the 32-byte content id of each item; items of one id are computed once.
        key: names the computation, its settings and its version.

    Raises:
        ZooError: ``compute`` gave other fields for one item than for another, or values that are not finite.
    """
    rows: dict[bytes, list[int]] = {}
    for i, content in enumerate(ids):
        rows.setdefault(content, []).append(i)
    folder = cache_folder() / "fields" / hashlib.sha256(key.encode()).hexdigest()[:32]
    out: Fields = {}
    for found, values in _read_shards(folder, rows.keys()):
        if not out or _shapes(out) == _shapes(values):
            _place(out, len(ids), [rows.pop(content) for content in found], values)
    missing = list(rows)
    with progress(len(missing), "computing fields of images", show=len(missing) >= MANY) as bar:
        for start in range(0, len(missing), SHARD):
            chunk = missing[start : start + SHARD]
            values = _stack(list(on_all_cores(compute, [rows[content][0] for content in chunk], bar)), key)
            if out and _shapes(out) != _shapes(values):
                raise ZooError(f"{key} gave fields of {_shapes(values)} after fields of {_shapes(out)}")
            _place(out, len(ids), [rows[content] for content in chunk], values)
            _write_shard(folder, chunk, values)
    return out


def _stack(made: Sequence[Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
    names = made[0].keys()
    if any(m.keys() != names for m in made):
        raise ZooError(f"{key} gave different fields for different images")
    try:
        values = {name: np.stack([np.asarray(m[name], np.float32, order="C") for m in made]) for name in names}
    except ValueError as error:
        raise ZooError(f"{key} gave fields of different shapes for different images: {error}") from error
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise ZooError(f"{key} gave a {name!r} with values that are not finite")
    return values


def _place(out: Fields, total: int, rows: Sequence[Sequence[int]], values: Fields) -> None:
    targets = np.array([row for group in rows for row in group], dtype=np.int64)
    sources = np.repeat(np.arange(len(rows)), [len(group) for group in rows])
    for name, value in values.items():
        if name not in out:
            out[name] = np.empty((total, *value.shape[1:]), np.float32)
        out[name][targets] = value[sources]


def _shapes(fields: Fields) -> dict[str, tuple[int, ...]]:
    return {name: value.shape[1:] for name, value in fields.items()}


def _read_shards(folder: Path, wanted: Iterable[bytes]) -> Iterator[tuple[list[bytes], Fields]]:
    """The rows of the shards in ``folder`` whose ids are wanted; every id at most once."""
    import safetensors

    missing = set(wanted)
    paths = sorted(folder.glob("*.safetensors")) if missing else []
    for path in paths:
        try:
            with safetensors.safe_open(path, framework="numpy") as shard:
                ids = [bytes(row) for row in shard.get_tensor("ids")]
                take = [i for i, content in enumerate(ids) if content in missing]
                if not take:
                    continue
                names = [name for name in shard.keys() if name != "ids"]  # noqa: SIM118 (not a dict)
                values = {name.removeprefix("field."): shard.get_tensor(name) for name in names}
                if shard.metadata().get("crc") != _checksum(ids, values):
                    continue
        except Exception:  # a broken file raises errors of many kinds; its rows are computed again
            continue
        found = [ids[i] for i in take]
        missing.difference_update(found)
        yield found, {name: value[take] for name, value in values.items()}


def _write_shard(folder: Path, ids: Sequence[bytes], values: Fields) -> None:
    from safetensors.numpy import save

    tensors: dict[str, NDArray] = {f"field.{name}": value for name, value in values.items()}
    tensors["ids"] = np.frombuffer(b"".join(ids), np.uint8).reshape(len(ids), -1)
    path = folder / f"{hashlib.sha256(b''.join(ids)).hexdigest()[:32]}.safetensors"
    with optional_write(), whole_file(path) as part:
        part.write_bytes(save(tensors, metadata={"crc": _checksum(ids, values)}))


def _checksum(ids: Sequence[bytes], values: Fields) -> str:
    crc = zlib.crc32(b"".join(ids))
    for name in sorted(values):
        crc = zlib.crc32(np.ascontiguousarray(values[name]).data, zlib.crc32(name.encode(), crc))
    return str(crc)
