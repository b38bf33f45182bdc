"""The worth of a pool of samples: the two numbers of paper 2 (embedding guidance), section 5.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from zoo import Metric

SAMPLE_COUNTS = (3, 10, 30, 60, 100)


class ErrorOfBest(Metric):
    """The squared error of the sample closest to the ground truth, a pixel, among the first 3, 10, 30, 60 and 100.

    The first k samples are a draw of k of their own (and the k nearest neighbours where samples are ranked). It rewards a
    pool that comes close once; how probable that sample was, and whether the others are right, do not enter: it is no
    proper score, and a pool narrower than p(y | x) can have the better value.
    """

    unit = "squared error a pixel"
    better = "lower"
    source = "paper 2 (embedding guidance), section 5.2"
    expected_failures: ClassVar[Mapping[str, str]] = {
        "the_order_of_the_samples_does_not_matter": "it takes the first k, in the order in which neighbours are ranked"
    }

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        errors = (samples - y[:, None]).square().flatten(2).mean(2)
        best = errors.cummin(1).values
        n = errors.shape[1]
        counts = [k for k in SAMPLE_COUNTS if k <= n] or [n]
        return {f"@{k}": best[:, k - 1] for k in counts}


class GridVariance(Metric):
    """The variance over the pool at 4 x 4 equally spaced pixels, averaged over them (and over channels).

    For y without two spatial dimensions, all of its numbers are taken. The variance is the sample variance (divided by
    n - 1); a pool of one has variance 0.
    """

    unit = "squared value"
    better = "higher"
    source = "paper 2 (embedding guidance), section 5.2"
    expected_failures: ClassVar[Mapping[str, str]] = {
        "the_truth_is_at_least_as_good_as_noise": "it does not look at y, and noise varies most",
    }

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        if samples.ndim == 5:
            rows, columns = (_centres(size) for size in samples.shape[-2:])
            samples = samples[..., rows, :][..., columns]
        if samples.shape[1] == 1:
            return {"": samples.new_zeros(len(samples))}
        return {"": samples.flatten(2).var(1).mean(1)}


def _centres(size: int, cells: int = 4) -> Tensor:
    """The pixels in the middle of ``cells`` equal parts of a side."""
    return ((torch.arange(cells) * 2 + 1) * size) // (2 * cells)
