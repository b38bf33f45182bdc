"""Rows ranked over several tables: their mean ranks, and by how much two of these have to differ to tell.

Source: Demsar, Statistical Comparisons of Classifiers over Multiple Data Sets (JMLR 7, 2006), sections 3.2.2 and 3.2.5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from zoo.utils.errors import RequestError

LEVEL = 0.05


@dataclass(frozen=True)
class Ranks:
    """Mean ranks over blocks, 1 the best; rows of equal values share the mean of their ranks.

    Attributes:
        means: by name, the best first.
        blocks: how many values each row has.
        p: of Friedman's test that all rows are alike; None where there are fewer than three rows or two blocks.
        critical: the difference of mean ranks (Nemenyi) below which two rows are alike, at 5 %.
        alike: the longest runs of names of which no two differ by so much.
    """

    means: dict[str, float]
    blocks: int
    p: float | None
    critical: float
    alike: list[list[str]]


def mean_ranks(values: Mapping[str, Sequence[float]], better: Literal["lower", "higher"]) -> Ranks:
    """Rank K >= 2 rows, each of which has one value in each of N blocks, as a model has one on each task with each seed.

    Raises:
        RequestError: there are fewer than two rows, or not as many values of each, or none.

    Examples:
        >>> ranks = mean_ranks({"a": [0.3, 0.5, 0.4], "b": [0.1, 0.2, 0.3], "c": [0.2, 0.2, 0.9]}, "lower")
        >>> [(name, round(mean, 2)) for name, mean in ranks.means.items()]
        [('b', 1.17), ('c', 2.17), ('a', 2.67)]
        >>> ranks.blocks, round(ranks.critical, 2), ranks.alike
        (3, 1.91, [['b', 'c', 'a']])
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    counts = {len(row) for row in values.values()}
    if len(values) < 2 or len(counts) != 1 or counts == {0}:
        raise RequestError(f"{len(values)} rows of {sorted(counts)} values cannot be ranked: give two or more of one length")
    (blocks,), count, sign = counts, len(values), 1 if better == "lower" else -1
    found = rankdata([[sign * value for value in row] for row in values.values()], axis=0).mean(1)
    means = dict(sorted(zip(values, map(float, found), strict=True), key=lambda each: each[1]))
    p = float(friedmanchisquare(*values.values()).pvalue) if count > 2 and blocks > 1 else math.nan
    quantile = float(studentized_range.ppf(1 - LEVEL, count, math.inf)) / math.sqrt(2)
    critical = quantile * math.sqrt(count * (count + 1) / (6 * blocks))
    return Ranks(means, blocks, p if math.isfinite(p) else None, critical, _alike(means, critical))


def _alike(means: Mapping[str, float], critical: float) -> list[list[str]]:
    names, runs = list(means), list[list[str]]()
    for i, first in enumerate(names):
        run = [name for name in names[i:] if means[name] - means[first] < critical]
        if len(run) > 1 and not (runs and set(run) <= set(runs[-1])):
            runs.append(run)
    return runs
