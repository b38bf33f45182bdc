"""The numbers in the figures of a report: ranks of the truth, spread against error, and scores over n.

All of it is taken batch by batch where the samples are, and only sums over items, or two numbers an item, are kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from zoo.data.pairs import Pairs

COUNTS = (1, 3, 10, 30, 60, 100)
"""Numbers of samples that scores are shown at."""
BINS, GROUPS = 10, 8
"""Bars of a histogram of ranks; groups of items by their spread."""
WAYS, SEED = 16, 0
"""Random projections of y whose ranks are counted, and the seed of their directions."""
NUMBERS = 2**23
"""Numbers of reference answers held at once (32 MB)."""


class Shape:
    """The figures of one model's samples: :meth:`add` each batch, then ask for what was :meth:`told`."""

    def __init__(self) -> None:
        self.curves = Curves()
        self.items, self.bars, self.squares = 0, torch.zeros(2, BINS).double(), torch.zeros(2, BINS).double()
        self.spread: list[Tensor] = []
        self.error: list[Tensor] = []

    def add(self, samples: Tensor, y: Tensor) -> None:
        """Take in samples (B, n, *y_shape) of B items and their truth (B, *y_shape)."""
        off = samples.flatten(2) - y.flatten(1)[:, None]
        n = off.shape[1]
        self.items += len(y)
        bars = ranks(off)
        self.bars += bars.sum(0)
        self.squares += bars.square().sum(0)
        self.spread.append((off.var(1, correction=min(1, n - 1)).double().mean(1) * (n + 1) / n).cpu())
        self.error.append(off.mean(1).double().square().mean(1).cpu())
        self.curves.add(off)

    def told(self) -> dict[str, Any]:
        """Plain values for ``metrics.json``.

        ``ranks`` has the share of items in each bar, with half its 95 % interval, of y's mean (``level``) and of its random
        projections (``pattern``); ``spread_skill`` of items in groups by rising spread the spread of the samples, the error
        of their mean and the number of items; ``curves`` as :meth:`Curves.told`.
        """
        mean = self.bars / self.items
        half = 1.96 * ((self.squares / self.items - mean.square()).clamp_min(0) / self.items).sqrt()
        ranked = {kind: {"share": mean[i].tolist(), "half": half[i].tolist()} for i, kind in enumerate(("level", "pattern"))}
        spread, error = torch.cat(self.spread), torch.cat(self.error)
        groups = spread.argsort().chunk(min(GROUPS, max(1, self.items // 5)))
        points = [[spread[g].mean().sqrt().item(), error[g].mean().sqrt().item(), len(g)] for g in groups]
        return {"items": self.items, "ranks": ranked, "spread_skill": points, "curves": self.curves.told()}


class Curves:
    """Error of the best, and the energy score, of the first k samples: sums over items, at each k."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.items, self.sums, self.squares = 0, torch.zeros(0), torch.zeros(0)

    def add(self, off: Tensor) -> None:
        """Take in samples less the truth, (B, n, D)."""
        if not self.items:
            self.counts = counts_of(off.shape[1])
            self.sums = self.squares = torch.zeros(2, len(self.counts), dtype=torch.float64)
        values = scores(off, self.counts)
        self.items += len(off)
        self.sums, self.squares = self.sums + values.sum(0), self.squares + values.square().sum(0)

    def told(self) -> dict[str, Any]:
        """``counts``, and of each score at each of them ``[mean, half its 95 % interval]``."""
        mean = self.sums / self.items
        half = 1.96 * ((self.squares / self.items - mean.square()).clamp_min(0) / self.items).sqrt()
        of = zip(("error_of_best", "energy_score"), torch.stack([mean, half], 2).tolist(), strict=True)
        return {"counts": self.counts, **dict(of)}


def counts_of(n: int) -> list[int]:
    """Those of COUNTS that n samples reach, and n itself where it is less than the last."""
    return sorted({k for k in COUNTS if k <= n} | ({n} if n < COUNTS[-1] else set()))


def scores(off: Tensor, counts: list[int]) -> Tensor:
    """The error of the best and the energy score of the first k samples less the truth, (B, n, D): (B, 2, K) float64.

    The energy score is that of k samples as they are, 1/k sum |Y - y| - 1/(2 k^2) sum |Y - Y'|, so that it falls with k as
    more of the distribution is there; the metric of that name takes off what few samples cost.
    """
    off = off[:, : counts[-1]]
    n, size = off.shape[1:]
    among = torch.cdist(off, off, compute_mode="donot_use_mm_for_euclid_dist" if n < 25 else "use_mm_for_euclid_dist")
    within = among.double().cumsum(1).cumsum(2).diagonal(dim1=1, dim2=2)
    k = torch.arange(1, n + 1, dtype=torch.float64, device=off.device)
    far = off.double().square().sum(2)
    energy = (far.sqrt().cumsum(1) / k - within / (2 * k.square())) / size**0.5
    best = far.cummin(1).values / size
    return torch.stack([best, energy], 1)[..., torch.tensor(counts, device=off.device) - 1].cpu()


def ranks(off: Tensor) -> Tensor:
    """The share of each bar that the rank of y fills, by samples less the truth (B, n, D): (B, 2, BINS) float64.

    A rank r of n + 1 fills what lies between r / (n + 1) and (r + 1) / (n + 1), and equal ones all that they cover, so that
    the histogram of right samples is flat for every n. The first is of the mean of y, the second of its projections.
    """
    n, size = off.shape[1:]
    ways = torch.randn(WAYS, size, generator=torch.Generator().manual_seed(SEED), dtype=off.dtype)
    seen = off @ torch.cat([torch.ones_like(ways[:1]), ways]).to(off.device).T
    low = (seen < 0).sum(1).double()
    high = low + (seen == 0).sum(1) + 1
    edges = torch.linspace(0, n + 1, BINS + 1, dtype=torch.float64, device=off.device)
    filled = ((edges - low[..., None]) / (high - low)[..., None]).clamp(0, 1).diff(dim=-1).cpu()
    return torch.stack([filled[:, 0], filled[:, 1:].mean(1)], 1)


@torch.no_grad()
def references(test: Pairs, train: Pairs | None, most: int, seed: int = 0) -> dict[str, Any]:
    """The curves of answers that need no model, by name: ``random``, training fields drawn at random for each item,
    ``mean``, that of the training fields, which is one answer, and ``true draws`` where the data has them.
    """
    answers: dict[str, Curves] = {}
    generator = torch.Generator().manual_seed(seed)
    most = min(most, COUNTS[-1])
    step = max(1, NUMBERS // (most * math.prod(test.y_shape)))
    mean = None if train is None else train.y.mean(0).flatten()
    for start in range(0, len(test), step):
        y = test.y[start : start + step].flatten(1)
        given: dict[str, Tensor] = {}
        if train is not None and mean is not None:
            drawn = torch.randint(len(train), (len(y), most), generator=generator)
            given = {"random": train.y[drawn].flatten(2), "mean": mean.expand(len(y), 1, -1)}
        if test.pool is not None and test.pool.shape[1]:
            given["true draws"] = test.pool[start : start + step, :most].flatten(2)
        for name, samples in given.items():
            answers.setdefault(name, Curves()).add(samples - y[:, None])
    return {name: curves.told() for name, curves in answers.items()}


def figures(shape: Shape, test: Pairs, train: Pairs | None, n: int, seed: int) -> Mapping[str, Any]:
    """All that the figures of a report show, as plain values."""
    return {**shape.told(), "references": references(test, train, n, seed)}
