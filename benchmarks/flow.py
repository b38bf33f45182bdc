"""Samples of a flow and of an engression beside their bare networks; and what a hundred samples of one x cost.

    python benchmarks/flow.py [--side 32] [--rounds 5]

Models are made and not fitted: what their samples cost does not depend on that. ``sample(x, 100)`` of one x takes turns with
as many calls of the bare network, on as many rows at once, of a code and noise that are there already. What is left is the
encoding of x, the noise, the arithmetic of the solver, units, limits and checks. Leaves with 1 where samples come at less than
:data:`SHARE` of the network's speed, or take longer than they may (:data:`LIMITS`).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import torch

from zoo.contracts import make

SHARE = 0.7
LIMITS = {"flow": 2.0, "engression": 0.2}
"""Seconds, of 100 samples of one x with fields of 32 x 32 on two cores."""
SAMPLES = 100


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@torch.inference_mode()
def compared(name: str, side: int, rounds: int) -> tuple[float, float]:
    """The median seconds of 100 samples of one x, and of the calls of the bare network that they are made of."""
    model = make.model(name, (1, side, side), (1, side, side))
    model.fitted = True
    net, rows, calls = model.net.eval(), model.rows(), 1 if name == "engression" else 2 * model.solver_steps - 1
    x = torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(0))
    code = model.eval().encode(x)
    pieces = [min(rows, SAMPLES - i) for i in range(0, SAMPLES, rows)]

    def bare() -> None:
        for many in pieces:
            given = tuple(part.expand(many, *part.shape[1:]) for part in code)
            noise = torch.randn(many, *model.noise_shape())
            for _ in range(calls):
                net(noise, given) if name == "engression" else net(noise, torch.full((many,), 0.5), given)

    whole, alone = [], []
    for i in range(rounds + 1):
        whole.append(seconds(lambda i=i: model.sample(x, SAMPLES, seed=i)))
        alone.append(seconds(bare))
    return statistics.median(whole[1:]), statistics.median(alone[1:])  # the first round warms up


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("--side", 32), ("--rounds", 5)):
        parser.add_argument(option, type=int, default=default)
    given = parser.parse_args()
    held = True
    for name, limit in LIMITS.items():
        whole, alone = compared(name, given.side, given.rounds)
        held &= alone / whole >= SHARE and (whole <= limit or given.side != 32)
        print(f"{name}: {SAMPLES} samples in {whole:.2f} s, {alone / whole:.2f} of the speed of its bare network")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
