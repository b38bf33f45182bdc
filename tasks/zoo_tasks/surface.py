"""Voxel grids as functions on the sphere, and back: how far a shape reaches in every direction.

The spherical extent function (D. Saupe, D. Vranic, "3D model retrieval with spherical harmonics and moments", DAGM 2001; cGML,
3.12, does not say what it samples): along each ray from the shape's centre the distance of the farthest voxel, 0 where there
is none. The centre is the centroid, rounded to a voxel, so that one table of which voxels a ray meets serves all shapes. A
voxel at distance d (in voxels, centre to centre) reaches to d + 1/2; the farthest has the value 1. The third axis of a grid is
the polar one: upwards in ModelNet.
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


@dataclass(frozen=True)
class Frame:
    """Where shapes lie in their grids, in voxels, whole numbers being the middles of voxels.

    Their rays start from ``centre`` (N, 3) and reach as far as ``radius`` (N,); 0 of a grid without any voxel.
    """

    centre: NDArray[np.float64]
    radius: NDArray[np.float64]


def check_grids(grids: NDArray[np.generic]) -> None:
    """Refuse with a RequestError what is not (N, s, s, s) bool with s from 1 to 128."""
    if grids.ndim != 4 or len(set(grids.shape[1:])) != 1 or grids.dtype != np.bool_ or not 1 <= grids.shape[1] <= LARGEST:
        wanted = f"(N, s, s, s) bool with s from 1 to {LARGEST}, one axis for the N"
        raise RequestError(f"shapes are {wanted}, not {grids.shape} {grids.dtype}")


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
    reach = 4 * int(np.ceil((frame.radius.max(initial=0) + 0.5) / 4))  # few different tables
    side, rays = 2 * reach + 1, _rays(reach, degrees)
    item, *place = np.nonzero(grids)
    x, y, z = (index - frame.centre[item, axis].astype(np.int64) for axis, index in enumerate(place))
    # 1 + the squared distance of each occupied voxel of the cube about the centre, 0 where none is.
    squared = np.zeros((side**3, len(grids)), np.uint16)
    squared[((x + reach) * side + y + reach) * side + z + reach, item] = x * x + y * y + z * z + 1
    farthest = np.zeros((rays.shape[1], len(grids)), np.uint16)
    met = np.empty_like(farthest)
    for row in rays:
        np.maximum(farthest, np.take(squared, row, axis=0, out=met, mode="clip"), out=farthest)
    table = np.sqrt(np.maximum(np.arange(int(farthest.max(initial=0)) + 1, dtype=np.float64) - 1, 0)) + 0.5
    table[0] = 0
    values = table.astype(np.float32)[farthest.T] / np.maximum(frame.radius, 0.5).astype(np.float32)[:, None]
    return np.minimum(values, 1).reshape(-1, 2 * degrees, 2 * degrees), frame


def solid(functions: Floats, frame: Frame, side: int) -> Voxels:
    """The voxels (N, side, side, side) whose centres lie within extents (N, 2 L, 2 L), which are bilinear between samples.

    These are star-shaped solids, which hold what lies nearer on each ray too.
    """
    from scipy.ndimage import map_coordinates

    rows = functions.shape[1]
    out = np.zeros((len(functions), side, side, side), bool)
    for grid, function, centre, radius in zip(out, functions, frame.centre, frame.radius, strict=True):
        x, y, z = np.meshgrid(*(np.arange(side) - c for c in centre), indexing="ij")
        distance = np.sqrt(x * x + y * y + z * z)
        row = np.arccos(z / np.maximum(distance, 1e-9)) * rows / np.pi - 0.5
        column = np.arctan2(y, x) * rows / (2 * np.pi) % rows
        around = np.pad(function, ((0, 0), (0, 1)), mode="wrap")  # rows end at the poles, columns go round
        reach = map_coordinates(around, (row, column), np.float64, order=1, mode="nearest")
        grid[:] = distance < reach * radius
    return out
