"""Real spherical harmonics of degree below L, and the transform between functions on the sphere and their coefficients.

Sources: cGML, appendix 3.12 and 4.1 (equations 25 to 30); J. Driscoll, D. Healy, "Computing Fourier transforms and
convolutions on the 2-sphere", Advances in Applied Mathematics 15 (1994): 4 L^2 equiangular samples determine a function of
degree below L; the weights are those of the grid shifted by half a step, which has no sample at a pole (as in S2kit).

**Angles.** theta in [0, pi] is the polar angle and phi in [0, 2 pi) the azimuth (3.12; appendix 4 swaps the names). Row j of a
grid (2 L, 2 L) is at theta = pi (2 j + 1) / (4 L), column k at phi = pi k / L.

**Basis.** With Q_lm such that Q_lm(cos theta) exp(i m phi) has norm 1, ``C_l0 = Q_l0``, ``C_lm = sqrt(2) Q_lm cos(m phi)`` and
``S_lm = sqrt(2) Q_lm sin(m phi)`` for 1 <= m <= l: the real and imaginary parts of the paper's Y_lm, whose two factors (-1)^m
cancel, orthonormal, L^2 of them. (The paper's "|m| < l" is |m| <= l, and its "l <= 128" with 16,384 moments is l < 128.)

**Map.** They fill a square (L, L): C_lm stands at [l, m], on and below the diagonal, S_lm at [m - 1, l], above it. Degree l is
then the set max(row, column) = l, so that ``map[:K, :K]`` is exactly the map of degrees below K.
"""

# ruff: noqa: E741 (l is the degree, as in the papers)

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Double = NDArray[np.float64]

DEGREES = 128
"""The paper's L: 128 x 128 coefficients from 256 x 256 samples."""
CHUNK = 8
"""Functions transformed at once: so few that the steps between lie in a core's cache."""


def angles(degrees: int = DEGREES) -> tuple[Double, Double]:
    """theta (2 L,) of the rows and phi (2 L,) of the columns of the grid, in radians."""
    j = np.arange(2 * degrees)
    return np.pi * (2 * j + 1) / (4 * degrees), np.pi * j / degrees


def weights(degrees: int = DEGREES) -> Double:
    """(2 L,) weights w_j: sum_j w_j p(cos theta_j) is the integral of p from -1 to 1 for polynomials p of degree < 2 L."""
    theta = angles(degrees)[0]
    odd = 2 * np.arange(degrees) + 1
    return 2 / degrees * np.sin(theta) * (np.sin(theta[:, None] * odd) / odd).sum(1)


def legendre(degrees: int, x: NDArray[np.floating]) -> Double:
    """Q_lm(x) for all l, m < L: (L, L, K) over l, m and the K points x in [-1, 1]; 0 where m > l.

    Q_mm in closed form, then the three-term recurrence upwards in l, for all m and points at once; both are stable. Near the
    poles sin(theta)^m underflows where m > 135; the zeros stand for values below 1e-300, and round trips stay as accurate.
    """
    x = np.asarray(x, np.float64)
    m = np.arange(degrees)
    q = np.zeros((degrees, degrees, len(x)))
    with np.errstate(under="ignore"):
        q[m[:1], m[:1]] = np.sqrt(1 / (4 * np.pi))
        sine = np.sqrt((1 - x) * (1 + x))
        for l in range(1, degrees):
            q[l, l] = np.sqrt((2 * l + 1) / (2 * l)) * sine * q[l - 1, l - 1]
            low = m[:l, None].astype(np.float64)
            now = np.sqrt((4 * l * l - 1) / (l * l - low**2))
            before = np.sqrt(np.maximum((l - 1) ** 2 - low**2, 0) / (4 * (l - 1) ** 2 - 1)) if l > 1 else 0 * low
            q[l, :l] = now * (x * q[l - 1, :l] - before * q[max(l - 2, 0), :l])
    return q


@lru_cache(maxsize=4)
def _table(degrees: int) -> Double:
    """sqrt(2) Q_lm (and Q_l0) on the northern half of the grid, (m, parity, rows L, l / 2 rounded up).

    Q_lm(-x) = (-1)^(l + m) Q_lm(x): with the sum and the difference of both halves, each degree needs only one of them.
    Parity p holds the degrees l = p, p + 2, ... of every m.
    """
    q = legendre(degrees, np.cos(angles(degrees)[0][:degrees]))
    q[:, 1:] *= np.sqrt(2)
    table = np.zeros((degrees, 2, degrees, -(-degrees // 2)))
    for parity in (0, 1):
        part = q[parity::2].transpose(1, 2, 0)
        table[:, parity, :, : part.shape[2]] = part
    table.setflags(write=False)
    return table


@lru_cache(maxsize=4)
def _places(degrees: int) -> tuple[NDArray[np.intp], ...]:
    """Where each coefficient of a map stands in the tables, (L, L) each: order m, parity, 0 (cosine) or 1 (sine), l // 2."""
    row, column = np.indices((degrees, degrees))
    degree, sine = degree_of(degrees), column > row
    return np.where(sine, row + 1, column), degree % 2, sine.astype(np.intp), degree // 2


def _halves(values: Double) -> Double:
    """(m, 2, ...) by parity p as (m, 2, ...) by half, 0 for sum and 1 for difference, and back: half = p + m, mod 2."""
    m = np.arange(len(values))[:, None]
    return values[m, (m + np.arange(2)) % 2]


def analyse(functions: NDArray[np.floating], degrees: int | None = None) -> Double:
    """Maps (N, K, K) float64 of functions (N, 2 L, 2 L) on the grid of :func:`angles`, exact where their degree is below L.

    Equation 30: Fourier transform along phi, contraction over theta per order. K is ``degrees``, at most L, or L.
    """
    full = functions.shape[1] // 2
    keep = degrees or full
    table = _table(full)[:keep, :, :, : -(-keep // 2)]
    order, parity, sine, place = _places(keep)
    out = np.empty((len(functions), keep, keep))
    scale = (weights(full) * (np.pi / full))[:, None]
    for start in range(0, len(functions), CHUNK):
        part = np.asarray(functions[start : start + CHUNK], np.float64)
        spectrum = np.fft.rfft(part, axis=2)[:, :, :keep] * scale
        north, south = spectrum[:, :full], spectrum[:, : full - 1 : -1]
        halves = np.stack([north + south, north - south]).transpose(3, 0, 1, 2)  # (m, 2, n, rows)
        flat = np.concatenate([halves.real, -halves.imag], axis=2)  # cosines, then sines
        packed = np.matmul(_halves(flat), table).reshape(keep, 2, 2, len(part), -1)  # (m, parity, 2, n, l / 2)
        out[start : start + len(part)] = np.moveaxis(packed[order, parity, sine, :, place], -1, 0)
    return out


def synthesise(maps: NDArray[np.floating], degrees: int | None = None) -> Double:
    """Functions (N, 2 L, 2 L) float64 on the grid of coefficients (N, K, K) of degree below K, equation 29.

    L is ``degrees``, at least K, or K.
    """
    keep = maps.shape[1]
    full = degrees or keep
    table = _table(full)[:keep, :, :, : -(-keep // 2)].transpose(0, 1, 3, 2)
    order, parity, sine, place = _places(keep)
    out = np.empty((len(maps), 2 * full, 2 * full))
    for start in range(0, len(maps), CHUNK):
        part = np.asarray(maps[start : start + CHUNK], np.float64)
        n = len(part)
        packed = np.zeros((keep, 2, 2, n, -(-keep // 2)))
        packed[order, parity, sine, :, place] = np.moveaxis(part, 0, -1)
        values = _halves(np.matmul(packed.reshape(keep, 2, 2 * n, -1), table))  # (m, half, 2 n, rows)
        both = values[:, :, :n] - 1j * values[:, :, n:]
        both[1:] /= 2  # an order m > 0 stands for the two terms of its cosine
        spectrum = np.zeros((n, 2 * full, full + 1), np.complex128)
        spectrum[:, :full, :keep] = (both[:, 0] + both[:, 1]).transpose(1, 2, 0)
        spectrum[:, : full - 1 : -1, :keep] = (both[:, 0] - both[:, 1]).transpose(1, 2, 0)
        out[start : start + n] = np.fft.irfft(spectrum, n=2 * full, axis=2) * (2 * full)
    return out


def degree_of(degrees: int) -> NDArray[np.int64]:
    """(L, L) the degree of each coefficient of a map: the larger of its row and column."""
    index = np.arange(degrees)
    return np.maximum(index[:, None], index)
