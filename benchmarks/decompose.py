"""Decomposition: how good, on the MIT intrinsic images, and how fast, beside a sparse direct solver.

    python benchmarks/decompose.py [--data ../shared/data/mit-intrinsic] [--loo] [--seconds 3]

Quality is the LMSE (Grosse et al. 2009) of each object's diffuse image, beside the two trivial answers: all of the
image is shading, and all of it is reflectance. With ``--loo``, thresholds are chosen from a grid on nine objects and
scored on the tenth, in turn. Speed is photos a second at 128 x 128, beside the same Poisson problems given to scipy's
sparse solvers.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from zoo_tasks.relight import Retinex, decompose, integrate

Array = np.ndarray
GAMMA = 2.2
BAR, RATE = 0.7, 200.0
GRID = [Retinex(chroma=c, brightness=b) for c, b in itertools.product((0.02, 0.03, 0.045, 0.06, 0.09), (0.2, 0.3, 0.4, 0.6))]


def lmse(
    shading: np.ndarray, reflectance: np.ndarray, true_shading: np.ndarray, true_reflectance: np.ndarray, mask: np.ndarray
) -> float:
    """LMSE (Grosse et al. 2009, section 5): the mean of the local errors of shading and of reflectance; 0 is perfect.

    All are (H, W) in linear light, ``shading`` and ``reflectance`` each known up to a factor; ``mask`` is True on the object.
    """
    return (local_error(shading, true_shading, mask) + local_error(reflectance, true_reflectance, mask)) / 2


def local_error(field: Array, truth: Array, mask: Array, window: int = 20) -> float:
    """The squared error of ``field`` in overlapping windows, each scaled to fit best, over the truth's energy."""

    def sums(values: Array) -> Array:
        windows = np.lib.stride_tricks.sliding_window_view(mask * values, (window, window))
        return windows[:: window // 2, :: window // 2].sum((-2, -1), dtype=np.float64)

    true_energy, energy = sums(truth * truth), sums(field * field)
    error = true_energy - sums(field * truth) ** 2 / np.where(energy > 0, energy, 1)
    return float(error.sum() / true_energy.sum())


def read(folder: Path, image: str = "diffuse") -> dict[str, np.ndarray]:
    """One object: ``image`` (H, W, 3), ``shading`` and ``reflectance`` (H, W), linear in [0, 1], and its ``mask``."""
    import cv2

    def load(name: str) -> np.ndarray:
        values = cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        if values is None:
            raise SystemExit(f"{folder / name}.png cannot be read")
        return values.astype(np.float32) / np.iinfo(values.dtype).max

    def grey(values: np.ndarray) -> np.ndarray:
        return values.mean(axis=-1) if values.ndim == 3 else values

    return {
        "image": load(image)[..., ::-1],
        "shading": grey(load("shading")),
        "reflectance": grey(load("reflectance")),
        "mask": grey(load("mask")) > 0,
    }


def score(thing: dict[str, np.ndarray], how: Retinex | None = None) -> float:
    """The LMSE of our decomposition of one object. Its image is linear, so it is encoded, and the fields decoded."""
    shading, albedo = decompose(thing["image"] ** (1 / GAMMA), thing["mask"], how)
    fields = shading**GAMMA, (albedo**GAMMA).mean(axis=-1)
    return lmse(*fields, thing["shading"], thing["reflectance"], thing["mask"])


def trivial(thing: dict[str, np.ndarray]) -> tuple[float, float]:
    """The LMSE of constant reflectance (shading is the image) and of constant shading (reflectance is the image)."""
    grey, flat = thing["image"].mean(axis=-1), np.ones(thing["mask"].shape, np.float32)
    truth = thing["shading"], thing["reflectance"], thing["mask"]
    return lmse(grey, flat, *truth), lmse(flat, grey, *truth)


def leave_one_out(things: dict[str, dict[str, np.ndarray]]) -> float:
    """The mean LMSE of each object under the thresholds of ``GRID`` that are best on the others."""
    table = np.array([[score(thing, how) for thing in things.values()] for how in GRID])
    others = table.sum(axis=1, keepdims=True) - table
    return float(table[others.argmin(axis=0), np.arange(table.shape[1])].mean())


def rate(work: Callable[[Any], object], items: list[Any], count: int, seconds: float) -> float:
    """Photos a second of ``work`` on ``items``, each ``count`` photos: the median over repetitions."""
    work(items[0])
    times: list[float] = []
    while sum(times) < seconds or len(times) < 3:
        start = time.perf_counter()
        work(items[len(times) % len(items)])
        times.append(time.perf_counter() - start)
    return count / float(np.median(times))


def sparse_problem(side: int) -> Any:
    """The Laplacian of a side x side grid with free borders, one pixel held so that it can be inverted."""
    from scipy.sparse import diags, identity, kron

    chain = diags([1.0] * (side - 1), 1) + diags([1.0] * (side - 1), -1)
    chain = chain - diags(np.asarray(chain.sum(axis=1)).ravel())
    matrix = (kron(identity(side), chain) + kron(chain, identity(side))).tolil()
    matrix[0, :] = 0
    matrix[0, 0] = 1
    return matrix.tocsc()


def speed(seconds: float, side: int = 128, batch: int = 32) -> None:
    """Print the rates and the ratios, measured in this run."""
    from scipy.sparse.linalg import splu, spsolve

    random = np.random.default_rng(0)
    photos = [random.integers(0, 256, (batch, side, side, 3), dtype=np.uint8) for _ in range(4)]
    steps = [
        (random.normal(size=(batch, side, side - 1)).astype(np.float32), random.normal(size=(batch, side - 1, side)))
        for _ in range(4)
    ]
    steps = [(dx, dy.astype(np.float32)) for dx, dy in steps]
    matrix = sparse_problem(side)
    factor = splu(matrix)

    def right_side(dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
        flow = np.pad(dx, ((0, 0), (1, 1))), np.pad(dy, ((1, 1), (0, 0)))
        b = (np.diff(flow[0], axis=1) + np.diff(flow[1], axis=0)).astype(np.float64).ravel()
        b[0] = 0
        return b

    ours = integrate(*steps[0])[0]
    theirs = factor.solve(right_side(steps[0][0][0], steps[0][1][0])).reshape(side, side)
    print(f"largest difference of the two solutions: {np.abs(ours - (theirs - theirs.mean())).max():.1e}")
    whole = rate(decompose, photos, batch, seconds)
    single = rate(decompose, [photo[0] for photo in photos], 1, seconds)
    fast = rate(lambda s: integrate(*s), steps, batch, seconds)
    ones = [(dx[0], dy[0]) for dx, dy in steps]
    direct = rate(lambda s: spsolve(matrix, right_side(*s)), ones, 1, seconds)
    again = rate(lambda s: factor.solve(right_side(*s)), ones, 1, seconds)
    print(f"decompose, {side} x {side}, {batch} at once: {whole:.0f} photos/s ({whole / RATE:.2f} of {RATE:.0f})")
    print(f"decompose, {side} x {side}, one at a time: {single:.0f} photos/s ({single / RATE:.2f} of {RATE:.0f})")
    print(f"Poisson alone, cosine transforms: {fast:.0f} photos/s")
    print(f"Poisson alone, scipy.sparse.linalg.spsolve: {direct:.1f} photos/s; ratio {fast / direct:.0f}")
    print(f"Poisson alone, splu factorised beforehand: {again:.1f} photos/s; ratio {fast / again:.1f}")


def quality(folder: Path, loo: bool) -> None:
    """Print the table of objects."""
    if not folder.is_dir():
        print(f"{folder} is not there: no LMSE")
        return
    things = {path.name: read(path) for path in sorted(folder.iterdir()) if (path / "mask.png").is_file()}
    rows = np.array([[*trivial(thing), score(thing)] for thing in things.values()])
    print(f"{'LMSE':12}{'all shading':>14}{'all reflectance':>17}{'retinex':>10}")
    for name, row in [*zip(things, rows, strict=True), ("mean", rows.mean(axis=0))]:
        print(f"{name:12}{row[0]:14.4f}{row[1]:17.4f}{row[2]:10.4f}")
    better = rows[:, :2].mean(axis=0).min()
    print(f"ratio to the better trivial answer: {rows[:, 2].mean() / better:.3f} (at most {BAR})")
    if loo:
        left = leave_one_out(things)
        print(f"leave one out, {len(GRID)} settings: {left:.4f}, ratio {left / better:.3f}")


def main() -> None:
    """Run both parts."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "mit-intrinsic"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=beside, help="folder of the MIT intrinsic images")
    parser.add_argument("--loo", action="store_true", help="leave-one-out choice of the thresholds")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each rate is measured")
    given = parser.parse_args()
    quality(given.data, given.loo)
    speed(given.seconds)


if __name__ == "__main__":
    main()
