"""A strictly proper score of a pool of samples."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zoo import Metric


class EnergyScore(Metric):
    """E||Y - y|| - 1/2 E||Y - Y'|| over the pool, in units of the root mean square over the numbers of y.

    Y and Y' are independent draws, estimated without bias from all samples and all pairs of different samples; the
    Euclidean norm is divided by the square root of the length of y. Its expectation is least when the samples follow
    p(y | x) and nothing else is as good: unlike error_of_best it asks for the right amount of every kind of variation, fine
    detail included, and unlike variance it cannot be raised by noise. A pool of one has its distance to y.
    """

    unit = "root mean square value"
    better = "lower"
    source = "Gneiting and Raftery 2007, section 4.3, beta = 1"

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        flat, truth = samples.flatten(2), y.flatten(1)
        n, size = flat.shape[1:]
        to_truth = (flat - truth[:, None]).norm(dim=2).mean(1)
        if n == 1:
            return {"": to_truth / size**0.5}
        among = torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist" if n < 25 else "use_mm_for_euclid_dist")
        within = among.triu(1).sum((1, 2)) * 2 / (n * (n - 1))
        return {"": (to_truth - within / 2) / size**0.5}
