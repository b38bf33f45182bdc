"""Rows of values, and the draws of seeds and items that say how far their differences may be from the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.measuring.seeds import LEAST, moderate
from zoo.utils.errors import RequestError

RESAMPLES = 10_000
NUMBERS = 2**22
"""Numbers held at once of what is drawn of groups (32 MB)."""

Row: TypeAlias = Tensor | Sequence[Tensor]
"""The values of one row of a table: (N,) of one fit; (S, N) of S seeds on the same N items; or S tensors (N_s,), where each
seed has items of its own."""
Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True)
class Difference:
    """The mean difference of two rows, the ends of its 95 % interval, and the two-sided p-value of there being none.

    ``value``, ``low`` and ``high`` are in the unit of the metric. The interval has no ends, and p is 1, where all items are
    of one group: of what other groups would give, nothing is known.

    Examples:
        >>> Difference(value=-0.2, low=-0.3, high=-0.1, p=0.002).high < 0
        True
    """

    value: float
    low: float
    high: float
    p: float


class Rows:
    """The values of K rows: ``seeds`` has those of each, (K, N_s), and ``codes`` the number of each item's group.

    Where the seeds share their items there are the codes of one seed only.
    """

    def __init__(self, rows: Sequence[Row], groups: Row | None) -> None:
        self.shared = all(isinstance(row, Tensor) for row in rows)
        every = [[row] if isinstance(row, Tensor) and row.ndim != 2 else [*row] for row in rows]
        shapes = [[tuple(part.shape) for part in each] for each in every]
        forms = [(isinstance(row, Tensor), shape) for row, shape in zip(rows, shapes, strict=True)]
        if any(form != forms[0] for form in forms):
            raise RequestError(f"rows of shapes {' and '.join(map(str, shapes))} are not of the same items")
        if not every[0] or any(part.ndim != 1 or not len(part) for part in every[0]):
            raise RequestError(f"values are of shapes {shapes[0]}; they must be one number an item, of one item at least")
        if not all(bool(torch.isfinite(part).all()) for each in every for part in each):
            raise RequestError("a value is not a finite number")
        self.seeds: list[Floats] = [
            torch.stack([part.detach().double().cpu() for part in seed]).numpy() for seed in zip(*every, strict=True)
        ]
        counts = [values.shape[1] for values in self.seeds[: 1 if self.shared else None]]
        given = [torch.arange(n) for n in counts] if groups is None else [groups] if isinstance(groups, Tensor) else [*groups]
        if [tuple(part.shape) for part in given] != [(n,) for n in counts]:
            raise RequestError(f"groups are of shapes {[tuple(part.shape) for part in given]}, and there are {counts} items")
        self.codes: list[Codes] = [np.unique(part.cpu().numpy(), return_inverse=True)[1].reshape(-1) for part in given]


class Differences:
    """The differences of P pairs of rows; all are found from the same draws.

    Where the rows are ``alike``, things of one kind such as the models of a table, how much each varies with the seed is told
    from all of them (:func:`zoo.measuring.seeds.moderate`), else from the two of a pair alone.
    """

    def __init__(self, rows: Rows, pairs: Sequence[tuple[int, int]], resamples: int, seed: int, alike: bool = False) -> None:
        first, second = np.array(pairs).T
        self.of_rows, self.first, self.second = np.stack([values.mean(1) for values in rows.seeds]), first, second
        self.alike = alike and len(self.of_rows) > 1 and self.of_rows.shape[1] >= LEAST
        self.shared, self.codes, self.resamples = rows.shared, rows.codes, resamples
        self.random = np.random.default_rng(seed & (2**64 - 1))
        self.seeds = [values[first] - values[second] for values in rows.seeds]
        self.means = np.stack([values.mean(1) for values in self.seeds])
        self.value, self.count = self.means.mean(0), len(self.seeds)
        self.blocks: list[Floats] = [np.mean(self.seeds, axis=0)] if rows.shared else self.seeds
        # With one group only, nothing is known of what another would give.
        self.alone = len(self.blocks) == 1 and bool(rows.codes[0].max() == 0)

    def of(self, index: int) -> Difference:
        ends, p = (-np.inf, np.inf), self.p_values[index]
        if not self.alone:
            ends = self.value[index] + np.quantile(self.drawn[:, index], [0.025, 0.975])
        return Difference(float(self.value[index]), float(ends[0]), float(ends[1]), float(p))

    @cached_property
    def drawn(self) -> Floats:
        """How far the differences may be from the truth: (resamples, P)."""
        each = [_bootstrap(*block, self.resamples, self.random) for block in zip(self.blocks, self.codes, strict=True)]
        drawn: Floats = np.mean(each, axis=0)
        if self.count == 1:
            return drawn
        if self.shared:  # of what the seeds differ by, the part that is of items under one seed is drawn already
            ours = self.blocks[0] - self.value[:, None]
            own = [_variance(values - values.mean(1, keepdims=True) - ours, self.codes[0]) for values in self.seeds]
            known = np.sum(own, axis=0) / (self.count * (self.count - 1))
        else:
            own = [_variance(*block) for block in zip(self.blocks, self.codes, strict=True)]
            known = np.sum(own, axis=0) / self.count**2
        free, spread = float(self.count - 1), self.means.var(0, ddof=1) / self.count
        if self.alike:
            moderated, free = moderate(self.of_rows)
            spread = (moderated[self.first] + moderated[self.second]) / self.count
        scale = free / self.random.chisquare(free, (self.resamples, 1)) if np.isfinite(free) else np.ones((self.resamples, 1))
        return drawn + self.random.standard_normal((self.resamples, 1)) * np.sqrt(np.maximum(spread * scale - known, 0))

    @cached_property
    def p_values(self) -> Floats:
        """The two-sided p-values (P,) of there being no difference."""
        if self.alone:
            return np.ones(len(self.value))
        if self.count == 1:
            return _sign_flips(self.blocks[0], self.codes[0], self.resamples, self.random)
        found = self.value + self.drawn
        fewer = np.minimum((found <= 0).sum(0), (found >= 0).sum(0))
        return np.minimum(1, 2 * (1 + fewer) / (1 + self.resamples))


def _bootstrap(values: Floats, codes: Codes, resamples: int, random: np.random.Generator) -> Floats:
    """How far the means of ``values`` (P, N) are from the mean with other groups drawn: (resamples, P)."""
    sums, sizes = _by_group(values, codes)
    count = len(sizes)
    out = np.zeros((resamples, len(values)))
    if count == 1:
        return out
    for start in range(0, resamples, step := max(1, NUMBERS // count)):
        size = min(step, resamples - start)
        places = random.integers(0, count, (size, count)) + count * np.arange(size)[:, None]
        times = np.bincount(places.reshape(-1), minlength=size * count).reshape(size, count).astype(np.float64)
        out[start : start + size] = (times @ sums.T) / (times @ sizes)[:, None]
    # Resampling gives (G - 1) / G of the variance, and takes what it gives for known.
    return (out - values.mean(1)) * np.sqrt(count / random.chisquare(count - 1, (resamples, 1)))


def _sign_flips(values: Floats, codes: Codes, resamples: int, random: np.random.Generator) -> Floats:
    """The p-values (P,) of the sums of ``values`` (P, N), against those with other signs of the groups' sums."""
    sums, sizes = _by_group(values, codes)
    count = len(sizes)
    least = np.abs(sums.sum(1)) - 1e-9 * np.abs(sums).sum(1)  # the same sum in another order is rounded otherwise
    if 2**count <= resamples:
        signs = 2.0 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1) - 1
        return (np.abs(signs @ sums.T) >= least).mean(0)
    reached = np.ones(len(values))
    for start in range(0, resamples, step := max(1, NUMBERS // count)):
        signs = 2.0 * random.integers(0, 2, (min(step, resamples - start), count)) - 1
        reached += (np.abs(signs @ sums.T) >= least).sum(0)
    return reached / (1 + resamples)


def _variance(values: Floats, codes: Codes) -> Floats:
    """The variance (P,) of the means of ``values`` (P, N), over groups; 0 where there is only one."""
    sums, sizes = _by_group(values - values.mean(1, keepdims=True), codes)
    return (sums**2).sum(1) / values.shape[1] ** 2 * len(sizes) / max(1, len(sizes) - 1)


def _by_group(values: Floats, codes: Codes) -> tuple[Floats, Floats]:
    """The sum of ``values`` (P, N) in each of G groups, (P, G), and how many items each has, (G,)."""
    sizes = np.bincount(codes).astype(np.float64)
    return np.stack([np.bincount(codes, weights=row, minlength=len(sizes)) for row in values]), sizes
