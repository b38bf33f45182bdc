"""Files of solid shapes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import RequestError

Solid = NDArray[np.bool_]
"""Shapes, (N, s, s, s) bool, or one, (s, s, s)."""
_HEADER = re.compile(rb"#binvox 1\s*\n(?:[^\n]*\n)*?data\r?\n")
_SIZE = re.compile(rb"^dim (\d+) (\d+) (\d+)\s*$", re.MULTILINE)


def read_shape(path: Path) -> Solid:
    """The shape in a ``.npy`` or ``.binvox`` file, (s, s, s) bool.

    Raises:
        RequestError: it cannot be read, or is no such shape.
    """
    try:
        if path.suffix == ".binvox":
            return solid(binvox(path.read_bytes()), path.name, axes=3)
        return solid(np.load(path, allow_pickle=False), path.name, axes=3)
    except (OSError, ValueError, EOFError) as error:
        raise RequestError(f"cannot read {path}: {error}") from error


def binvox(data: bytes) -> Solid:
    """The grid in a binvox file's bytes (Min 2004), indexed [x, y, z].

    The format runs through x, then z, then y, in pairs of a value and how often it follows.

    Raises:
        ValueError: these are not a whole binvox file.
    """
    header = _HEADER.match(data)
    size = _SIZE.search(header[0]) if header else None
    if header is None or size is None:
        raise ValueError("not a binvox file of version 1")
    shape = tuple(int(n) for n in size.groups())
    runs = np.frombuffer(data, np.uint8, offset=header.end())
    if len(runs) % 2 or int(runs[1::2].sum(dtype=np.int64)) != shape[0] * shape[1] * shape[2]:
        raise ValueError(f"its runs do not fill the announced {shape[0]} x {shape[1]} x {shape[2]}")
    return np.repeat(runs[::2] > 0, runs[1::2]).reshape(shape).transpose(0, 2, 1)


def solid(values: NDArray[np.generic], name: str, axes: int) -> Solid:
    """``values`` as cubes of truth values: (N, s, s, s) for four ``axes``, (s, s, s) for three.

    An axis of length one before the last three is dropped.

    Raises:
        RequestError: they are of another shape, or not true and false, or 1 and 0; ``name`` says of what.
    """
    if values.ndim == axes + 1 and values.shape[axes - 3] == 1:
        values = values.squeeze(axes - 3)
    if values.ndim != axes or len(set(values.shape[-3:])) != 1 or values.shape[-1] == 0:
        wanted = "(N, s, s, s)" if axes == 4 else "(s, s, s)"
        raise RequestError(f"{name} has an array of {values.shape}; it must be {wanted}")
    if values.dtype != np.bool_:
        truth = values == 1
        if not (truth | (values == 0)).all():
            raise RequestError(f"{name} has values besides true and false, or 1 and 0")
        values = truth
    return np.ascontiguousarray(values, dtype=bool)
