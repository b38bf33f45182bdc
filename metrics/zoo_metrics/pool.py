"""The worth of a pool of samples by the numbers of y alone, and of the truth under a model's own density."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from zoo import Metric, RequestError
from zoo_metrics.proper import energy, few


class ErrorOfBest(Metric):
    """The squared error of the sample closest to the ground truth, a pixel, among the first 3, 10, 30, 60 and 100.

    The first k samples are a draw of k of their own (and the k nearest neighbours where samples are ranked). How probable that
    sample was, and whether the others are right, do not enter: a pool narrower than p(y | x) can have the better value.
    """

    unit = "squared error a pixel"
    better = "lower"
    place = 40
    source = "paper 2 (embedding guidance), section 5.2"
    cites = ("lu2016cdvae",)
    gains = True
    expected_failures: ClassVar = {
        "the_order_of_the_samples_does_not_matter": "it takes the first k, in the order in which neighbours are ranked"
    }

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        best = (samples - y[:, None]).square().flatten(2).mean(2).cummin(1).values
        n = best.shape[1]
        counts = [k for k in (3, 10, 30, 60, 100) if k <= n] or [n]
        return {f"@{k}": best[:, k - 1] for k in counts}


class GridVariance(Metric):
    """The variance over the pool at 4 x 4 equally spaced pixels, averaged over them (and over channels).

    Of y without two spatial dimensions, all numbers are taken. It is divided by n - 1; a pool of one has variance 0. Neither
    way is better: noise raises it.
    """

    unit = "squared value"
    better = None
    source = "paper 2 (embedding guidance), section 5.2"
    cites = ("lu2016cdvae",)

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        if samples.ndim == 5:
            rows, columns = ((torch.arange(4) * 2 + 1) * size // 8 for size in samples.shape[-2:])
            samples = samples[..., rows, :][..., columns]
        if samples.shape[1] == 1:
            return {"": samples.new_zeros(len(samples))}
        return {"": samples.flatten(2).var(1).mean(1)}


class EnergyScore(Metric):
    """E||Y - y|| - 1/2 E||Y - Y'|| over the pool, in units of the root mean square over the numbers of y.

    Y and Y' are independent draws, estimated without bias from all samples and all pairs of different samples; the
    Euclidean norm is divided by the square root of the length of y. Its expectation is least when the samples follow
    p(y | x) and nothing else is as good: unlike error_of_best it asks for the right amount of every kind of variation, fine
    detail included, and unlike variance it cannot be raised by noise. A pool of one has its distance to y.
    """

    unit = "root mean square value"
    better = "lower"
    place = 20
    source = "Gneiting and Raftery 2007, section 4.3, beta = 1"
    cites = ("gneiting2007proper",)
    gains = True

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        parts = (each.split(few(samples)) for each in (samples.flatten(2), y.flatten(1)))
        return {"": torch.cat([energy(*part) for part in zip(*parts, strict=True)])}


class NegativeLogLikelihood(Metric):
    """The model's upper bound on -log p(x, y), the joint density of conditioning and generated field.

    A model bounds the density that it draws from, the temperature of its samples included. Where a sample is the mean of
    p(y | code), as a CDVAE's is, the density has the noise around that mean too, which the samples are without.
    """

    unit = "nats a pair"
    better = "lower"
    source = "paper 1 (tied models), section 6.3 and Table 1"
    cites = ("lu2016cdvae",)
    needs = "joint_log_prob"

    def __call__(
        self, samples: Tensor, y: Tensor, *, joint_log_prob: Tensor | None = None, **known: Tensor | None
    ) -> Mapping[str, Tensor]:
        if joint_log_prob is None:
            raise RequestError("nll needs a model that has a joint density; this one has none")
        return {"": -joint_log_prob}
