"""Many samples at once beside one after another: how much faster, whether from the same distribution, in how much memory.

    python benchmarks/sample.py [--quick]

cdvae-mdn12 at 32 x 32, trained a little on scenes so that its samples differ. ``sample(x, 100)`` takes turns with a hundred
``sample(x, 1)`` of other seeds, for one x and for eight; the ratio must be at least 20 for one x. Then a pool drawn at once is
compared with one drawn a sample at a time: Kolmogorov-Smirnov tests on random projections (Bonferroni's correction) and a
permutation test of the energy distance. The same tests must notice a pool whose spread is :data:`NARROW` of it. Last, what
100,000 samples take beside the result itself. Leaves with 1 where any of it fails.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

import torch
from fit import pairs_of
from torch import Tensor

from zoo import Model
from zoo.contracts import make

SPEED, LEVEL, NARROW, MEMORY = 20.0, 0.01, 0.6, 0.5
"""The least ratio; the p below which two pools differ; the spread that must be noticed; GB beside the result."""
PROJECTIONS, PERMUTATIONS = 64, 499


def trained(steps: int) -> tuple[Model, Tensor]:
    """A model, and eight x of scenes it has not seen."""
    pairs = pairs_of(1024)
    seen = pairs.subset(torch.arange(len(pairs) - 8))
    model = make.model("cdvae-mdn12", pairs.x_shape, pairs.y_shape)
    model.fit(seen, device="cpu", steps=steps, progress=False)
    return model, pairs.x[-8:]


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def one_by_one(model: Model, x: Tensor, n: int, first: int = 0) -> Tensor:
    """n samples for each x, each from a call of its own."""
    return torch.cat([model.sample(x, 1, seed=first + i) for i in range(n)], 1)


def speed(model: Model, x: Tensor, rounds: int) -> float:
    """Print the rates for this batch; how many times faster samples come together."""
    together, apart = [], []
    for i in range(rounds + 1):
        together.append(seconds(lambda i=i: model.sample(x, 100, seed=i)))
        apart.append(seconds(lambda i=i: one_by_one(model, x, 100, 100 * i)))
    ratio = statistics.median(b / a for a, b in zip(together[1:], apart[1:], strict=True))  # the first round warms up
    rates = [100 * len(x) / statistics.median(times[1:]) for times in (together, apart)]
    print(f"{len(x)} x: {rates[0]:.0f} samples/s together, {rates[1]:.0f} one by one; ratio {ratio:.1f}")
    return ratio


def p_projections(a: Tensor, b: Tensor) -> float:
    """Of the hypothesis that two pools (N, D) have one distribution, by random projections."""
    from scipy.stats import ks_2samp

    directions = torch.randn(a.shape[1], PROJECTIONS, generator=torch.Generator().manual_seed(0))
    seen = zip((a @ directions).T.numpy(), (b @ directions).T.numpy(), strict=True)
    return min(1.0, PROJECTIONS * min(ks_2samp(first, second).pvalue for first, second in seen))


def p_energy(a: Tensor, b: Tensor) -> float:
    """Of the same hypothesis, by the energy distance and permutations of who belongs to which pool."""
    both, n = torch.cat([a, b]), len(a)
    distance = torch.cdist(both, both)
    generator = torch.Generator().manual_seed(1)
    orders = [torch.arange(2 * n)] + [torch.randperm(2 * n, generator=generator) for _ in range(PERMUTATIONS)]
    sign = torch.stack([torch.where(order < n, 1.0, -1.0) for order in orders], 1)
    statistic = -(sign * (distance @ sign)).sum(0)  # 2 E|A - B| - E|A - A'| - E|B - B'|, up to a factor
    return float((statistic >= statistic[0]).float().mean())


def memory(model: Model, x: Tensor, n: int) -> float:
    """GB that drawing n samples takes at its peak, beside the samples."""
    import resource

    import psutil

    before = psutil.Process().memory_info().rss
    made = model.sample(x, n, seed=0)
    unit = 1 if sys.platform == "darwin" else 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return (most - before - made.numel() * made.element_size()) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter training, smaller pools, fewer rounds")
    quick = parser.parse_args().quick
    print(f"{torch.get_num_threads()} threads, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    model, x = trained(100 if quick else 400)
    one, rounds, size = x[:1], 5 if quick else 15, 1000 if quick else 2000
    extra = memory(model, one, 100_000)
    failed = speed(model, one, rounds) < SPEED
    speed(model, x, rounds)
    pool, other = (made[0].flatten(1) for made in (model.sample(one, size, seed=10**6), one_by_one(model, one, size)))
    narrow = other.mean(0) + NARROW * (other - other.mean(0))
    print(f"spread of the pool: {pool.std(0).mean():.3f}")
    for name, test in (("projections", p_projections), ("energy distance", p_energy)):
        same, control = test(pool, other), test(pool, narrow)
        print(f"{name}, {size} and {size} samples: p = {same:.3f}; a spread {NARROW} of it: p = {control:.1e}")
        failed |= same < LEVEL or control >= LEVEL
    print(f"100,000 samples take {extra:.2f} GB beside the {100_000 * 4 * pool.shape[1] / 1e9:.2f} GB they are")
    sys.exit(failed or extra > MEMORY)


if __name__ == "__main__":
    main()
