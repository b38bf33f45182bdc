"""Memory on disk of what was computed of images, under the images' content, so that it is computed once.

Below the cache folder, ``fields/<key>/`` holds shards: safetensors files of up to ``SHARD`` rows each, with the content
ids of their rows. A row is found by its id whatever folder or split asks for it, so a killed run goes on where it was
and a folder that grows by one photo costs one photo. A shard that is broken counts as absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zoo.utils.budget import IN_FLIGHT, cores
from zoo.utils.errors import ZooError, cause
from zoo.utils.files import cache_folder, regular, whole_file
from zoo.utils.progress import Bar, progress

SHARD = 1024
"""Rows computed between two writes."""
_FORMAT = 2
"""Of the shards: to be raised with it."""

Fields = dict[str, NDArray[np.float32]]
"""Named fields of one image or, with a leading N, of many."""
_T = TypeVar("_T")
_R = TypeVar("_R")


@contextlib.contextmanager
def optional_write() -> Iterator[None]:
    """A block that writes to the cache and may fail: a full disk or a missing permission is a warning, not an error.

    Examples:
        >>> with optional_write(), whole_file(cache_folder() / "example") as part:
        ...     part.write_bytes(b"abc")
        3
    """
    try:
        yield
    except Exception as error:
        _say(f"going on without the cache in {cache_folder()}: {cause(error.__cause__ or error)}")


@cache
def _say(message: str) -> None:
    warnings.warn(message, stacklevel=6)


def on_all_cores(function: Callable[[_T], _R], items: Sequence[_T], bar: Bar) -> Iterator[_R]:
    """``function`` of each item, in order; ``bar`` goes on by one for each.

    Threads that decode images or work on them wait for each other where these would fill the memory (``IN_FLIGHT``).

    In threads: decoding, OpenCV, scipy.fft and hashing all release the interpreter lock, and threads neither start slowly
    nor copy their results nor clash with a parent that has loaded torch; warm processes were no faster.

    Examples:
        >>> with progress(3, "squaring", show=False) as bar:
        ...     print(list(on_all_cores(lambda n: n * n, [1, 2, 3], bar)))
        [1, 4, 9]
    """

    def of_one(item: _T) -> _R:
        with IN_FLIGHT.item():
            return function(item)

    pool = ThreadPoolExecutor(cores())
    try:
        for result in pool.map(of_one, items):
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

    Examples:
        >>> words = [b"a", b"bcd", b"a"]
        >>> ids = [hashlib.sha256(word).digest() for word in words]
        >>> cached_map(lambda i: {"length": np.array([len(words[i])])}, ids, "length-1")["length"].tolist()
        [[1.0], [3.0], [1.0]]
    """
    item = {content: i for i, content in enumerate(ids)}  # one of each content
    row = {content: i for i, content in enumerate(dict.fromkeys(ids))}
    folder = cache_folder() / "fields" / hashlib.sha256(f"{_FORMAT} {key}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    out: Fields = {}

    def put(contents: Sequence[bytes], values: Fields) -> None:
        for name, value in values.items():
            if name not in out:
                out[name] = np.empty((len(row), *value.shape[1:]), np.float32)
            out[name][[row[content] for content in contents]] = value

    missing = dict.fromkeys(row)
    for contents, values in _read_shards(folder, missing):
        if not out or _shapes(out) == _shapes(values):
            put(contents, values)
            for content in contents:
                del missing[content]
    todo = list(missing)
    with progress(len(todo), "computing fields of images", show=len(todo) >= 1000) as bar:
        for start in range(0, len(todo), SHARD):
            chunk = todo[start : start + SHARD]
            values = _stack(list(on_all_cores(compute, [item[content] for content in chunk], bar)), key)
            if out and _shapes(out) != _shapes(values):
                raise ZooError(f"{key} gave fields of {_shapes(values)} after fields of {_shapes(out)}")
            put(chunk, values)
            _write_shard(folder, chunk, values)
    if len(row) == len(ids):
        return out
    order = [row[content] for content in ids]
    return {name: value[order] for name, value in out.items()}


def _stack(rows: Sequence[Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
    names = rows[0].keys()
    if any(row.keys() != names for row in rows):
        raise ZooError(f"{key} gave different fields for different images")
    try:
        values = {name: np.stack([np.asarray(row[name], np.float32, order="C") for row in rows]) for name in names}
    except ValueError as error:
        raise ZooError(f"{key} gave fields of different shapes for different images: {error}") from error
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise ZooError(f"{key} gave a {name!r} with values that are not finite")
    return values


def _shapes(fields: Fields) -> dict[str, tuple[int, ...]]:
    return {name: value.shape[1:] for name, value in fields.items()}


def _read_shards(folder: Path, wanted: Collection[bytes]) -> Iterator[tuple[list[bytes], Fields]]:
    import safetensors

    for path in sorted(folder.glob("*.safetensors")) if wanted else ():
        try:
            with safetensors.safe_open(regular(path), framework="numpy") as shard:
                ids = [bytes(row) for row in shard.get_tensor("ids")]
                take = [i for i, content in enumerate(ids) if content in wanted]
                names = [name for name in shard.keys() if take and name != "ids"]  # noqa: SIM118 (not a dict)
                values = {name.removeprefix("field."): shard.get_tensor(name) for name in names}
                whole = take and shard.metadata().get("digest") == _digest(folder, ids, values)
        except Exception:  # a broken file raises errors of many kinds; its rows are computed again
            continue
        if whole:
            yield [ids[i] for i in take], {name: value[take] for name, value in values.items()}


def _write_shard(folder: Path, ids: Sequence[bytes], values: Fields) -> None:
    from safetensors.numpy import save

    tensors: dict[str, NDArray] = {f"field.{name}": value for name, value in values.items()}
    tensors["ids"] = np.frombuffer(b"".join(ids), np.uint8).reshape(len(ids), -1)
    path = folder / f"{hashlib.sha256(b''.join(ids)).hexdigest()[:32]}.safetensors"
    with optional_write(), whole_file(path) as part:
        part.write_bytes(save(tensors, metadata={"digest": _digest(folder, ids, values)}))


def _digest(folder: Path, ids: Sequence[bytes], values: Fields) -> str:
    """Of all that a shard says: of which computation (the folder's name), of what, and the fields with names and shapes."""
    digest = hashlib.sha256(repr((folder.name, len(ids), sorted(values))).encode("utf-8", "surrogatepass") + b"".join(ids))
    for name in sorted(values):
        value = np.ascontiguousarray(values[name])
        digest.update(repr((value.dtype.str, value.shape)).encode())
        digest.update(value.data)
    return digest.hexdigest()
