"""A metric's scores from the values of the items: with intervals, and how probable they are of a model that is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from zoo.contracts.metric import Metric, Score
from zoo.measuring.compare import paired, zero_by_chance
from zoo.utils.errors import ZooError, shown

RESAMPLED = 2**24
"""Values of resampled items held at once."""
BLOCKS = 1000
"""Items are left out in so many parts, at most, to see how much a score hangs on them."""
ENDS = (0.025, 0.975)


def bootstrap(
    values: Mapping[str, Tensor],
    metric: Metric,
    *,
    groups: Tensor | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Score]:
    """The scores that a metric makes of its ``values``, (N,) under each suffix, by suffix.

    Each has its percentile bootstrap interval (95 %), resampling items, the same ones for all suffixes. Items of the same
    of several ``groups``, (N,) whole numbers, are drawn together (:func:`zoo.measuring.compare.paired`). Where 0 is known to
    be right, or the least that is (:attr:`Metric.right_at_zero`, :attr:`Metric.zero_at_least`), it has its p-value, by the
    permutation test there. Both of these are made of what each item adds to the score (:func:`influence`).
    """
    if not values:
        return {}
    values = {suffix: value.double().cpu() for suffix, value in values.items()}
    scores = _reduced(metric, values)
    if groups is not None and (len({*groups.tolist()}) < 2 or any(len(value) != len(groups) for value in values.values())):
        groups = None  # of what another group would give nothing is known
    ends: Mapping[str, tuple[float, float]]
    p_values: Mapping[str, float] = {}
    tested = metric.right_at_zero or metric.zero_at_least
    if groups is None:
        ends = _percentiles(metric, values, resamples, seed)
        if tested:
            together = None if type(metric).reduce is Metric.reduce else blocks(items_of(values))
            p_values = dict(zip(scores, zero_by_chance([*influence(values, metric).values()], groups=together), strict=True))
    else:
        parts = influence(values, metric, groups)
        together = groups if type(metric).reduce is Metric.reduce else blocks(len(groups), groups)
        found = {suffix: paired(part, torch.zeros_like(part), groups=together) for suffix, part in parts.items()}
        ends = {
            key: (one.low - one.value + float(scores[key]), one.high - one.value + float(scores[key]))
            for key, one in found.items()
        }
        p_values = {suffix: one.p for suffix, one in found.items()} if tested else {}
    made = {}
    for suffix, score in scores.items():
        value, (low, high), p, departure = score.item(), ends[suffix], p_values.get(suffix), None
        if p is not None and metric.zero_at_least:  # below zero there is nothing to find
            p = p / 2 if value > 0 else 1 - p / 2
        if metric.right_at_zero:
            departure, value, low, high = value, abs(value), max(low, -high, 0.0), max(-low, high)
        made[suffix] = Score(value, low, high, metric.unit, metric.better, departure, p)
    return made


def influence(values: Mapping[str, Tensor], metric: Metric, groups: Tensor | None = None) -> dict[str, Tensor]:
    """The part of each item in the scores of a metric: (N,) under each suffix of them, with the score as mean, almost.

    Of a score that is a mean these are the values themselves. Of others they are the pseudo-values of the jackknife (Efron and
    Tibshirani 1993, chapter 11), of items of one group together: of h equal parts h times the score less h - 1 times the
    score without this part, so that their mean has the score's spread.
    """
    if type(metric).reduce is Metric.reduce:
        return dict(values)
    items = items_of(values)
    codes = blocks(items, groups)
    order, sizes = codes.argsort(stable=True), torch.bincount(codes)
    starts = sizes.cumsum(0) - sizes
    scores = _reduced(metric, values)
    if len(sizes) == 1:
        return {suffix: score.expand(items) for suffix, score in scores.items()}
    parts = {suffix: torch.zeros(len(sizes), dtype=torch.float64) for suffix in scores}
    for size in sizes.unique().tolist():
        places = torch.arange(items - size)
        for some in (sizes == size).nonzero()[:, 0].split(max(1, RESAMPLED // (items * len(values)))):
            rows = order[places + size * (places >= starts[some][:, None])]
            left = _reduced(metric, {suffix: value[rows] for suffix, value in values.items()})
            for suffix, score in scores.items():
                parts[suffix][some] = items / size * score - (items / size - 1) * left[suffix]
    return {suffix: part[codes] for suffix, part in parts.items()}


def items_of(values: Mapping[str, Tensor]) -> int:
    """How many items the values are of."""
    return len(next(iter(values.values())))


def blocks(items: int, groups: Tensor | None = None) -> Tensor:
    """The number of the block, (N,), that each item is left out with: its group's, or more than one group's if they are many.

    Items of one block have one part in a score that is no mean, so that they count as one wherever that is tested.
    """
    codes = torch.arange(items) if groups is None else torch.unique(groups, return_inverse=True)[1]
    return codes % BLOCKS


def group_codes(names: Sequence[str]) -> Tensor | None:
    """(N,) int64, the number of what each item is of; None where each stands alone."""
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return torch.tensor([numbers[name] for name in names]) if len(numbers) < len(names) else None


def named(given: Any, metric: str) -> Mapping[str, Tensor]:
    """``given``, seen to be a mapping from suffixes, as a metric gives it."""
    if not (isinstance(given, Mapping) and all(isinstance(suffix, str) for suffix in given)):
        raise ZooError(f"metric {metric!r} gave {shown(given)}; it must be values by name")
    return given


def checked(value: Any, metric: str, items: int) -> Tensor:
    """``value``, (items,) float64 on the CPU, seen to be one finite number an item."""
    if not isinstance(value, Tensor):
        raise ZooError(f"metric {metric!r} gave {shown(value)}; it must be a tensor of one number an item")
    if tuple(value.shape) != (items,):
        raise ZooError(f"metric {metric!r} gave values of shape {tuple(value.shape)} for {items} items")
    if not torch.isfinite(value).all():
        raise ZooError(f"metric {metric!r} gave a value that is not a finite number")
    return value.double().cpu()


def _percentiles(metric: Metric, values: Mapping[str, Tensor], resamples: int, seed: int) -> dict[str, tuple[float, float]]:
    """The ends of the interval of each score, by resampling single items."""
    items = items_of(values)
    generator = torch.Generator().manual_seed(seed)
    drawn: dict[str, list[Tensor]] = {}
    for _ in range(0, resamples, 200):
        index = torch.randint(items, (200, items), generator=generator)
        for rows in index.split(max(8, RESAMPLED // (items * len(values)))):
            for suffix, score in _reduced(metric, {suffix: value[rows] for suffix, value in values.items()}).items():
                drawn.setdefault(suffix, []).append(score)
    ends = torch.tensor(ENDS, dtype=torch.float64)
    return {suffix: tuple(torch.cat(scores).quantile(ends).tolist()) for suffix, scores in drawn.items()}


def _reduced(metric: Metric, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The scores that a metric makes of values (..., N): a finite number of each set of N items, (...), under each suffix."""
    name, sets = type(metric).__name__, next(iter(values.values())).shape[:-1]
    given = named(metric.reduce(values), name)
    for score in given.values():
        if not (isinstance(score, Tensor) and score.shape == sets and torch.isfinite(score).all()):
            raise ZooError(f"reduce of metric {name!r} must give a tensor of one finite number a set of items, and did not")
    return {suffix: score.double() for suffix, score in given.items()}
