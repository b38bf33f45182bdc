"""By how much scores get worse where every item is answered for another item's x: whether a model heeds x at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from zoo.contracts.metric import Metric
from zoo.data.pairs import Pairs
from zoo.measuring.scores import checked, named

NAME = "x_gain"


class XGain(Metric):
    """By how much the values of another metric are worse for samples of another item's x; above 0 where these are worse.

    Of samples that do not heed x, 0 is right on average: such a pool is as good for one item as for another. The larger it is
    beside the score itself, the more of the score is owed to x.
    """

    unit, better, source = "", "higher", "the test of independence by permutation: Good 2005, section 7.1"
    zero_at_least = True

    def __init__(self, of: Metric) -> None:
        self.sign = 1 if of.better == "lower" else -1
        self.unit = f"{of.unit}, worse for another x"  # type: ignore[misc]  # each has that of its metric

    def __call__(self, samples: Tensor, y: Tensor, **known: Any) -> Mapping[str, Tensor]:
        raise NotImplementedError("its values are differences of another metric's")


class Gain:
    """The values of metrics for the samples of another item's x, batch by batch.

    Every item has its partner, of another group (video, scene, photo), the same ones whatever the batches are: when the
    partner is sampled, its samples are measured against this item. So no samples are kept, or drawn, for that. Where no group
    has more items than the others together, no item is the partner of many.

    Attributes:
        skipped: why there are no gains, under ``x_gain``; empty where there are.
    """

    def __init__(self, pairs: Pairs, groups: Tensor | None, names: Sequence[str], seed: int) -> None:
        self.pairs, self.skipped = pairs, dict[str, str]()
        self.values = {name: torch.zeros(len(pairs), dtype=torch.float64) for name in names}
        self.suffix: dict[str, str] = {}
        self.partner = torch.full((len(pairs),), -1)
        codes = torch.arange(len(pairs)) if groups is None else groups
        if not names:
            return
        if int(codes.max()) == 0:
            alone = len(pairs) == 1
            reason = "there is one test item only" if alone else "all test items are of one video, scene or photo"
            self.skipped = {NAME: f"{reason}, so that there is no other x"}
            self.values = {}
            return
        self.partner = partners(codes, seed)

    def ask(self, name: str, metric: Metric, samples: Tensor, index: Tensor) -> None:
        """Measure ``samples`` (B, n, *y_shape) of the items ``index`` (B,), B in a row, against those they are partners of."""
        if name not in self.values:
            return
        first, size = int(index[0]), len(index)
        theirs = ((self.partner >= first) & (self.partner < first + size)).nonzero()[:, 0]
        for items in theirs.split(size):
            part = self.pairs.subset(items).to(samples.device)
            swapped = samples[(self.partner[items] - first).to(samples.device)]
            given = named(metric(swapped, part.y, x=part.x, pool=part.pool, index=items), name)
            if given:
                *_, self.suffix[name] = given
                self.values[name][items] = checked(given[self.suffix[name]], name, len(items))

    def made(self, name: str, metric: Metric, own: Mapping[str, Tensor]) -> dict[str, tuple[Metric, dict[str, Tensor]]]:
        """The gain of a metric with the items' ``own`` values, by the name of its score; empty where it has none."""
        suffix = self.suffix.get(name)
        if suffix is None:
            return {}
        gain = XGain(metric)
        return {f"{NAME}@{name}": (gain, {suffix: gain.sign * (self.values[name] - own[suffix])})}


def partners(codes: Tensor, seed: int) -> Tensor:
    """The item (N,) of another group for each of N items of groups 0..G-1 (two at least), in a random order of both.

    Groups stand in a circle: the first item of a group has the first after its group as partner, and so on, so that groups of
    the same size swap places, and single items are each other's partner once.
    """
    generator = torch.Generator().manual_seed(seed & (2**63 - 1))
    items = torch.randperm(len(codes), generator=generator)
    rank = torch.randperm(int(codes.max()) + 1, generator=generator)[codes[items]]
    place = rank.argsort(stable=True)
    items, rank = items[place], rank[place]
    sizes = torch.bincount(rank)
    start, size = (sizes.cumsum(0) - sizes)[rank], sizes[rank]
    at = torch.arange(len(codes))
    found = torch.empty_like(items)
    found[items] = items[(start + size + (at - start) % (len(codes) - size)) % len(codes)]
    return found
