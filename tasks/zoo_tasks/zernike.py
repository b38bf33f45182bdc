"""3D Zernike polynomials on the unit ball, and the moments of voxel grids.

Sources: cGML, appendix 3.12 and 4.2 (equations 31 to 36), and M. Novotni, R. Klein, "3D Zernike descriptors for content based
shape retrieval", Solid Modeling 2003, beside which four things of cGML's print do not hold: (32) sums v to (n - l) / 2; (33)
has binomial(2 (k + l + v) + 1, 2 k), k = (n - l) / 2, as else the R are not orthogonal (shown in the tests); the norm of (34)
asks for Y of mean square 1 over the sphere; (36) lacks the factor 3 / (4 pi).

So ``Z_nlm = R_nl(r) sqrt(4 pi) Y_lm``, with the real Y_lm of :mod:`zoo_tasks.harmonics`, and
``R_nl(r) = sqrt((2 n + 3) / 3) r^l P_k(2 r^2 - 1)`` with the Jacobi polynomial P_k of parameters (0, l + 1/2): the corrected
(33) without its large terms of alternating signs, so that it is stable for any n.

**Which 100.** The paper takes "the first 100 moments for n <= 9", of 220 real ones. Here it is the first 100 real ones in the
order of n, then l, then m (0, cos 1, sin 1, cos 2, ...): all of n <= 6 and 16 of n = 7.
"""

# ruff: noqa: E741 (l is the degree, as in the papers)

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo_tasks.harmonics import Double, legendre

SIDE = 10
"""The moments are arranged row by row in a square of this side."""
MOMENTS = SIDE * SIDE
CHUNK = 32
"""Grids whose moments are made at once."""


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
    """Z_nlm, n up to ``highest``, at points (K, 3) of the unit ball whose third axis is the polar one: (M, K) float64.

    They are in the order of :func:`orders`, or its first ``count``; the integral of Z Z' is 4 pi / 3 for Z = Z', else 0.
    """
    points = np.asarray(points, np.float64)
    r = np.sqrt((points**2).sum(-1))
    polar = np.clip(points[:, 2] / np.where(r > 0, r, 1), -1, 1)
    phi = np.arctan2(points[:, 1], points[:, 0])
    q = legendre(highest + 1, polar)
    turns = np.arange(highest + 1)[:, None] * phi
    cosine, sine = np.cos(turns), np.sin(turns)
    radials = {(n, l): radial(n, l, r) for n in range(highest + 1) for l in range(n % 2, n + 1, 2)}
    return np.stack(
        [
            radials[n, l] * q[l, abs(m)] * (cosine[m] if m >= 0 else sine[-m]) * np.sqrt((8 if m else 4) * np.pi)
            for n, l, m in orders(highest)[:count]
        ]
    )


@lru_cache(maxsize=4)
def _basis(side: int, count: int) -> tuple[Double, NDArray[np.intp]]:
    """The polynomials at the voxel centres inside the ball (M, K), and which of the side^3 voxels these are (K,)."""
    centre = (2 * np.arange(side) + 1) / side - 1
    points = np.stack(np.meshgrid(centre, centre, centre, indexing="ij"), -1).reshape(-1, 3)
    inside = np.flatnonzero((points**2).sum(-1) <= 1)
    highest = next(n for n in range(side**3) if len(orders(n)) >= count)
    return polynomials(points[inside], highest, count), inside


def moments(grids: NDArray[np.generic], count: int = MOMENTS) -> Double:
    """The first moments (N, count) float64 of functions (N, s, s, s) on [-1, 1]^3, equation 36 (with its factor).

    They are sums over the voxels in the ball, and in [-1, 1] for functions from 0 to 1.
    """
    side = grids.shape[1]
    basis, inside = _basis(side, count)
    flat = grids.reshape(len(grids), -1)
    out = np.empty((len(grids), count))
    for start in range(0, len(grids), CHUNK):
        values = flat[start : start + CHUNK].take(inside, axis=1).astype(np.float64)
        out[start : start + CHUNK] = (basis @ values.T).T
    out /= len(inside)  # 3 / (4 pi) times the volume of the ball in equal parts: a full ball has the first moment 1
    return out


def density(values: NDArray[np.floating], side: int) -> Double:
    """The functions that the first M moments (N, M) stand for, equation 35: (N, side, side, side), 0 outside the ball."""
    basis, inside = _basis(side, values.shape[1])
    functions = np.zeros((len(values), side**3))
    functions[:, inside] = np.asarray(values, np.float64) @ basis
    return functions.reshape(-1, side, side, side)
