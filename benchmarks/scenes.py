"""How many generated scenes a second: ``python benchmarks/scenes.py``.

Prints the rate of training fields (one light a scene) and of the lights of a pool, at 32 x 32, by the clock and by the
processor's time (what a machine with as many cores and nothing else to do would reach).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from zoo.data.cache import cores
from zoo_data.scenes import Scenes


def rate(count: int, work: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """Items a second, the best of a few runs: by the clock, and by processor time spread over all cores."""
    clock, processor = [], []
    for _ in range(repeats):
        start, spent = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - start)
        processor.append(time.process_time() - spent)
    return count / min(clock), count * cores() / min(processor)


def main() -> None:
    train = Scenes().read("train")
    few, draws = Scenes("256").read("train"), 32
    print(f"{cores()} cores, load {os.getloadavg()[0]:.1f}; a second by the clock (by processor time)")
    for name, count, work in (
        ("albedo and shading", Scenes.sizes[0], lambda: train.known("albedo", "shading")),
        ("value and saturation", Scenes.sizes[0], lambda: train.known("value", "saturation")),
        ("draws of shading", len(few) * draws, lambda: few.pool("shading", draws)),
        ("draws of saturation", len(few) * draws, lambda: few.pool("saturation", draws)),
    ):
        print("{:22} {:7.0f} ({:.0f})".format(name, *rate(count, work)))


if __name__ == "__main__":
    main()
