"""Voxel grids as functions on the sphere, and back: how far a shape reaches in every direction.

The spherical extent function (D. Saupe, D. Vranic, "3D model retrieval with spherical harmonics and moments", DAGM 2001; cGML,
3.12, does not say what it samples): along each ray from the shape's centre the distance of the farthest voxel, 0 where there
is none. The centre is the centroid, rounded to a voxel, so that one table of which voxels a ray meets serves all shapes.
A voxel at distance d (in voxels, centre to centre) reaches to d + 1/2, and the farthest of a shape has the value 1. The third
axis of a grid is the polar one: upwards in ModelNet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo import RequestError
from zoo_tasks.harmonics import DEGREES, angles

Voxels = NDArray[np.bool_]
Floats = NDArray[np.floating]

LARGEST = 128
"""Voxels a side: squared distances then go into 16 bits."""
STEP = 0.5
"""Voxels between two points of a ray."""
CHUNK = 32
"""Shapes that are traced together."""


@dataclass(frozen=True)
class Frame:
    """Where shapes lie in their grids.

    Attributes:
        centre: (N, 3), where their rays start from, in voxels; whole numbers are the middles of voxels.
        radius: (N,) float64, how far they reach from there, in voxels; 0 of a grid without any voxel.
    """

    centre: NDArray[np.float64]
    radius: NDArray[np.float64]


def check_grids(grids: NDArray[np.generic]) -> None:
    """Refuse with a RequestError what is not (N, s, s, s) bool with s from 1 to 128."""
    if grids.ndim != 4 or len(set(grids.shape[1:])) != 1 or grids.dtype != np.bool_ or not 1 <= grids.shape[1] <= LARGEST:
        raise RequestError(
            f"shapes are (N, s, s, s) bool with s from 1 to {LARGEST}, one axis for the N, not {grids.shape} {grids.dtype}"
        )


@lru_cache(maxsize=4)
def _rays(reach: int, degrees: int) -> NDArray[np.int32]:
    """Which voxels of a cube of side 2 reach + 1 the rays from its middle meet, (steps, rays), as flat indices."""
    theta, phi = np.meshgrid(*angles(degrees), indexing="ij")
    towards = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1).reshape(-1, 3)
    distance = np.arange(0, reach + STEP / 2, STEP)
    side = 2 * reach + 1
    out = np.empty((len(distance), len(towards)), np.int32)
    for row, t in zip(out, distance, strict=True):
        place = np.rint(towards * t).astype(np.int32) + reach
        row[:] = (place[:, 0] * side + place[:, 1]) * side + place[:, 2]
    out.setflags(write=False)
    return out


def frame_of(grids: Voxels) -> Frame:
    """The centre and the radius of each shape (N, s, s, s); the middle and 0 where there are no voxels."""
    check_grids(grids)
    n, side = grids.shape[:2]
    item, *place = np.nonzero(grids)
    counts = np.bincount(item, minlength=n)
    centre = np.full((n, 3), float((side - 1) // 2))
    some = counts > 0
    for axis, index in enumerate(place):
        total = np.bincount(item, index, minlength=n)
        centre[some, axis] = np.rint(total[some] / counts[some])
    squared = sum((index - centre[item, axis]) ** 2 for axis, index in enumerate(place))
    radius = np.zeros(n)
    np.maximum.at(radius, item, np.sqrt(squared) + 0.5)
    return Frame(centre, radius)


def extents(grids: Voxels, degrees: int = DEGREES) -> tuple[NDArray[np.float32], Frame]:
    """The extent functions (N, 2 L, 2 L) float32 in [0, 1] of shapes (N, s, s, s) bool, and the shapes' frames.

    They are on the grid of :func:`zoo_tasks.harmonics.angles`, and zero for a shape without voxels.
    """
    frame = frame_of(grids)
    out = np.empty((len(grids), 2 * degrees, 2 * degrees), np.float32)
    for start in range(0, len(grids), CHUNK):
        part = slice(start, min(start + CHUNK, len(grids)))
        centre, radius = frame.centre[part].astype(np.int64), frame.radius[part]
        reach = 4 * int(np.ceil((radius.max() + 0.5) / 4))  # few different tables
        rays, squared = _rays(reach, degrees), _squared(grids[part], centre, reach)
        farthest = np.zeros((rays.shape[1], squared.shape[1]), np.uint16)
        met = np.empty_like(farthest)
        for row in rays:
            np.maximum(farthest, np.take(squared, row, axis=0, out=met, mode="clip"), out=farthest)
        table = np.sqrt(np.maximum(np.arange(int(farthest.max()) + 1, dtype=np.float64) - 1, 0)) + 0.5
        table[0] = 0
        values = table.astype(np.float32)[farthest.T] / np.maximum(radius, 0.5).astype(np.float32)[:, None]
        out[part] = values.reshape(-1, *out.shape[1:])
    return np.minimum(out, 1, out=out), frame


def _squared(grids: Voxels, centre: NDArray[np.int64], reach: int) -> NDArray[np.uint16]:
    """1 + the squared distance of each occupied voxel, 0 where none is: (voxels of the cube about the centre, N)."""
    side = 2 * reach + 1
    item, *place = np.nonzero(grids)
    x, y, z = (index - centre[item, axis] for axis, index in enumerate(place))
    out = np.zeros((side**3, len(grids)), np.uint16)
    out[((x + reach) * side + y + reach) * side + z + reach, item] = x * x + y * y + z * z + 1
    return out


def solid(functions: Floats, frame: Frame, side: int) -> Voxels:
    """The voxels (N, side, side, side) whose centres lie within extents (N, 2 L, 2 L), which are bilinear between samples.

    These are star-shaped solids, which hold what lies nearer on each ray too.
    """
    rows = functions.shape[1]
    out = np.zeros((len(functions), side, side, side), bool)
    for grid, function, centre, radius in zip(out, functions, frame.centre, frame.radius, strict=True):
        x, y, z = np.meshgrid(*(np.arange(side) - c for c in centre), indexing="ij")
        distance = np.sqrt(x * x + y * y + z * z)
        theta = np.arccos(z / np.maximum(distance, 1e-9))
        reach = _bilinear(function, theta * rows / np.pi - 0.5, np.arctan2(y, x) * rows / (2 * np.pi))
        grid[:] = distance < reach * radius
    return out


def _bilinear(function: Floats, row: Floats, column: Floats) -> NDArray[np.float64]:
    """A function (2 L, 2 L) between its samples: at rows, which end at the poles, and columns, which go round."""
    rows, columns = function.shape
    row = np.clip(row, 0, rows - 1)
    r, c = np.floor(row).astype(np.intp), np.floor(column).astype(np.intp)
    down, right = row - r, column - c
    below, after = np.minimum(r + 1, rows - 1), (c + 1) % columns
    c %= columns
    top = function[r, c] * (1 - right) + function[r, after] * right
    bottom = function[below, c] * (1 - right) + function[below, after] * right
    return top * (1 - down) + bottom * down


def overlap(first: Voxels, second: Voxels) -> NDArray[np.float64]:
    """(N,) the intersection over the union of grids (N, s, s, s); 1 where both are empty."""
    both = (first & second).sum((1, 2, 3))
    either = (first | second).sum((1, 2, 3))
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)
