"""What a busy neighbour costs a fit, and what two benches side by side cost each other.

    python benchmarks/neighbours.py [--quick]

**Fit.** ``fit`` of cdvae-mdn12 on 512 pairs of 32 x 32, in a process of its own, alone and beside one process that keeps one
core busy; for each way in which the threads of the arithmetic may wait for each other: as the zoo has it (``import zoo``
before torch; as many threads as have a core when the fit begins), and with all cores as OpenMP comes (torch first) and
passively (``OMP_WAIT_POLICY=passive``), and with one thread. The ways take turns; the medians of the rounds are compared
with the fastest way alone. Bars: the zoo's way alone at most 1.05 of it, beside the neighbour at most 1.6.

**Benches.** Two benches of four short fits each: one after the other, and both at a time. Bar: at a time no slower.

Leaves with 1 where a bar is missed. Nothing else may run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ALONE, BESIDE, BENCHES = 1.05, 1.6, 1.0
FIT = """
import sys, time
if sys.argv[1] == "torch":
    import torch
import zoo
from zoo.contracts import make
import torch
g = torch.Generator().manual_seed(0)
pairs = zoo.Pairs(*(torch.rand(512, 1, 32, 32, generator=g) for _ in "xy"))
model = make.model("cdvae-mdn12", pairs.x_shape, pairs.y_shape)
model.fit(pairs, device="cpu", progress=False, steps=2)
start = time.monotonic()
model.fit(pairs, device="cpu", progress=False, steps=int(sys.argv[2]))
print(time.monotonic() - start)
"""
CORES = str(os.cpu_count())
WAYS: dict[str, tuple[str, dict[str, str]]] = {
    "zoo": ("zoo", {}),
    "openmp": ("torch", {"OMP_NUM_THREADS": CORES}),
    "passive": ("zoo", {"OMP_NUM_THREADS": CORES, "OMP_WAIT_POLICY": "passive"}),
    "one thread": ("zoo", {"OMP_NUM_THREADS": "1"}),
}
"""Which of zoo and torch is imported first, and what the environment says."""
OURS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def environment(**more: str) -> dict[str, str]:
    """That of this process, without what decides how threads wait."""
    return {key: value for key, value in os.environ.items() if key not in OURS} | more


def seconds_of_fit(way: str, steps: int) -> float:
    """How long one fit of so many steps takes, without the start of its process."""
    first, more = WAYS[way]
    command = [sys.executable, "-c", FIT, first, str(steps)]
    return float(subprocess.run(command, env=environment(**more), capture_output=True, text=True, check=True).stdout)


@contextlib.contextmanager
def neighbour() -> Iterator[None]:
    """Within it, another process keeps one core busy."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        busy.kill()
        busy.wait()


def fits(steps: int, rounds: int) -> bool:
    """Print how long a fit takes in each way; whether the zoo's keeps its bars."""
    alone: dict[str, list[float]] = {way: [] for way in WAYS}
    beside: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            alone[way].append(seconds_of_fit(way, steps))
            with neighbour():
                beside[way].append(seconds_of_fit(way, steps))
    best = min(map(statistics.median, alone.values()))
    print(f"fit of {steps} steps, alone and beside a busy process: seconds (multiple of the fastest alone)")
    for way in WAYS:
        times = [statistics.median(values[way]) for values in (alone, beside)]
        shown = "".join(f"{t:8.2f} ({t / best:4.2f})" for t in times)
        print(f"  {way:12}{shown}")
    ratios = statistics.median(alone["zoo"]) / best, statistics.median(beside["zoo"]) / best
    print(f"the zoo's way: {ratios[0]:.3f} alone (bar {ALONE}), {ratios[1]:.3f} beside a busy process (bar {BESIDE})")
    return ratios[0] <= ALONE and ratios[1] <= BESIDE


def benches(steps: int, rounds: int) -> bool:
    """Print how long two benches take one after the other and at a time; whether the second is no slower."""
    ratios = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:

            def start(name: str, place: str = place) -> subprocess.Popen[bytes]:
                words = (
                    f"bench --models cvae,cgan --tasks relight --data scenes:64 --seeds 2 -n 4 --items 8 --set steps={steps}"
                )
                command = [sys.executable, "-m", "zoo", *words.split(), "--out", str(Path(place) / name)]
                return subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

            assert start("warm").wait() == 0
            began = time.monotonic()
            assert [start(name).wait() for name in "ab"] == [0, 0]
            turn = time.monotonic()
            assert [process.wait() for process in [start(name) for name in "cd"]] == [0, 0]
            ratios.append((time.monotonic() - turn) / (turn - began))
    ratio = statistics.median(ratios)
    print(f"two benches at a time: {ratio:.3f} of the time that they take one after the other (bar {BENCHES})")
    return ratio <= BENCHES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="short fits, few rounds: to see that it works")
    quick = parser.parse_args().quick
    held = [fits(200, 1) if quick else fits(400, 3), benches(60, 1) if quick else benches(200, 3)]
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
