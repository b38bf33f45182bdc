"""Spectral maps of shapes as fields in [0, 1] that models take, and shapes of such fields.

A coefficient c of degree l goes to ``(1 + asinh(c / s_l) / asinh(b / s_l)) / 2``, with fixed numbers. b is the largest value
that any shape can have (by Cauchy and Schwarz): sqrt(4 pi) for harmonics of a function in [0, 1] on the sphere, 1 for Zernike
moments; so the way back is exact. s_l is 0.6 (1 + l)^-1.5 for harmonics and 0.05 / (1 + n) for Zernike moments, about the root
mean square of a coefficient, on ``solids`` as on ModelNet: so noise of one size in the field is of one size beside each.

**From 128 x 128 to 64 x 64** the paper (3.12) convolves with a learned 2 x 2 kernel, part of its model. Here degrees below 64
are kept, the upper left quarter of the map: what is lost is 0.4 % of the energy of ModelNet's extent functions.

**From 10 x 10 to 32 x 32** it uses a learned transposed convolution, 5 x 5 at stride 3. Here each moment becomes 3 x 3 equal
numbers, the outermost ones continued by one; the way back takes the mean over them.

**Zernike moments.** Sources: cGML, appendix 3.12 and 4.2 (equations 31 to 36); M. Novotni, R. Klein, "3D Zernike descriptors
for content based shape retrieval", Solid Modeling 2003, beside which four things of cGML's print do not hold: (32) sums v to
(n - l) / 2; (33) has binomial(2 (k + l + v) + 1, 2 k), k = (n - l) / 2, as else the R are not orthogonal (shown in the tests);
the norm of (34) asks for Y of mean square 1 over the sphere; (36) lacks the factor 3 / (4 pi). So ``Z_nlm = R_nl(r) sqrt(4 pi)
Y_lm``, with the real Y_lm of :mod:`zoo_tasks.harmonics`, and ``R_nl(r) = sqrt((2 n + 3) / 3) r^l P_k(2 r^2 - 1)`` with the
Jacobi polynomial P_k of parameters (0, l + 1/2): the corrected (33) without its large terms of alternating signs, so that it
is stable for any n. The paper takes "the first 100 moments for n <= 9", of 220 real ones: here the first 100 real ones in the
order of n, then l, then m (0, cos 1, sin 1, cos 2, ...), all of n <= 6 and 16 of n = 7.
"""

# ruff: noqa: E741 (l is the degree, as in the papers)

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo_tasks.harmonics import Double, analyse, degree_of, legendre, synthesise
from zoo_tasks.surface import Frame, Voxels, extents, frame_of, solid

SIDE = 10
"""The moments are arranged row by row in a square of this side."""
MOMENTS = SIDE * SIDE
ZERO = 0.5
"""The field where a coefficient is 0."""
CUBE = 48
"""Voxels a side of a shape that was made from a field, and of one whose Zernike moments are taken."""
CHUNK = 32
"""Shapes whose coefficients are made at once: their extent functions are 256 KB each."""


def orders(highest: int) -> list[tuple[int, int, int]]:
    """(n, l, m) of all real polynomials with n <= ``highest``, in the order of n, l, |m|; m < 0 are those of the sine."""
    return [
        (n, l, m)
        for n in range(highest + 1)
        for l in range(n % 2, n + 1, 2)
        for m in sorted(range(-l, l + 1), key=lambda m: (abs(m), -m))
    ]


def radial(n: int, l: int, r: NDArray[np.floating]) -> Double:
    """R_nl(r) of r in [0, 1], l = n, n - 2, ...; the integral of R_nl R_n'l r^2 from 0 to 1 is 1/3 if n = n', else 0."""
    from scipy.special import eval_jacobi

    r = np.asarray(r, np.float64)
    return np.sqrt((2 * n + 3) / 3) * r**l * eval_jacobi((n - l) // 2, 0, l + 0.5, 2 * r * r - 1)


def polynomials(points: NDArray[np.floating], highest: int = 9, count: int | None = None) -> Double:
    """Z_nlm at points (K, 3) of the unit ball, the first ``count`` (all) of :func:`orders`: (M, K) float64.

    The third axis is the polar one; the integral of Z Z' is 4 pi / 3 for Z = Z', else 0.
    """
    points = np.asarray(points, np.float64)
    r = np.sqrt((points**2).sum(-1))
    polar = np.clip(points[:, 2] / np.where(r > 0, r, 1), -1, 1)
    phi = np.arctan2(points[:, 1], points[:, 0])
    q = legendre(highest + 1, polar)
    turns = np.arange(highest + 1)[:, None] * phi
    cosine, sine = np.cos(turns), np.sin(turns)
    radials = {(n, l): radial(n, l, r) for n in range(highest + 1) for l in range(n % 2, n + 1, 2)}
    values = (
        radials[n, l] * q[l, abs(m)] * (cosine[m] if m >= 0 else sine[-m]) * np.sqrt((8 if m else 4) * np.pi)
        for n, l, m in orders(highest)[:count]
    )
    return np.stack(list(values))


@lru_cache(maxsize=4)
def _basis(side: int, count: int) -> tuple[Double, NDArray[np.intp]]:
    """The polynomials at the voxel centres inside the ball (M, K), and which of the side^3 voxels these are (K,)."""
    centre = (2 * np.arange(side) + 1) / side - 1
    points = np.stack(np.meshgrid(centre, centre, centre, indexing="ij"), -1).reshape(-1, 3)
    inside = np.flatnonzero((points**2).sum(-1) <= 1)
    highest = next(n for n in range(side**3) if len(orders(n)) >= count)
    return polynomials(points[inside], highest, count), inside


def moments(grids: NDArray[np.generic]) -> Double:
    """The first moments (N, 100) float64 of functions (N, s, s, s) on [-1, 1]^3, equation 36 (with its factor).

    They are sums over the voxels in the ball, and in [-1, 1] for functions from 0 to 1.
    """
    basis, inside = _basis(grids.shape[1], MOMENTS)
    values = grids.reshape(len(grids), -1).take(inside, axis=1).astype(np.float64)
    # 3 / (4 pi) times the volume of the ball in equal parts: a full ball has the first moment 1.
    return np.ascontiguousarray((basis @ values.T).T) / len(inside)


def density(values: NDArray[np.floating], side: int) -> Double:
    """The functions that the first M moments (N, M) stand for, equation 35: (N, side, side, side), 0 outside the ball."""
    basis, inside = _basis(side, values.shape[1])
    functions = np.zeros((len(values), side**3))
    functions[:, inside] = np.asarray(values, np.float64) @ basis
    return functions.reshape(-1, side, side, side)


class Spectrum(ABC):
    """Maps (N, c, c) of numbers in [0, 1], one a coefficient, of shapes, and shapes of maps."""

    side: int  # c
    field: int  # the side of the fields that models take, at least c
    scale: Double  # (c, c), the s of each coefficient
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
