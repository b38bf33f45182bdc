"""Rows of a table compared on the same test items: by how much they differ, and whether chance alone gives as much.

Two models that answer the same questions are compared question by question: what is hard for both drops out of the
difference. Items of one video, scene or photo are not independent of each other, so that they are drawn together, and
each fit of a model is a draw too. Sources: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 8 and
15; Clark, The language-as-fixed-effect fallacy (1973), for seeds and items together; Hesterberg, What teachers should
know about the bootstrap (2015), section 5.3, for few items; Phipson and Smyth (2010), for p-values that are never zero;
Holm, A simple sequentially rejective multiple test procedure (1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from zoo.measuring.draws import RESAMPLES, Difference, Differences, Row, Rows
from zoo.utils.bounds import whole

LEVEL = 0.05


def paired(
    a: Row,
    b: Row,
    *,
    groups: Row | None = None,
    among: Sequence[Row] = (),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """The difference ``a - b`` of the values of two rows on the same items.

    The interval is a percentile bootstrap over items (over ``groups``), stretched to Student's t for there being few. With
    several seeds what these differ by more than their items do is added, by Student's t too; p is then that at which the
    interval ends at zero. Of one seed p is that of a permutation test: the sign of each group's difference is as good as
    the other one; all signs are tried where they are few.

    Args:
        a: (N,); (S, N) for S seeds on the same items; or S tensors (N_s,) for seeds with items of their own.
        b: the same of the other row: the same seeds and items in the same order.
        groups: what each item is of, where several are of one video, scene or photo: whole numbers (N,), or S such
            tensors where ``a`` is; None where each stands alone.
        among: the further rows of their table, of the same seeds and items, from which how much a row varies with the seed is
            told too, where there are at least two (:func:`zoo.measuring.seeds.moderate`).
        resamples: how many are drawn.
        seed: of the draws.

    Raises:
        RequestError: the two are not of the same form, or hold a number that is not finite.

    Examples:
        >>> hard = torch.arange(20.0)
        >>> a, b = hard + torch.tensor([0.5, 0.7]).repeat(10), hard
        >>> difference = paired(a, b)
        >>> f"{difference.value:.2f} in [{difference.low:.2f}, {difference.high:.2f}], p below 0.001: {difference.p < 0.001}"
        '0.60 in [0.5..., 0.6...], p below 0.001: True'
    """
    rows = Rows([a, b, *among], groups)
    return Differences(rows, [(0, 1)], whole(resamples, "resamples", 100), seed, alike=bool(among)).of(0)


def zero_by_chance(rows: Sequence[Tensor], *, groups: Tensor | None = None, seed: int = 0) -> list[float]:
    """The p-values (K,) of the means of K rows, (N,) values of the same items, being 0: that of :func:`paired` with zeros.

    All are found from the same draws.

    Examples:
        >>> near = torch.tensor([0.25, -0.25]).repeat(10)
        >>> [p > 0.9 for p in zero_by_chance([near, near + 1])]
        [True, False]
    """
    pairs = [(i, len(rows)) for i in range(len(rows))]
    found = Differences(Rows([*rows, torch.zeros_like(rows[0])], groups), pairs, RESAMPLES, seed)
    return [float(p) for p in found.p_values]


def departures(values: Mapping[str, Tensor], *, groups: Row | None = None, seed: int = 0) -> dict[str, Difference]:
    """How far the mean of each of ``values``, (N,) by name and of the same items, is from 0, as :func:`paired` tells it.

    Raises:
        RequestError: as :func:`paired`.

    Examples:
        >>> found = departures({"a": torch.tensor([0.5, 0.7]).repeat(10), "b": torch.tensor([1.0, -1.0]).repeat(10)})
        >>> found["a"].p < 0.001, found["b"].p
        (True, 1.0)
    """
    if not values:
        return {}
    rows = [*values.values()]
    pairs = [(i, len(rows)) for i in range(len(rows))]
    differences = Differences(Rows([*rows, torch.zeros_like(rows[0])], groups), pairs, RESAMPLES, seed)
    return {name: differences.of(i) for i, name in enumerate(values)}


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values (K,) of K tests, corrected for being so many, in the same order (Holm 1979).

    That the smallest is at most 0.05 has a probability of at most 5 % where there is nothing to find, however the tests
    depend on each other.

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    corrected, most = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        most = max(most, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = most
    return corrected


def tied_with_best(
    rows: Mapping[str, Row],
    better: Literal["lower", "higher"],
    *,
    groups: Row | None = None,
    level: float = LEVEL,
    seed: int = 0,
) -> set[str]:
    """The row with the best mean, and all whose difference from it may be chance.

    Each two rows are compared as by :func:`paired` ``among`` all rows, since three seeds of two rows tell next to nothing of
    how much a row varies with the seed. The p-values are corrected by
    :func:`holm` for all pairs: which row comes out as the best is chance too. So where no row is better than another, one is
    left out in about 5 of 100 tables at most.

    Args:
        rows: the values of each by name, all of the same seeds and items; ``groups`` and ``seed`` as for :func:`paired`.
        better: the direction of the metric.
        level: the probability of a difference that is none.

    Raises:
        RequestError: as :func:`paired`.

    Examples:
        >>> hard = torch.arange(20.0)
        >>> near = hard + torch.tensor([0.1, -0.1]).repeat(10)
        >>> sorted(tied_with_best({"a": hard, "b": near, "c": hard + 1}, "lower"))
        ['a', 'b']
    """
    names = list(rows)
    if len(names) < 2:
        return set(names)
    of = Rows(list(rows.values()), groups)
    pairs = list(combinations(range(len(names)), 2))
    resamples = max(RESAMPLES, 100 * len(pairs))  # so many that the smallest p is one after the correction
    found = Differences(of, pairs, resamples, seed, alike=True).p_values
    means = np.mean([values.mean(1) for values in of.seeds], axis=0)
    first = int(means.argmin() if better == "lower" else means.argmax())
    corrected = zip(pairs, holm(found.tolist()), strict=True)
    return {names[first]} | {names[i + j - first] for (i, j), p in corrected if first in (i, j) and p > level}


def surpassed(
    rows: Mapping[str, Row], others: Mapping[str, Row], better: Literal["lower", "higher"], *, groups: Row | None = None
) -> dict[str, set[str]]:
    """By each of ``rows`` those of ``others`` than which it is better by more than chance gives; as :func:`tied_with_best`.

    Examples:
        >>> hard = torch.arange(20.0)
        >>> surpassed({"a": hard, "b": hard + 2}, {"c": hard + 1}, "lower")
        {'a': {'c'}, 'b': set()}
    """
    pairs = [(i, j) for i in range(len(rows)) for j in range(len(others))]
    of = Rows([*rows.values(), *others.values()], groups)
    found = Differences(of, [(i, len(rows) + j) for i, j in pairs], max(RESAMPLES, 100 * len(pairs)), 0, alike=True)
    less = found.value < 0 if better == "lower" else found.value > 0
    names, theirs, beaten = list(rows), list(others), {name: set[str]() for name in rows}
    for (i, j), p, right in zip(pairs, holm(found.p_values.tolist()), less, strict=True):
        if right and p <= LEVEL:
            beaten[names[i]].add(theirs[j])
    return beaten


def intervals(rows: Mapping[str, Row], *, groups: Row | None = None) -> dict[str, tuple[float, float, float]]:
    """The mean of each row and the ends of its 95 % interval, over seeds and items together as for :func:`paired`.

    Examples:
        >>> [round(end, 1) for end in intervals({"a": torch.arange(20.0)})["a"]]
        [9.5, 6.8, 12.2]
    """
    first = next(iter(rows.values()))
    nothing = torch.zeros_like(first) if isinstance(first, Tensor) else [torch.zeros_like(part) for part in first]
    found = Differences(Rows([*rows.values(), nothing], groups), [(i, len(rows)) for i in range(len(rows))], RESAMPLES, 0)
    if found.alone:
        return {name: (float(value), -np.inf, np.inf) for name, value in zip(rows, found.value, strict=True)}
    low, high = found.value + np.quantile(found.drawn, [0.025, 0.975], axis=0)
    return {name: (float(found.value[i]), float(low[i]), float(high[i])) for i, name in enumerate(rows)}
