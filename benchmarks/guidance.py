"""How time and memory of embedding guidance grow with the number of images.

    python benchmarks/guidance.py [--items 5000 10000 20000 40000 80000]

Each size runs in a process of its own, and on one thread: there the processor's time, which the bar is for, is the clock's on
a machine with nothing else to do. The features are those of COCO: 32 x 32 smooth pixels with a 1/f spectrum, and the label
shares and layout that :mod:`zoo_tasks.photo` makes of 80 labels (2080 columns), dense float32. Leaves with 1 where 80,000
images take more than :data:`MEMORY` GB in the whole process, features and imports included, or where the time from 10,000 to
80,000 grows by more than N log N with :data:`TOLERANCE`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# The parent imports nothing heavy: on Linux a process's peak memory starts from that of the one that started it.

MEMORY = 4.0
"""GB (10^9 bytes) at the largest size."""
TOLERANCE = 1.15
"""For caches, which hold the vectors of 10,000 images but not those of 80,000."""
CATEGORIES, SIDE, CODES = 80, 32, (64, 32)


def features(items: int) -> tuple[Tensor, Tensor]:
    """Pixels (N, 1, 32, 32) and guide (N, 2080), as ``Pairs`` would hold them."""
    import numpy as np
    import torch

    from zoo.data.records import Annotation
    from zoo_tasks.photo import guide

    random = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    filter_ = 1 / np.maximum(frequency, 1 / SIDE)
    pixels = np.empty((items, 1, SIDE, SIDE), np.float32)
    for i in range(0, items, 4096):
        noise = random.normal(size=(min(4096, items - i), SIDE, SIDE))
        smooth = np.fft.irfft2(np.fft.rfft2(noise) * filter_, s=(SIDE, SIDE))
        pixels[i : i + 4096, 0] = np.clip(0.5 + 0.25 * smooth / smooth.std(), 0, 1)
    share = 1 / np.arange(1, CATEGORIES + 1)  # a few labels are in most images, most in few
    annotations = []
    for count in random.poisson(7, items):
        labels = random.choice(CATEGORIES, count, p=share / share.sum())
        start = random.uniform(0, 0.8, (count, 2))
        size = random.uniform(0.05, 1, (count, 2)) * (1 - start)
        annotations.append(Annotation(boxes=np.concatenate([start, size], 1).astype(np.float32), labels=labels))
    return torch.from_numpy(pixels), guide(annotations, CATEGORIES)


def measure(items: int) -> dict[str, float]:
    """Seconds by the clock and of the processor, and the peak memory in GB before and after."""
    import faiss  # noqa: F401  # imported beforehand, so that no import is timed
    import scipy.linalg
    import scipy.sparse  # noqa: F401

    from zoo_networks.lpp import Embedding

    pixels, guide = features(items)
    embedding = Embedding(pixels[0].numel() + guide.shape[1], CODES)
    before, clock, processor = peak(), time.perf_counter(), time.process_time()
    embedding.fit(pixels, guide, seed=0)
    taken = {"clock": time.perf_counter() - clock, "processor": time.process_time() - processor}
    assert embedding.projection.isfinite().all()
    assert embedding.projection.abs().sum(0).gt(0).all()
    return {"items": items, **taken, "before": before, "peak": peak()}


def peak() -> float:
    """The most memory this process has held so far, in GB."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def slope(rows: list[dict[str, float]], kind: str) -> float:
    """The exponent e of the best fit of time to (N log N)^e."""
    at = [math.log(r["items"] * math.log(r["items"])) for r in rows]
    took = [math.log(r[kind]) for r in rows]
    middle, level = sum(at) / len(at), sum(took) / len(took)
    return sum((a - middle) * (t - level) for a, t in zip(at, took, strict=True)) / sum((a - middle) ** 2 for a in at)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[5_000, 10_000, 20_000, 40_000, 80_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one)))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'images':>8}{'clock s':>10}{'processor s':>13}{'features GB':>13}{'peak GB':>9}")
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    rows: list[dict[str, float]] = []
    for items in sorted(given.items):
        command = [sys.executable, __file__, "--one", str(items)]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=alone).stdout
        rows.append(row := json.loads(out.splitlines()[-1]))
        print("{items:8.0f}{clock:10.1f}{processor:13.1f}{before:13.2f}{peak:9.2f}".format(**row), flush=True)
    failed = False
    if len(rows) > 1:
        for kind in ("clock", "processor"):
            print(f"{kind}: grows as (N log N)^{slope(rows, kind):.2f}")
    by = {int(row["items"]): row for row in rows}
    if {10_000, 80_000} <= by.keys():
        limit = TOLERANCE * 8 * math.log(80_000) / math.log(10_000)
        for kind in ("clock", "processor"):
            print(f"{kind}, 80,000 to 10,000: {by[80_000][kind] / by[10_000][kind]:.1f} x (at most {limit:.1f})")
        failed |= by[80_000]["processor"] > limit * by[10_000]["processor"]
    if 80_000 in by:
        print(f"memory at 80,000: {by[80_000]['peak']:.2f} GB (at most {MEMORY:.0f})")
        failed |= by[80_000]["peak"] > MEMORY
    sys.exit(failed)


if __name__ == "__main__":
    main()
