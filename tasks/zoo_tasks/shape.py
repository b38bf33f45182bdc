"""Voxel grids from what somebody gives: arrays, and files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from zoo import RequestError, read_shape, solid_of
from zoo_tasks.surface import Voxels, check_grids

KEY = "voxels"
"""The name of the array in a ``.npz`` file of several."""


def shape_of(given: Any) -> Voxels:
    """A shape (s, s, s) bool.

    Args:
        given: an array (s, s, s), bool or of zeros and ones; or the path of a file of it, ``.npy``, ``.binvox``, or ``.npz``
            with it as ``voxels`` or as its only array. Where a ``.npz`` holds many, (N, s, s, s), ``PATH:I`` is number I, from
            0. A further axis of length one is dropped.

    Raises:
        RequestError: it is none of these, or the file cannot be read.
    """
    if isinstance(given, (str, os.PathLike)):
        shape = _from_file(str(given))
    elif isinstance(given, np.ndarray):
        shape = solid_of(given, "the shape", axes=3)
    else:
        raise RequestError(
            f"the shape is of type {type(given).__name__}; it must be a path of .npy, .npz or .binvox, or an array (s, s, s)"
        )
    check_grids(shape[None])
    return shape


def _from_file(name: str) -> Voxels:
    path, colon, number = name.rpartition(":")
    chosen = int(number) if colon and number.isdigit() and not Path(name).exists() else None
    file = Path(name if chosen is None else path).expanduser()
    if file.suffix != ".npz":
        return read_shape(file)
    try:
        with np.load(file, allow_pickle=False) as arrays:
            key = arrays.files[0] if len(arrays.files) == 1 else KEY
            values = arrays[key] if key in arrays.files else None
            names = ", ".join(arrays.files) or "no arrays"
    except OSError as error:
        raise RequestError(f"cannot read {file}: {error.strerror or error}") from error
    except Exception as error:  # broken archives surface as errors of many kinds
        raise RequestError(f"cannot read {file} as arrays of NumPy: {error}") from error
    if values is None:
        raise RequestError(f"{file} holds {names}; the shape's must be called {KEY}")
    if values.ndim > 4 or (values.ndim == 4 and len(values) != 1):
        if chosen is None:
            raise RequestError(f"{file} holds {len(values)} shapes; name one of them, {file}:0 to {file}:{len(values) - 1}")
        if chosen >= len(values):
            raise RequestError(f"{file} holds {len(values)} shapes; there is no number {chosen}, they are counted from 0")
        values = values[chosen]
    return solid_of(values, file.name, axes=3)
