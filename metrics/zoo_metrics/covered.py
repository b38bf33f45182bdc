"""Whether samples are where true draws are, at all of their modes and as often as these are probable.

Around each true draw, y among them, lies a ball as far as its third nearest other draw of its mode (of all, where modes are
not known). A sample within a ball is plausible, and a ball, or mode, with a sample in it is covered. ``modes`` is for data
whose true draws repeat, a few right answers; this is for draws of which no two are the same.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from zoo import Fitted, Metric, NotApplicable, Reading, RequestError

NEIGHBOURS = 3
"""A ball reaches to this neighbour (Kynkäänniemi et al. 2019, section 3.1, with k = 3)."""


class Covered(NamedTuple):
    """Of n samples and m true draws: the samples in any ball (B, n); the mode of the draw next to each, (B, n); the draws
    with a sample of their mode in their ball, (B, m); and the modes of the draws (B, m), 0 where not known.
    """

    plausible: Tensor
    nearest: Tensor
    reached: Tensor
    modes: Tensor


class _OfDraws(Metric):
    needs = "fitted"
    labelled = False  # whether it needs the modes

    def prepare(self, fitted: Fitted) -> None:
        """Look at the true draws; NotApplicable where there are too few, or they repeat."""
        pairs = fitted.pairs
        if pairs.pool is None or pairs.pool.shape[1] < NEIGHBOURS:
            raise NotApplicable(f"the data does not know the true answers ({1 + NEIGHBOURS} draws of each at least)")
        if self.labelled and pairs.truth is None:
            raise NotApplicable("the data does not know the modes of the true answers")
        some = pairs.subset(pairs.spread(64))
        assert some.pool is not None
        draws = torch.cat([some.y[:, None], some.pool], 1).flatten(2)
        alike = torch.cdist(draws, draws, p=torch.inf) <= 1e-4
        if (alike.sum(2) > NEIGHBOURS).double().mean() > 0.5:
            raise NotApplicable("the true answers repeat: modes says which of them are reached")
        self.truth = pairs.truth

    def covered(self, samples: Tensor, y: Tensor, pool: Tensor | None, index: Tensor | None) -> Covered:
        """Which samples and draws are near each other; RequestError without true draws, or of a run that was not seen."""
        if pool is None or index is None or not hasattr(self, "truth"):
            raise RequestError("this takes true draws (pool), places (index) and the run (prepare); one of them is not given")
        draws = torch.cat([y[:, None], pool], 1).flatten(2)
        modes = torch.zeros(draws.shape[:2], dtype=torch.int64, device=y.device)
        if self.truth is not None:
            rows = index.to(self.truth.modes.device)
            modes = torch.cat([self.truth.y_mode[rows, None], self.truth.modes[rows]], 1).to(y.device)
        reach = _reach(torch.cdist(draws, draws), modes)
        distance = torch.cdist(samples.flatten(2), draws)
        inside = distance <= reach[:, None]
        nearest = modes.gather(1, distance.argmin(2))
        reached = (inside & (nearest[:, :, None] == modes[:, None])).any(1)
        return Covered(inside.any(2), nearest, reached, modes)

    def weights(self, index: Tensor, like: Tensor) -> Tensor:
        """The probability of each mode, (B, K) float64."""
        assert self.truth is not None
        return self.truth.weights[index.to(self.truth.weights.device)].double().to(like.device)


def _reach(distance: Tensor, modes: Tensor) -> Tensor:
    """The radius of the ball of each of m draws, (B, m), by their distances (B, m, m).

    Of a mode with too few draws it is the median of the others'; where all have, draws of other modes count too.
    """
    other = modes[:, :, None] != modes[:, None]
    own = distance.masked_fill(other, torch.inf).kthvalue(1 + NEIGHBOURS, dim=2).values  # the first is the draw itself
    every = distance.kthvalue(1 + NEIGHBOURS, dim=2).values
    known = own.isfinite()
    typical = own.masked_fill(~known, torch.nan).nanmedian(1, keepdim=True).values
    return torch.where(known, own, torch.where(known.any(1, keepdim=True), typical, every))


class ModePrecision(_OfDraws):
    """The share of the samples that lie as near to a true draw as its third nearest true draw of the same mode does.

    Low where samples are implausible. It asks for no variety: copies of one true draw have 1. True draws have a little less:
    at the rim of a mode, no ball of a few draws reaches.
    """

    unit = "share of samples"
    better = "higher"
    source = "Kynkäänniemi et al. 2019, equation 1 (improved precision), of each x"
    cites = ("kynkaanniemi2019precision",)

    def __call__(
        self, samples: Tensor, y: Tensor, *, pool: Tensor | None = None, index: Tensor | None = None, **known: Tensor | None
    ) -> dict[str, Tensor]:
        return {"": self.covered(samples, y, pool, index).plausible.double().mean(1)}


class ModeRecall(_OfDraws):
    """The share of the true probability that is of modes with a sample; where modes are not known, of balls with one.

    A sample is at the mode of the true draw next to it, if it is in a ball of this mode. Low where samples miss modes; nothing
    is asked of how many are at each. Modes that no true draw is of do not count.
    """

    unit = "share of probability"
    better = "higher"
    source = "Naeem et al. 2020, equation 6 (coverage), of each x; balls of one mode count as one"
    cites = ("naeem2020coverage",)

    def __call__(
        self, samples: Tensor, y: Tensor, *, pool: Tensor | None = None, index: Tensor | None = None, **known: Tensor | None
    ) -> dict[str, Tensor]:
        found = self.covered(samples, y, pool, index)
        if self.truth is None or index is None:
            return {"": found.reached.double().mean(1)}
        weights = self.weights(index, y)
        drawn = torch.zeros_like(weights).scatter_(1, found.modes, 1.0)
        reached = torch.zeros_like(weights).scatter_reduce_(1, found.modes, found.reached.double(), "amax")
        return {"": (weights * reached).sum(1) / (weights * drawn).sum(1).clamp_min(1e-12)}


class ModeWeightError(_OfDraws):
    """The distance, in total variation, of the shares of the samples at each mode from the true probabilities.

    Every sample is at the mode of the true draw next to it. Half the sum of the distances, less what n draws of these very
    probabilities have on average (the mean deviation of binomials, De Moivre): 0 for right weights whatever n is, and a
    single item's can be below. Of weights far from right it is too small by this. Where modes overlap, or one has no draw,
    samples are counted at a neighbour, and true draws have a little more than 0 too.
    """

    unit = "total variation distance"
    better = "lower"
    source = "total variation of mode shares; Diaconis and Zabell 1991 (De Moivre's mean deviation)"
    cites = ("diaconis1991deviation",)
    labelled = True

    def __call__(
        self, samples: Tensor, y: Tensor, *, pool: Tensor | None = None, index: Tensor | None = None, **known: Tensor | None
    ) -> dict[str, Tensor]:
        found = self.covered(samples, y, pool, index)
        assert index is not None
        weights = self.weights(index, y)
        n = samples.shape[1]
        ones = torch.ones_like(found.nearest, dtype=torch.float64)
        shares = torch.zeros_like(weights).scatter_add_(1, found.nearest, ones) / n
        return {"": ((shares - weights).abs() - mean_deviation(weights, n)).sum(1) / 2}


class ModeFrequencies(_OfDraws):
    """Whether modes are missing (``@missing``), or visited at other rates than true ones (``@weights``): 0 for true draws.

    Half of the true draws stand for their modes: every sample, y and the other true draws count for the mode of the one that
    is nearest. So samples and true draws are mistaken alike where modes overlap, and both scores are 0 on average for
    samples of p(y | x), however many there are. ``@missing`` is the share of true draws at modes without a sample, less the
    share that so many samples leave out by chance, which is that of the modes with one sample (Good 1953); both are means over
    leaving out one sample. ``@weights`` is the squared distance of the shares of samples and true draws at each mode, without
    bias (Gretton et al. 2012, equation 3, with a kernel that is 1 of the same mode and 0 of others); samples that are one
    alone have no rates.
    """

    unit = "probability"
    better = "lower"
    source = "Good 1953 (missing mass); Gretton et al. 2012, lemma 6 (unbiased squared distance of distributions)"
    cites = ("good1953frequencies", "gretton2012kernel")
    labelled = True
    zero_at_least = True
    reads: ClassVar = {
        "@missing": Reading("{} of true answers are of modes that no sample is of", above="misses modes"),
        "@weights": Reading(
            "the rates of its answers are {} away from true ones", above="wrong weights", show=lambda off: max(off, 0) ** 0.5
        ),
    }

    def __call__(
        self, samples: Tensor, y: Tensor, *, pool: Tensor | None = None, index: Tensor | None = None, **known: Tensor | None
    ) -> dict[str, Tensor]:
        truth = getattr(self, "truth", None)
        if pool is None or index is None or truth is None:
            raise RequestError("this takes true draws (pool), places (index) and the run (prepare); one of them is not given")
        half, n = pool.shape[1] // 2, samples.shape[1]
        modes = truth.modes[index.to(truth.modes.device), :half].to(y.device)
        signs, asked = pool[:, :half].flatten(2), torch.cat([y[:, None], pool[:, half:]], 1).flatten(2)
        like = self.weights(index, y)

        def counts(draws: Tensor) -> Tensor:
            """How many of (B, m, D) are at each mode, (B, K) float64."""
            nearest = modes.gather(1, torch.cdist(draws, signs).argmin(2))
            return torch.zeros_like(like).scatter_add_(1, nearest, torch.ones_like(nearest, dtype=like.dtype))

        true, got, m = counts(asked), counts(samples.flatten(2)), asked.shape[1]
        alone = got == 1  # each sample of these is missed by the n - 1 others
        missed = (true * (got == 0)).sum(1) / m + (true * alone).sum(1) / (m * n)
        values = {"@missing": missed - alone.sum(1) / n}
        if n > 1:
            alike = [(each * (each - 1)).sum(1) / (count * (count - 1)) for each, count in ((true, m), (got, n))]
            values["@weights"] = alike[0] + alike[1] - 2 * (true * got).sum(1) / (m * n)
        return values


def mean_deviation(p: Tensor, n: int) -> Tensor:
    """E|X / n - p| of a binomial X of n draws, float64: 2 m C(n, m) p^m (1 - p)^(n - m + 1) / n, m = floor(n p) + 1."""
    p = p.double()
    m = (n * p).floor().clamp_max(n - 1) + 1
    count = torch.tensor(float(n + 1), dtype=torch.float64, device=p.device).lgamma() - (m + 1).lgamma() - (n - m + 1).lgamma()
    logarithm = count + torch.xlogy(m, p) + torch.xlogy(n - m + 1, 1 - p)
    return 2 * m * logarithm.exp() / n
