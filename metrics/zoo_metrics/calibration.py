"""Whether samples and y are alike in spread and place: from the rank of y among the samples, and from spread and error.

If y is one more draw from where the samples come from, its rank among them is each of 0, ..., n with the same probability,
for any n. Where samples are equal to y, its rank is each of those places in equal parts, so that this holds of discrete
answers and of numbers that are known, too, and no chance is needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo import Metric, Reading
from zoo_metrics.proper import two_at_least

PROJECTIONS, SEED = 16, 0
MOST = math.log(1000)
"""The largest departure of spread from error: a pool without spread has it."""
LEAST = 1e-30
"""Added to both squares, so that none of both is a right amount."""


class Miscoverage(Metric):
    """How far the central 50 % (``@p50``) and 90 % (``@p90``) intervals of the samples are from holding 50 % and 90 % of y.

    Of each number of y alone, all numbers and items taken together. The interval between the k-th smallest and the k-th
    largest of n samples holds one more draw with the probability (n + 1 - 2 k) / (n + 1); the share between two k is
    interpolated, so that samples of p(y | x) are right on average for every n. Below 19 samples the 90 % interval ends
    beyond the outermost (k = 0), which holds everything: what is seen of a pool that is too narrow shrinks with n. An item's
    value is the share that its interval holds; the score is the distance of their mean from 50 or 90 %.
    """

    unit = "distance from the nominal share"
    better = "lower"
    source = "Gneiting, Balabdaoui and Raftery 2007 (coverage of central intervals)"
    cites = ("gneiting2007calibration",)
    right_at_zero = True
    reads: ClassVar = {
        "@p50": Reading("the middle half of the samples holds {} of y", "too narrow", "too wide", 0.08, lambda off: 0.5 + off),
        "@p90": Reading("the middle 90 % of them hold {} of y", "too narrow", "too wide", 0.05, lambda off: 0.9 + off),
    }
    shares: ClassVar[Mapping[str, float]] = {"@p50": 0.5, "@p90": 0.9}

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        n, (below, ties) = samples.shape[1], places(samples.flatten(2) - y.flatten(1)[:, None])

        def held(k: int) -> Tensor:
            """The share of the places of each number that lie between the k-th smallest and the k-th largest sample."""
            within = (below + ties).clamp_max(n - k) - below.clamp_min(k) + 1
            return within.clamp_min(0).double() / (ties + 1)

        values = {}
        for suffix, share in self.shares.items():
            k, part = divmod((1 - share) * (n + 1) / 2, 1)
            values[suffix] = torch.lerp(held(int(k)), held(int(k) + 1), part).mean(1)
        return values

    def reduce(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {suffix: value.mean(-1) - self.shares[suffix] for suffix, value in values.items()}


class SpreadSkill(Metric):
    """|ln| of the ratio of the samples' spread to the error of their mean: 0 where the spread is right, 0.69 where it is
    twice as large as it should be, or half as large.

    The spread is the root of the variance, divided by n - 1 and times (n + 1) / n, averaged over all numbers and items; the
    error is the root of the squared distance of y to the mean of the samples, averaged in the same way: both are the same
    on average if y is one more draw. It is 6.9 at most, which a pool without spread has where it is not y itself.
    """

    unit = "|ln(spread / error of the mean)|"
    better = "lower"
    source = "Fortin, Abaza, Anctil and Turcotte 2014"
    cites = ("fortin2014spread",)
    right_at_zero = True
    reads: ClassVar = {
        "": Reading(
            "the spread is {} of what the errors call for", "too narrow", "too wide", math.log(1.2), math.exp, plain=True
        )
    }

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        two_at_least(samples)
        off = samples.flatten(2) - y.flatten(1)[:, None]
        n = off.shape[1]
        spread = off.var(1).double().mean(1) * (n + 1) / n
        return {"@spread": spread, "@error": off.mean(1).double().square().mean(1)}

    def reduce(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        spread, error = (values[suffix].mean(-1) + LEAST for suffix in ("@spread", "@error"))
        return {"": ((spread / error).log() / 2).clamp(-MOST, MOST)}


class RankHistogram(Metric):
    """How far the histogram of the ranks of y among the samples is from flat: slope and curve, and slope of the detail.

    ``@slope`` is of the mean over the numbers of y: the mean rank, less n / 2, in standard deviations of a rank. It is 1.7 at
    most, and tells that samples are too bright or too dark. ``@curve`` is of 16 random projections of y, the same for all
    items: the squared distance of the rank from n / 2, over its variance, less 1. A histogram like a U, of samples that vary
    too little or are off, has 2 at most, and one like a dome, of samples that vary too much, 1. These are the first two
    components of the chi-square statistic of a rank histogram, signs taken off after averaging over the items.

    ``@detail``, of fields (C, h, w) of 3 x 3 pixels at least, is the slope for how much fine detail there is: the mean square
    of each pixel less the mean of the 3 x 3 around it. Noise moves it to one side, and smoothing to the other.
    """

    unit = "departure from flat"
    better = "lower"
    source = "Hamill 2001; Jolliffe and Primo 2008 (components of chi-square)"
    cites = ("hamill2001ranks", "jolliffe2008ranks")
    right_at_zero = True
    reads: ClassVar = {
        "@slope": Reading(
            "the mean of y ranks {} deviations off the samples' middle (above 0: these are too low)", "biased", "biased", 0.4
        ),
        "@curve": Reading("y ranks at the ends of the samples {} too often", "too wide", "too narrow", 0.3),
        "@detail": Reading(
            "by its fine detail y ranks {} deviations above the samples' middle", "noise", "detail missing", 0.4
        ),
    }

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        off = samples.flatten(2) - y.flatten(1)[:, None]  # of which a projection is 0 wherever a sample is y
        n, size = off.shape[1:]
        ways = torch.randn(PROJECTIONS, size, generator=torch.Generator().manual_seed(SEED), dtype=off.dtype)
        ways = torch.cat([torch.ones_like(ways[:1]), ways]).to(off.device)
        below, ties = (each.double() for each in places(off @ ways.T))
        middle, variance = below + (ties - n) / 2, n * (n + 2) / 12
        square = middle.square() + ties * (ties + 2) / 12  # the mean over the places; the second is their variance
        values = {"@slope": middle[:, 0] / variance**0.5, "@curve": square[:, 1:].mean(1) / variance - 1}
        if samples.ndim == 5 and min(samples.shape[3:]) >= 3:
            below, ties = (each.double() for each in places(detail(samples) - detail(y)[:, None]))
            values["@detail"] = (below + (ties - n) / 2) / variance**0.5
        return values


def detail(fields: Tensor) -> Tensor:
    """The mean square (...) of the pixels of fields (..., C, h, w) less the mean of the 3 x 3 around each; without the rim."""
    flat = fields.flatten(0, -3)[:, None]
    rough = flat[..., 1:-1, 1:-1] - F.avg_pool2d(flat, 3, 1)
    return rough.square().mean((1, 2, 3)).reshape(fields.shape[:-2]).mean(-1)


def places(off: Tensor) -> tuple[Tensor, Tensor]:
    """Of each number, by the samples less y (B, n, D): how many samples are below y, and how many are equal, (B, D) int64."""
    return (off < 0).sum(1), (off == 0).sum(1)
