"""Arrays in files of NumPy, ``.npy`` and ``.npz``, and of safetensors: no memory is taken on the word of a header alone."""

from __future__ import annotations

import contextlib
import io
import math
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from zoo.utils.bounds import afford
from zoo.utils.errors import RequestError, border
from zoo.utils.files import regular

TENSORS = ".safetensors"
_HEADER = 1 << 17
"""Bytes that hold the header of any array of numbers."""
_BLOCK = 1 << 22


def array_names(path: Path) -> list[str]:
    """The names of the arrays in a ``.npz`` or ``.safetensors`` file, in its order; one empty name for a ``.npy`` file.

    Raises:
        RequestError: it is no such file, or cannot be read.

    Examples:
        >>> np.savez("shapes.npz", train=np.ones(3), test=np.ones(2))
        >>> array_names(Path("shapes.npz"))
        ['train', 'test']
    """
    if path.suffix.lower() == TENSORS:
        with _tensors(path) as found:
            return list(found.keys())
    with border(f"cannot read {path}", RequestError), _opened(path) as file:
        return list(_members(file))


def read_array(path: Path, name: str = "") -> NDArray[np.generic]:
    """The array of numbers, or of true and false, called ``name`` in a ``.npz`` or ``.safetensors`` file, or of a ``.npy``.

    Raises:
        RequestError: it cannot be read, has no such array, is cut, announces other sizes than it has, or is too large for the
            memory that is free.

    Examples:
        >>> np.savez("shapes.npz", train=np.arange(3), test=np.ones(2))
        >>> read_array(Path("shapes.npz"), "train").tolist()
        [0, 1, 2]
    """
    if path.suffix.lower() == TENSORS:
        with _tensors(path) as found:
            if name not in found.keys():  # noqa: SIM118 (not a dict)
                raise ValueError(f"it has no array {name!r}")
            afford(2 * regular(path).stat().st_size, f"the arrays of {path.name}", "take fewer or smaller ones")
            tensor: NDArray[np.generic] = found.get_tensor(name)
            return tensor
    with border(f"cannot read {path}", RequestError), _opened(path) as file:
        members = _members(file)
        if name not in members:
            raise ValueError(f"it has no array {name!r}")
        member = members[name]
        if member is None:
            return _array(file, os.fstat(file.fileno()).st_size, path.name)
        with zipfile.ZipFile(file) as archive, archive.open(member) as stream:
            return _array(stream, member.file_size, path.name)


@contextlib.contextmanager
def _tensors(path: Path) -> Iterator[Any]:
    from safetensors import safe_open

    with border(f"cannot read {path}", RequestError):  # noqa: SIM117 (the border is around what opens it too)
        with safe_open(regular(path), "numpy") as found:
            yield found


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with regular(path).open("rb") as file:
        yield file


def _members(file: IO[bytes]) -> dict[str, zipfile.ZipInfo | None]:
    """The members of an archive by the names of their arrays; of a bare array, None under no name."""
    bare = file.read(6) == npy.MAGIC_PREFIX
    file.seek(0)
    if bare:
        return {"": None}
    with zipfile.ZipFile(file) as archive:
        return {member.filename.removesuffix(".npy"): member for member in archive.infolist()}


def _array(stream: IO[bytes], size: int, name: str) -> NDArray[np.generic]:
    """The array in the ``size`` bytes of a stream."""
    start = stream.read(_HEADER)
    head = io.BytesIO(start)
    version = npy.read_magic(head)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version[0]}.{version[1]} of the format is not for numbers")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, columns, dtype = read(head)
    if dtype.kind not in "buif":
        raise ValueError(f"it holds {dtype}, not numbers")
    needed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or needed != size - head.tell():
        raise ValueError(f"it announces an array of {shape} {dtype} and has {size - head.tell():,} bytes of it")
    afford(3 * needed, f"the array of {name}", "take fewer or smaller shapes")
    data = np.empty(needed, np.uint8)
    got, block = 0, start[head.tell() :]
    while block and got + len(block) <= needed:
        data[got : got + len(block)] = np.frombuffer(block, np.uint8)
        got += len(block)
        block = stream.read(_BLOCK)
    if got != needed or block:
        raise ValueError(f"it is cut: {got:,} of {needed:,} bytes are there")
    values = data != 0 if dtype.kind == "b" else data.view(dtype)
    return values.reshape(shape, order="F" if columns else "C")
