"""A metric under check, with pools to measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from zoo import make
from zoo.metric import Metric
from zoo.testing.checking import Broken, require
from zoo.testing.model_subject import fields
from zoo.testing.subjects import Subject

ITEMS, N = 6, 12
"""Items and samples an item of the pools."""


@dataclass(frozen=True)
class Pools:
    """What a metric is given: samples (B, n, *y_shape), y, x, true draws (B, M, *y_shape), and a density (B,)."""

    samples: Tensor
    y: Tensor
    x: Tensor
    pool: Tensor
    density: Tensor

    def take(self, index: Tensor) -> Pools:
        """The items at ``index``."""
        return Pools(self.samples[index], self.y[index], self.x[index], self.pool[index], self.density[index])

    def to(self, device: str) -> Pools:
        """The same on ``device``."""
        return Pools(*(value.to(device) for value in (self.samples, self.y, self.x, self.pool, self.density)))


class MetricSubject(Subject):
    """A metric under check."""

    kind = "metric"

    @cached_property
    def metric(self) -> Metric:
        """The metric itself."""
        return make.metric(self.name)

    @property
    def cls(self) -> type[Metric]:
        return type(self.metric)

    def values(self, pools: Pools) -> Mapping[str, Tensor]:
        """What the metric says of pools, given all that the core gives every metric.

        Raises:
            Broken: it gives something other than tensors by suffix.
        """
        density = pools.density if self.metric.needs == "joint_log_prob" else None
        found = self.metric(pools.samples, pools.y, x=pools.x, pool=pools.pool, joint_log_prob=density)
        if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
            raise Broken(f'it gave {type(found).__name__}; it must be a mapping from suffixes to tensors: {{"": values}}')
        require(found, "it gave no values")
        return found


def pools(items: int = ITEMS, n: int = N, y_shape: tuple[int, ...] = (1, 16, 16), scale: float = 1.0, seed: int = 0) -> Pools:
    """Pools around the truth, with true draws and a density that knows it."""
    g = torch.Generator().manual_seed(seed)
    pairs = fields(items, (1, 16, 16), y_shape, seed=seed, scale=scale)

    def around(count: int) -> Tensor:
        return pairs.y[:, None] + 0.1 * scale * torch.randn(items, count, *y_shape, generator=g)

    return Pools(around(n), pairs.y, pairs.x, around(4), -10 * torch.rand(items, generator=g))


def truth_and_noise() -> tuple[Pools, Pools]:
    """Pools of the truth alone, and pools of noise far from it, of the same items."""
    near = pools()
    g = torch.Generator().manual_seed(1)
    noise = 5 + 3 * torch.randn(near.samples.shape, generator=g)
    truth = near.y[:, None].expand_as(near.samples).clone()
    return replace(near, samples=truth), replace(near, samples=noise, density=near.density - 1000)
