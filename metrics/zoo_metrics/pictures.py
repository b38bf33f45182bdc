"""How near the samples come to the true picture, pixel by pixel and window by window."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from zoo_metrics.rendering import PictureMetric

CAP = 100.0
"""Decibels of pictures that are alike."""
WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03


class _Likeness(PictureMetric):
    """A likeness of two pictures: its mean over the samples, and under ``@best`` that of the sample most alike."""

    better = "higher"

    @abstractmethod
    def likeness(self, samples: Tensor, y: Tensor) -> Tensor:
        """(B, n) of pictures (B, n, C, h, w) and (B, C, h, w)."""

    def __call__(self, samples: Tensor, y: Tensor, *, x: Tensor | None = None, **known: Tensor | None) -> Mapping[str, Tensor]:
        value = torch.cat([self.likeness(*part) for part in self.shown(samples, y, x)])
        return {"": value.mean(1), "@best": value.amax(1)}


class PSNR(_Likeness):
    """The peak signal-to-noise ratio of the pictures, 10 log10(1 / mean squared error), at most 100 dB.

    The mean over the samples, each of which has its own ratio, and ``@best``, that of the sample nearest to the truth. The
    more alike the higher, so a pool with the right variety has a lower mean than the one picture that is the average of all.
    """

    unit = "dB"
    source = "cGML, appendix 3.2 and Table 3; peak signal 1"

    def likeness(self, samples: Tensor, y: Tensor) -> Tensor:
        error = (samples - y[:, None]).square().flatten(2).mean(2)
        return (-10 * error.log10()).clamp(max=CAP)


class SSIM(_Likeness):
    """The structural similarity of the pictures: 1 where they are alike, about 0 where nothing corresponds.

    Means, variances and covariances under a Gaussian window of 11 pixels (sigma 1.5), taken wherever the whole window lies
    in the picture, with K1 = 0.01 and K2 = 0.03, and averaged over pixels and channels. The mean over the samples, and
    ``@best``, that of the sample most alike. Pictures of fewer than 11 pixels a side have none.
    """

    unit = "structural similarity"
    source = "Wang, Bovik, Sheikh and Simoncelli 2004, equation 13; cGML, Table 3"
    least: ClassVar[int] = WINDOW

    def likeness(self, samples: Tensor, y: Tensor) -> Tensor:
        down, across = (_window(size, samples.device, samples.dtype) for size in samples.shape[-2:])

        def blurred(pictures: Tensor) -> Tensor:  # two plain products, the second of the rows as columns: the mean is the same
            return (pictures @ across).mT.contiguous() @ down

        y = y[:, None]
        mean, mean_y = blurred(samples), blurred(y)
        product = mean * mean_y
        squares = mean.square() + mean_y.square()
        covariance = blurred(samples * y).sub_(product)
        variances = blurred(samples.square()).add_(blurred(y.square())).sub_(squares)
        c1, c2 = K1**2, K2**2
        top = product.mul_(2).add_(c1).mul_(covariance.mul_(2).add_(c2))
        return top.div_(squares.add_(c1).mul_(variances.add_(c2))).flatten(2).mean(2)


@lru_cache(16)
def _window(size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The Gaussian window at each place as the columns of a matrix (size, size - 10): to multiply with is to filter."""
    weights = torch.exp(-(torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2).square() / (2 * SIGMA**2))
    places = torch.arange(size - WINDOW + 1)
    matrix = torch.zeros(size, len(places), dtype=torch.float64)
    for i, weight in enumerate(weights / weights.sum()):
        matrix[places + i, places] = weight
    return matrix.to(device, dtype)
