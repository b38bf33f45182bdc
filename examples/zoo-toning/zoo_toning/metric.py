"""How much of p(y | x) a pool of samples misses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor

import zoo


class MissedDraws(zoo.Metric):
    """How far true draws of p(y | x) are from the nearest sample: the mean over the draws, root mean square a number of y.

    A pool that knows one of two kinds of answers leaves half of the draws far away, however good its samples are; a pool
    that holds both, and nothing else, is near to all of them. It does not see samples that are wrong. Where the data
    knows no draws, y is the only one.
    """

    unit: ClassVar[str] = "root mean square value"
    better: ClassVar[Literal["lower", "higher"]] = "lower"
    source: ClassVar[str] = "this package; a distance in place of the recall of Kynkaanniemi et al. 2019, eq. 2"

    def __call__(
        self, samples: Tensor, y: Tensor, *, pool: Tensor | None = None, **known: Tensor | None
    ) -> Mapping[str, Tensor]:
        draws = y[:, None] if pool is None else pool
        flat, truth = samples.flatten(2), draws.flatten(2).to(samples)
        distance = torch.cdist(truth, flat, compute_mode="donot_use_mm_for_euclid_dist")
        return {"": distance.amin(2).mean(1) / flat.shape[2] ** 0.5}
