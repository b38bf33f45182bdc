"""The cost of the metrics: of those measured by default, each and together, beside sampling and beside scoringrules.

    python benchmarks/metrics.py [--items 200] [--samples 100] [--side 32] [--model cvae] [--rounds 3]

Items have one channel of ``side`` x ``side`` numbers. A model is made for these shapes and not fitted: what its samples cost
does not depend on that. Times are the least of the rounds, by the clock and by processor time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor

from zoo import registry
from zoo.contracts import make
from zoo.contracts.metric import Fitted, Metric, NotApplicable
from zoo.data.pairs import Pairs, Truth
from zoo.testing.subjects.metric import world

BAR, SHARE = 5.0, 0.1
DRAWS = 64
BATCH = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("--items", 200), ("--samples", 100), ("--side", 32), ("--rounds", 3)):
        parser.add_argument(option, type=int, default=default)
    parser.add_argument("--model", default="cvae")
    given = parser.parse_args()
    shape = (1, given.side, given.side)
    g = torch.Generator().manual_seed(0)
    y, samples = (torch.rand(given.items, *more, *shape, generator=g) for more in ((), (given.samples,)))
    pool = torch.rand(given.items, DRAWS, *shape, generator=g)
    modes = torch.randint(4, (given.items, 1 + DRAWS), generator=g)
    truth = Truth.of(modes[:, 1:], modes[:, 0], torch.full((given.items, 4), 0.25))
    pairs = Pairs(y, y, pool=pool, truth=truth)
    print(f"{given.items} x {given.samples} x {shape}, {torch.get_num_threads()} threads: seconds, those of processor time")
    whole = torch.zeros(2)
    for name, metric in measured(shape, pairs):
        times = torch.tensor([run(metric, samples, pairs) for _ in range(given.rounds)]).amin(0)
        whole += (2 if metric.gains else 1) * times
        print(f"{name:20} {times[0]:7.2f} {times[1]:7.2f}{'  twice, for x_gain' if metric.gains else ''}")
    print(f"{'together':20} {whole[0]:7.2f} {whole[1]:7.2f}  at most {BAR:g} s")
    model = make.model(given.model, shape, shape)
    model.fitted = True
    sampled = torch.tensor([timed(lambda: model.sample(y, given.samples, seed=0)) for _ in range(given.rounds)]).amin(0)
    share = whole / sampled
    print(f"{'samples of ' + given.model:20} {sampled[0]:7.2f} {sampled[1]:7.2f}")
    print(f"{'metrics over these':20} {share[0]:7.2f} {share[1]:7.2f}  at most {SHARE:g}")
    beside_scoringrules(samples[:20].flatten(2), y[:20].flatten(1), given.rounds)


def measured(shape: tuple[int, ...], pairs: Pairs) -> list[tuple[str, Metric]]:
    """The default metrics of samples that apply to a run with these pairs, by name."""
    found = []
    for name in registry.names("metrics"):
        metric = make.metric(name)
        if metric.opt_in or metric.needs == "joint_log_prob":
            continue
        run = world((1, 16, 16), (1, 16, 16), "photo")
        try:
            metric.prepare(Fitted(run.model, run.task, run.data, pairs, 0))
            metric(pairs.pool[:2, :3], pairs.y[:2], x=pairs.x[:2], pool=pairs.pool[:2], index=torch.arange(2))  # type: ignore[index]
        except Exception as error:  # what is of pictures, or of the model alone, is not of these numbers
            print(f"{name:20} left out: {error}" if not isinstance(error, NotApplicable) else f"{name:20} does not apply")
            continue
        found.append((name, metric))
    return found


def run(metric: Metric, samples: Tensor, pairs: Pairs) -> tuple[float, float]:
    """The seconds of one pass over all items, by the clock and of processor time."""

    def work() -> None:
        for index in torch.arange(len(pairs)).split(BATCH):
            part = pairs.subset(index)
            metric(samples[index[0] : index[-1] + 1], part.y, x=part.x, pool=part.pool, index=index)

    return timed(work)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """The seconds that work takes, by the clock and of processor time."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def beside_scoringrules(samples: Tensor, y: Tensor, rounds: int) -> None:
    """How many times as fast as scoringrules the energy score and CRPS are, by processor time."""
    try:
        import scoringrules
    except ImportError:
        print("scoringrules is not installed: pip install -e '.[dev]'")
        return
    double, true = samples.double().numpy(), y.double().numpy()
    energy, ranked = make.metric("energy_score"), make.metric("crps")
    contestants: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        ("energy_score", lambda: energy(samples, y), lambda: scoringrules.es_ensemble(true, double)),
        ("crps", lambda: ranked(samples, y), lambda: scoringrules.crps_ensemble(true, double, m_axis=1, estimator="fair")),
    ]
    for name, ours, theirs in contestants:
        theirs()  # which may compile
        mine, other = (min(timed(work)[1] for _ in range(rounds)) for work in (ours, theirs))
        print(f"{name:20} {mine:7.3f}  of {len(y)} items; scoringrules {other:.3f}, {other / mine:.0f} times as long")


if __name__ == "__main__":
    main()
