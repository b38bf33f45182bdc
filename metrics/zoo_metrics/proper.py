"""Proper scores of pools of samples: of each number of y alone, and against true draws where these are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from zoo import Fitted, Metric, NotApplicable, Reading, RequestError

AT_ONCE = 2**21
"""Numbers that are sorted, or distances that are made, at once (16 MB of float64)."""
CACHED = 2**19
"""Numbers of samples that are multiplied at once: what fits the cache of a processor is quick."""


def crps(samples: Tensor, y: Tensor, *, fair: bool = True) -> Tensor:
    """The continuous ranked probability score of n samples (B, n, D) of y (B, D), averaged over the D numbers: (B,) float64.

    E|X - y| - 1/2 E|X - X'|, the second over all pairs of different samples (``fair``: its expectation does not depend on n)
    or over all n^2 pairs. Sorting the n samples takes the place of the pairs. One sample has its distance to y.
    """
    items, n, size = samples.shape
    rank = torch.arange(1, n + 1, dtype=torch.float64, device=samples.device)
    weight = (2 * rank - n - 1) / max(1, n * (n - 1) if fair else n * n)  # of a sample in half the mean over the pairs
    total = torch.zeros(items, dtype=torch.float64, device=samples.device)
    step = max(1, AT_ONCE // (items * n))
    for some, true in zip(samples.split(step, 2), y.split(step, 1), strict=True):
        off = ordered((some - true[:, None]).transpose(1, 2)).double()
        total += (off.abs().mean(2) - off @ weight).sum(1)
    return total / size


def ordered(numbers: Tensor) -> Tensor:
    """``numbers`` (..., n), rising along the last dimension."""
    if numbers.device.type == "cpu":  # where NumPy's sort, which uses vector instructions, takes a fraction of the time
        return torch.from_numpy(np.sort(numbers.detach().contiguous().numpy(), -1))
    return numbers.contiguous().sort(-1).values


class RankedProbability(Metric):
    """E|Y - y| - 1/2 E|Y - Y'| over the pool, of each number of y alone, and the mean over these (CRPS).

    The energy score of single numbers: the share of each that the samples spend on the right values. It says whether every
    pixel's own distribution is right, and nothing of how pixels go together, for which ``energy_score`` is there. Y and Y'
    are different samples, so that the expectation does not depend on n. A pool of one has its distance to y.
    """

    unit = "absolute value"
    better = "lower"
    source = "Gneiting and Raftery 2007, section 4.2; Hersbach 2000; the fair form of Ferro 2014"
    cites = ("gneiting2007proper", "hersbach2000crps", "ferro2014fair")

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        return {"": crps(samples.flatten(2), y.flatten(1))}


class ExcessEnergy(Metric):
    """The energy score of the samples less that of true draws: half the generalised energy distance between the two.

    E||Y - T|| - 1/2 E||Y - Y'|| - 1/2 E||T - T'||, the true draws T being y and the pool of the data, estimated without bias
    from all pairs of different draws and in units of the root mean square over the numbers of y, as ``energy_score`` is. Its
    expectation is 0 where the samples follow p(y | x) and nothing but that, and above 0 otherwise; one item's may be below. It
    takes two samples of each item.
    """

    unit = "root mean square value"
    better = "lower"
    place = 10
    source = "Gneiting and Raftery 2007, section 4.3; Székely and Rizzo 2013 (energy distance)"
    cites = ("gneiting2007proper", "szekely2013energy")
    needs = "fitted"
    zero_at_least = True
    reads: ClassVar = {"": Reading("its draws score {} of energy score worse than true ones do", above="off")}
    shown = False

    def prepare(self, fitted: Fitted) -> None:
        """Look for true draws; NotApplicable where the data has none."""
        if fitted.pairs.pool is None or not fitted.pairs.pool.shape[1]:
            raise NotApplicable("the data does not know the true answers")
        self.shown = True

    def __call__(self, samples: Tensor, y: Tensor, *, pool: Tensor | None = None, **known: Tensor | None) -> dict[str, Tensor]:
        if pool is None or not self.shown:
            raise RequestError("excess energy takes true draws (pool) of a run (prepare); one of them is not given")
        two_at_least(samples)
        parts = (each.split(few(samples, y, pool)) for each in (samples.flatten(2), y.flatten(1), pool.flatten(2)))
        return {"": torch.cat([excess(*part) for part in zip(*parts, strict=True)])}


def excess(samples: Tensor, y: Tensor, pool: Tensor) -> Tensor:
    """:class:`ExcessEnergy` of samples (B, n, D), y (B, D) and other true draws (B, M, D): (B,) float64."""
    off = (samples - y[:, None]).double()
    true = torch.cat([torch.zeros_like(y)[:, None], pool - y[:, None]], 1).double()
    n, m = off.shape[1], true.shape[1]
    within = distances(off, off) / max(1, n * (n - 1))
    among = distances(true, true) / max(1, m * (m - 1))
    return (distances(off, true) / (n * m) - within / 2 - among / 2) / y.shape[1] ** 0.5


def energy(samples: Tensor, y: Tensor) -> Tensor:
    """The energy score of samples (B, n, D) of y (B, D), :class:`zoo_metrics.pool.EnergyScore`: (B,) float64."""
    off = (samples - y[:, None]).double()
    n = off.shape[1]
    within = distances(off, off) / max(1, n * (n - 1))
    return (off.norm(dim=2).mean(1) - within / 2) / y.shape[1] ** 0.5


def two_at_least(samples: Tensor) -> None:
    """See that there are two samples of each item at least; NotApplicable of one, which does not tell how it would vary."""
    if samples.shape[1] < 2:
        raise NotApplicable("one sample of each item does not tell how samples vary; it takes two and more (-n)")


def few(*tensors: Tensor) -> int:
    """Of how many items such tensors (B, ...) are taken at once."""
    return max(1, CACHED // sum(tensor[0].numel() for tensor in tensors))


def distances(a: Tensor, b: Tensor) -> Tensor:
    """The sum of the distances of vectors (B, n, D) and (B, m, D) float64, of each with each: (B,).

    By products of matrices, so that vectors should lie about 0: what is lost is 1e-8 of their length. Of a few rows at a time,
    so that memory is bounded whatever n and m are.
    """
    square_a, square_b = a.square().sum(2), b.square().sum(2)
    total = torch.zeros(len(a), dtype=torch.float64, device=a.device)
    step = max(1, AT_ONCE // (len(a) * b.shape[1]))
    for rows, square in zip(a.split(step, 1), square_a.split(step, 1), strict=True):
        far = torch.baddbmm(square_b[:, None], rows, b.mT, alpha=-2).add_(square[:, :, None])
        total += far.clamp_min_(0).sqrt_().sum((1, 2))
    return total
