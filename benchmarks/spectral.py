"""Shapes in spectral space: how exact, how fast, and how much of a shape the first degrees hold.

    python benchmarks/spectral.py [--data ../shared/data/modelnet10] [--shapes 64] [--rounds 5]

Exactness is the largest error of a round trip of random coefficients of degree below 128, and of the products of the Zernike
polynomials with n <= 9 under a quadrature. Speed is shapes a second, beside a loop over shapes and coefficients that uses the
same tables, the contestants taking turns; medians, by the clock and by processor time. The overlap (intersection over union)
of the solid made of degrees below L is given with the solid of all directions, and with the voxels themselves, which hold what
no extent function can. Leaves with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.data.cache import cores
from zoo.data.records import Data
from zoo_data.solids import Solids, Voxels
from zoo_tasks.harmonics import DEGREES, Double, analyse, angles, legendre, synthesise, weights
from zoo_tasks.spectra import Harmonics, Zernike, moments, polynomials
from zoo_tasks.surface import extents, solid

EXACT, RATE = 1e-6, 100.0
LOOPED = 2
"""Shapes that the loop transforms in a round."""


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(N,) the intersection over the union of grids (N, s, s, s); 1 where both are empty."""
    both = (first & second).sum((1, 2, 3))
    either = (first | second).sum((1, 2, 3))
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def loop(functions: Double, q: Double) -> Double:
    """The coefficients, a shape and a coefficient at a time: what the transform does at once."""
    weight = weights(DEGREES) * np.pi / DEGREES
    out = np.zeros((len(functions), DEGREES, DEGREES))
    for one, function in zip(out, functions, strict=True):
        spectrum = np.fft.rfft(function, axis=1) * weight[:, None]
        for l in range(DEGREES):  # noqa: E741
            one[l, 0] = q[l, 0] @ spectrum[:, 0].real
            for m in range(1, l + 1):
                value = np.sqrt(2) * (q[l, m] @ spectrum[:, m])
                one[l, m], one[m - 1, l] = value.real, -value.imag
    return out


def gram_error(highest: int = 9, points: int = 16) -> float:
    """The largest error of the products of the Zernike polynomials under Gauss-Legendre in r and cos, uniform in azimuth."""
    x, w = np.polynomial.legendre.leggauss(points)
    phi = np.pi * np.arange(2 * points) / points
    r, c, phi = np.meshgrid((x + 1) / 2, x, phi, indexing="ij")
    weight = ((w / 2)[:, None, None] * r**2 * w[:, None] * np.pi / points).ravel()
    s = np.sqrt(1 - c**2)
    basis = polynomials(np.stack([r * s * np.cos(phi), r * s * np.sin(phi), r * c], -1).reshape(-1, 3), highest)
    return float(np.abs((basis * weight) @ basis.T / (4 * np.pi / 3) - np.eye(len(basis))).max())


def rates(contestants: dict[str, tuple[int, Callable[[], object]]], rounds: int) -> dict[str, tuple[float, float]]:
    """Shapes a second of each, by the clock and by processor time. They take turns; the first round only warms up."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for _ in range(rounds + 1):
        for name, (_, work) in contestants.items():
            start, spent = time.perf_counter(), time.process_time()
            work()
            times[name].append((time.perf_counter() - start, time.process_time() - spent))
    made = {}
    for name, taken in times.items():
        clock, processor = (contestants[name][0] / statistics.median(column) for column in zip(*taken[1:], strict=True))
        made[name] = clock, processor
    return made


def overlaps(data: Data, shapes: int) -> None:
    """Print the table of degrees."""
    grids = data.read("test").array("voxels")
    assert grids is not None
    grids = grids[np.linspace(0, len(grids) - 1, min(shapes, len(grids))).astype(int)].astype(bool)
    functions, frame = extents(grids)
    maps, whole = analyse(functions), solid(functions, frame, grids.shape[1])
    print(f"{data}, {len(grids)} shapes: all directions beside the voxels {overlap(whole, grids).mean():.3f}")
    print(f"{'degrees below':>14}{'energy':>10}{'IoU':>8}{'with the voxels':>17}")
    for degrees in (4, 8, 16, 32, 64, 128):
        made = solid(synthesise(maps[:, :degrees, :degrees], DEGREES), frame, grids.shape[1])
        energy = (maps[:, :degrees, :degrees] ** 2).sum() / (functions.astype(float) ** 2 * _area()).sum()
        print(f"{degrees:14}{energy:10.4f}{overlap(made, whole).mean():8.3f}{overlap(made, grids).mean():17.3f}")


def _area() -> Double:
    return weights(DEGREES)[:, None] * np.pi / DEGREES


def main() -> None:
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "modelnet10"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=beside, help="folder of voxels, as for voxels:DIR")
    parser.add_argument("--shapes", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()

    maps = np.random.default_rng(0).normal(size=(8, DEGREES, DEGREES))
    trip, gram = float(np.abs(analyse(synthesise(maps)) - maps).max()), gram_error()
    print(f"round trip of degrees below {DEGREES}: largest error {trip:.1e} (at most {EXACT:.0e})")
    print(f"Zernike polynomials, n <= 9: largest error of a product {gram:.1e} (at most {EXACT:.0e})")

    grids = Solids(str(given.shapes)).read("train").voxels
    functions, _ = extents(grids)
    few = functions[:LOOPED].astype(np.float64)
    q = legendre(DEGREES, np.cos(angles(DEGREES)[0]))
    print(f"largest difference from the loop: {np.abs(loop(few, q) - analyse(few)).max():.1e}")
    made = analyse(functions)
    harmonics, zernike, n = Harmonics(), Zernike(), len(grids)
    measured = rates(
        {
            "forward transform": (n, lambda: analyse(functions)),
            "the same in a loop": (LOOPED, lambda: loop(few, q)),
            "inverse transform": (n, lambda: synthesise(made)),
            "voxels to extents": (n, lambda: extents(grids)),
            "voxels to 64 x 64 maps": (n, lambda: harmonics.maps(grids)),
            "100 Zernike moments": (n, lambda: moments(grids)),
            "voxels to Zernike maps": (n, lambda: zernike.maps(grids)),
        },
        given.rounds,
    )
    print(f"{cores()} cores, load {os.getloadavg()[0]:.1f}; shapes a second by the clock (by processor time)")
    for name, (clock, processor) in measured.items():
        print(f"{name:24}{clock:9.1f} ({processor:.1f})")
    (forward, alone), (_, looped) = measured["forward transform"], measured["the same in a loop"]
    print(f"forward transform: {alone / looped:.0f} times the loop by processor time; {RATE:.0f} shapes/s are asked for")
    overlaps(Solids(), given.shapes)
    if given.data.is_dir():
        overlaps(Voxels(str(given.data)), given.shapes)
    else:
        print(f"{given.data} is not there: no overlaps on real shapes")
    sys.exit(max(trip, gram) > EXACT or forward < RATE)


if __name__ == "__main__":
    main()
