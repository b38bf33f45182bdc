"""Spectral maps of shapes as fields in [0, 1] that models take, and shapes of such fields.

A coefficient c of degree l goes to ``(1 + asinh(c / s_l) / asinh(b / s_l)) / 2``, with fixed numbers. b is the largest value
that any shape can have (by Cauchy and Schwarz): sqrt(4 pi) for harmonics of a function in [0, 1] on the sphere, 1 for Zernike
moments; so the way back is exact. s_l is 0.6 (1 + l)^-1.5 for harmonics and 0.05 / (1 + n) for Zernike moments, about the root
mean square of a coefficient, on ``solids`` as on ModelNet: so noise of one size in the field is of one size beside each.

**From 128 x 128 to 64 x 64** the paper (3.12) convolves with a learned 2 x 2 kernel, part of its model. Here degrees below 64
are kept, the upper left quarter of the map: what is lost is 0.4 % of the energy of ModelNet's extent functions.

**From 10 x 10 to 32 x 32** it uses a learned transposed convolution, 5 x 5 at stride 3. Here each moment becomes 3 x 3 equal
numbers, the outermost ones continued by one; the way back takes the mean over them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from zoo_tasks.harmonics import Double, analyse, degree_of, synthesise
from zoo_tasks.surface import Frame, Voxels, extents, frame_of, solid
from zoo_tasks.zernike import MOMENTS, SIDE, density, moments, orders

ZERO = 0.5
"""The field where a coefficient is 0."""
CUBE = 48
"""Voxels a side of a shape that was made from a field, and of one whose Zernike moments are taken."""
CHUNK = 64
"""Shapes whose coefficients are made at once: their extent functions are 256 KB each."""


class Spectrum(ABC):
    """Maps (N, c, c) of numbers in [0, 1], one a coefficient, of shapes, and shapes of maps.

    Attributes:
        side: c.
        field: the side of the fields that models take, at least c.
        scale, bound: (c, c), the s and b of each coefficient.
    """

    side: int
    field: int
    scale: Double
    bound: float

    def maps(self, grids: Voxels) -> NDArray[np.float32]:
        """(N, c, c) float32 of shapes (N, s, s, s) bool; :data:`ZERO` everywhere for an empty one."""
        parts = [self.coefficients(grids[start : start + CHUNK]) for start in range(0, len(grids), CHUNK)]
        share = np.arcsinh(np.concatenate(parts) / self.scale) / np.arcsinh(self.bound / self.scale)
        return np.clip((1 + share) / 2, 0, 1).astype(np.float32)

    def expand(self, maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 1, field, field) of maps (N, c, c)."""
        place = self._place()
        return np.ascontiguousarray(maps[:, place[:, None], place])[:, None]

    def solids(self, fields: NDArray[np.floating]) -> Voxels:
        """Shapes (N, 48, 48, 48) of fields (N, 1, field, field), centred, the farthest voxel just inside the cube's ball."""
        place = self._place()
        mean = (place == np.arange(self.side)[:, None]) / np.bincount(place)[:, None]
        share = 2 * np.clip(mean @ np.asarray(fields[:, 0], np.float64) @ mean.T, 0, 1) - 1
        return self.shapes(self.scale * np.sinh(share * np.arcsinh(self.bound / self.scale)))

    def _place(self) -> NDArray[np.intp]:
        """(field,) which row or column of a map each row or column of a field shows."""
        times = self.field // self.side
        border = (self.field - times * self.side) // 2
        return np.clip((np.arange(self.field) - border) // times, 0, self.side - 1)

    @abstractmethod
    def coefficients(self, grids: Voxels) -> Double:
        """(N, c, c) of shapes (N, s, s, s)."""

    @abstractmethod
    def shapes(self, values: Double) -> Voxels:
        """(N, 48, 48, 48) of coefficients (N, c, c)."""


class Harmonics(Spectrum):
    """The extent function's spherical harmonics of degree below ``side``, from 256 x 256 rays."""

    def __init__(self, side: int = 64) -> None:
        self.side = self.field = side
        self.scale = np.float64(0.6) * (1.0 + degree_of(side)) ** -1.5
        self.bound = float(np.sqrt(4 * np.pi))

    def coefficients(self, grids: Voxels) -> Double:
        return analyse(extents(grids)[0], self.side)

    def shapes(self, values: Double) -> Voxels:
        frame = Frame(np.full((len(values), 3), (CUBE - 1) / 2), np.full(len(values), CUBE / 2))
        return solid(synthesise(values, max(self.side, 32)), frame, CUBE)


class Zernike(Spectrum):
    """The first 100 Zernike moments of the shape, centred and scaled into the unit ball, row by row in a 10 x 10 map."""

    def __init__(self) -> None:
        self.side, self.field = SIDE, 32
        n = np.array([order[0] for order in orders(9)[:MOMENTS]])
        self.scale, self.bound = (0.05 / (1.0 + n)).reshape(SIDE, SIDE), 1.0

    def coefficients(self, grids: Voxels) -> Double:
        return moments(in_ball(grids)).reshape(-1, SIDE, SIDE)

    def shapes(self, values: Double) -> Voxels:
        """Where the function is largest, in as many voxels as the first moment, the share of the ball that is filled, says."""
        functions = density(values.reshape(len(values), -1), CUBE).reshape(len(values), -1)
        inside = np.count_nonzero(density(np.ones((1, 1)), CUBE))
        out = np.zeros(functions.shape, bool)
        for row, function, share in zip(out, functions, values[:, 0, 0], strict=True):
            count = round(float(np.clip(share, 0, 1)) * inside)
            if count:
                row[np.argpartition(function, -count)[-count:]] = True
        return out.reshape(-1, CUBE, CUBE, CUBE)


def in_ball(grids: Voxels) -> Voxels:
    """Shapes (N, s, s, s), centred and scaled so that the farthest voxel just lies in the ball, (N, 48, 48, 48)."""
    frame = frame_of(grids)
    at = (2 * np.arange(CUBE) + 1) / CUBE - 1
    index = np.rint(frame.centre[:, :, None] + at * frame.radius[:, None, None]).astype(np.int64)  # (N, 3, 48)
    padded = np.pad(grids, ((0, 0), (0, 1), (0, 1), (0, 1)))  # what lies outside reads a layer of nothing
    index = np.where((index >= 0) & (index < grids.shape[1]), index, grids.shape[1])
    out = np.empty((len(grids), CUBE, CUBE, CUBE), bool)
    for ball, grid, (x, y, z) in zip(out, padded, index, strict=True):
        ball[:] = grid[np.ix_(x, y, z)]
    return out
