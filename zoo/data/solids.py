"""Solid shapes: from their files, and as pictures."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.data.arrays import array_names, read_array
from zoo.data.items import Image
from zoo.utils.bounds import afford
from zoo.utils.errors import RequestError, border
from zoo.utils.files import read_bytes

Solid = NDArray[np.bool_]
"""Shapes, (N, s, s, s) bool, or one, (s, s, s)."""
SIDE = 128
"""Pixels a side of a picture of a shape."""
_FACES = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
_HEADER = re.compile(rb"#binvox 1\s*\n(?:[^\n]*\n)*?data\r?\n")
_SIZE = re.compile(rb"^dim (\d{1,5}) (\d{1,5}) (\d{1,5})\s*$", re.MULTILINE)


def read_shape(path: Path) -> Solid:
    """The shape in a ``.npy``, ``.npz`` (of one array) or ``.binvox`` file, (s, s, s) bool.

    Raises:
        RequestError: it cannot be read, or is no such shape.

    Examples:
        >>> np.save("cube.npy", np.ones((4, 4, 4), bool))
        >>> read_shape(Path("cube.npy")).shape
        (4, 4, 4)
    """
    if path.suffix.lower() == ".binvox":
        with border(f"cannot read {path}", RequestError):
            return solid_of(binvox(read_bytes(path, 1 << 28)), path.name, axes=3)
    names = array_names(path)
    if len(names) != 1:
        raise RequestError(f"{path} holds {', '.join(names) or 'no array'}; one shape is needed")
    return solid_of(read_array(path, names[0]), path.name, axes=3)


def binvox(data: bytes) -> Solid:
    """The grid in a binvox file's bytes (Min 2004), indexed [x, y, z]; a ValueError where these are no whole file.

    The format runs through x, then z, then y, in pairs of a value and how often it follows.
    """
    header = _HEADER.match(data)
    size = _SIZE.search(header[0]) if header else None
    if header is None or size is None:
        raise ValueError("not a binvox file of version 1")
    shape = tuple(int(n) for n in size.groups())
    runs = np.frombuffer(data, np.uint8, offset=header.end())
    if len(runs) % 2 or int(runs[1::2].sum(dtype=np.int64)) != math.prod(shape):
        raise ValueError(f"its runs do not fill the announced {shape[0]} x {shape[1]} x {shape[2]}")
    afford(3 * math.prod(shape), "its voxels", "take a smaller shape")
    return np.repeat(runs[::2] > 0, runs[1::2]).reshape(shape).transpose(0, 2, 1)


def solid_of(values: NDArray[np.generic], name: str, axes: int) -> Solid:
    """``values`` as cubes of truth values: (N, s, s, s) for four ``axes``, (s, s, s) for three.

    An axis of length one before the last three, or behind them, is dropped.

    Raises:
        RequestError: they are of another shape, or not true and false, or 1 and 0; ``name`` says of what.

    Examples:
        >>> solid_of(np.zeros((1, 2, 2, 2)), "my shape", axes=3).shape
        (2, 2, 2)
    """
    given = values.shape
    if values.ndim == axes + 1 and 1 in (given[axes - 3], given[-1]):
        values = values.squeeze(axes - 3 if given[axes - 3] == 1 else -1)
    if values.ndim != axes or len(set(values.shape[-3:])) != 1 or values.shape[-1] == 0:
        wanted = "(N, s, s, s)" if axes == 4 else "(s, s, s)"
        raise RequestError(f"{name} has an array of {given}; it must be {wanted}")
    if values.dtype != np.bool_:
        if values.dtype.kind not in "uif" or not ((values == 1) | (values == 0)).all():
            raise RequestError(f"{name} has values besides true and false, or 1 and 0")
        values = values == 1
    return np.ascontiguousarray(values, dtype=bool)


def voxel_picture(voxels: NDArray[np.bool_], side: int = SIDE) -> Image:
    """A shape (s, s, s) bool as a picture (side, side, 3) uint8 that it fills, its third axis upwards; white if empty.

    Examples:
        >>> voxel_picture(np.ones((4, 4, 4), bool), side=32).shape
        (32, 32, 3)
    """
    picture = np.full((side * side, 3), 255, np.uint8)
    place = np.argwhere(voxels)
    if not len(place):
        return picture.reshape(side, side, 3)
    low, high = place.min(0), place.max(0) + 1
    middle, radius = (low + high) / 2, np.sqrt(((high - low) ** 2).sum()) / 2
    padded = np.pad(voxels, 1)
    a, e = np.deg2rad(-55.0), np.deg2rad(25.0)  # where the camera stands, seen from the middle; the third axis is up
    towards = np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0])
    view = np.stack([right, np.cross(towards, right), towards])
    light = view.T @ np.array([-0.35, 0.75, 0.55])
    count = int(np.ceil(side * 0.48 / radius * 1.25))  # points a side of a face; less than a pixel apart
    step = (np.arange(count) + 0.5) / count - 0.5
    points, shades = [], []
    for face in _FACES[_FACES @ towards > 0]:
        free = place[~padded[tuple((place + 1 + face).T)]]
        axis = int(np.abs(face).argmax())
        patch = np.zeros((count, count, 3))
        patch[..., (axis + 1) % 3], patch[..., (axis + 2) % 3] = np.meshgrid(step, step, indexing="ij")
        patch[..., axis] = face[axis] / 2
        points.append((free[:, None] + 0.5 + patch.reshape(1, -1, 3)).reshape(-1, 3))
        shades.append(np.full(len(points[-1]), 0.4 + 0.75 * np.clip(face @ light, 0, 1)))
    seen = (np.concatenate(points) - middle) / radius @ view.T
    order = np.argsort(np.rint((1 + seen[:, 2]) * 30000).astype(np.uint16), kind="stable")  # 16 bits are sorted by counting
    seen = seen[order]
    shade = np.concatenate(shades)[order] * (0.8 + 0.2 * np.clip(seen[:, 2], -1, 1))  # what is farther away is a little darker
    column = np.rint((0.48 * seen[:, 0] + 0.5) * (side - 1)).astype(np.intp)
    row = np.rint((0.5 - 0.48 * seen[:, 1]) * (side - 1)).astype(np.intp)
    picture[row * side + column] = np.clip(shade[:, None] * (150.0, 190.0, 240.0), 0, 255)  # the nearest comes last
    return picture.reshape(side, side, 3)
