"""Sampling from a PixelCNN with remembered activations, beside the whole network over the whole field for each value.

    python benchmarks/pixelcnn.py [--quick]

cpixel at 32 x 32, its default sizes, fitted for a few steps to scenes so that its softmaxes are uneven. Both ways draw the
same number of samples for the same x and seed, taking turns; they must be the same numbers to the bit, and the ratio of the
rates must be at least 15. The slow way is timed a second time in float32, which is not what it needs to draw the same
numbers but what one would take otherwise. Then what 100 and 1000 samples of one x take at their peak, each in a process of
its own, beside what the same process holds before it draws and beside the samples: it must be below 0.2 GB. The rate of 100
samples an x is printed too. Leaves with 1 where any of it fails.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import torch
from fit import pairs_of
from torch import Tensor

from zoo import Model
from zoo.contracts import make
from zoo_cpixel import PixelCNN

SPEED, MEMORY, SIZE = 15.0, 0.2, 32
"""The least ratio; GB beside the result; the side of the fields."""


def model_of(steps: int) -> tuple[PixelCNN, Tensor]:
    """A model, and two x of scenes it has not seen."""
    pairs = pairs_of(256)
    model = make.model("cpixel", pairs.x_shape, pairs.y_shape)
    model.fit(pairs.subset(torch.arange(254)), device="cpu", steps=steps, progress=False)
    assert isinstance(model, PixelCNN)
    return model, pairs.x[-2:]


def seconds(work: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """Processor time of the work, which says more than the clock on a busy machine, and what it made."""
    began = time.process_time()
    made = work()
    return time.process_time() - began, made


def peak(n: int) -> None:
    """Print what drawing n samples of one x takes at its peak beside them, in GB: for a process of its own.

    The process is watched from a thread: the peak that the system keeps may be the parent's, from before the start.
    """
    import psutil

    model: Model = make.model("cpixel", (1, SIZE, SIZE), (1, SIZE, SIZE))
    model.fitted = True
    x = torch.rand(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    model.sample(x, 1, seed=0)  # libraries are loaded on first use
    own, done, seen = psutil.Process(), threading.Event(), [0]

    def watch() -> None:
        while not done.wait(0.005):
            seen[0] = max(seen[0], own.memory_info().rss)

    before = own.memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    made = model.sample(x, n, seed=0)
    done.set()
    watcher.join()
    print((seen[0] - before - made.numel() * made.element_size()) / 1e9)


def memory(n: int) -> float:
    """What :func:`peak` prints in another process."""
    done = subprocess.run([sys.executable, __file__, "--peak", str(n)], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


@torch.no_grad()
def whole_network_single(model: PixelCNN, n: int, passes: int = 20) -> float:
    """Seconds that n samples by the slow way would take in float32, from some of its passes through the network."""
    seen, condition = torch.rand(n, 1, SIZE, SIZE), torch.rand(n, model.config.condition, SIZE, SIZE)
    taken, _ = seconds(lambda: [model.stacks(seen, condition) for _ in range(passes)][-1])
    return taken / passes * SIZE**2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, and fewer samples")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peak:
        peak(given.peak)
        return
    rounds, n = (1, 2) if given.quick else (2, 8)
    print(f"{torch.get_num_threads()} threads, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    model, x = model_of(20 if given.quick else 100)
    one = x[:1]
    model.sample(one, n, seed=0)  # warms up
    ratios, fast_rates, slow_rates, failed = [], [], [], False
    for seed in range(rounds):
        fast, cached = seconds(lambda seed=seed: model.sample(one, n, seed=seed))
        slow, whole = seconds(lambda seed=seed: model.sample_naive(one, n, seed=seed))
        failed |= not torch.equal(cached, whole)
        ratios.append(slow / fast)
        fast_rates.append(n / fast)
        slow_rates.append(n / slow)
    ratio = statistics.median(ratios)
    many, _ = seconds(lambda: model.sample(x, 100, seed=0))
    single = whole_network_single(model, n)
    print(f"{n} samples: {statistics.median(fast_rates):.1f}/s remembered, {statistics.median(slow_rates):.3f}/s by the whole")
    print(f"ratio {ratio:.0f}; the same samples: {'no' if failed else 'yes'}")
    print(f"the whole network in float32: {n / single:.3f}/s; ratio {statistics.median(fast_rates) * single / n:.0f}")
    print(f"100 samples of each of 2 x: {200 / many:.1f}/s, {many / 200 / SIZE**2 * 1e6:.2f} us a pixel")
    few, lots = memory(100), memory(1000)
    print(f"beside the result: {few:.3f} GB for 100 samples, {lots:.3f} GB for 1000")
    sys.exit(failed or ratio < SPEED or max(few, lots) > MEMORY)


if __name__ == "__main__":
    main()
