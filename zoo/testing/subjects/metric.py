"""A metric under check, with pools to measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property

import torch
from torch import Tensor

from zoo.contracts import make
from zoo.contracts.metric import Fitted, Metric, NotApplicable
from zoo.testing.subjects.model import Shape
from zoo.testing.subjects.subject import Subject
from zoo.testing.subjects.worlds import WORLDS, world
from zoo.testing.verdicts import Broken, require, skip

ITEMS, N = 6, 12
"""Items and samples an item of the pools."""
NOWHERE = "what the metric measures, or takes, cannot be had here"


@dataclass(frozen=True)
class Pools:
    """Input of a metric: samples (B, n, *y_shape), y, x, true draws (B, M, *y_shape), a density (B,) and places (B,)."""

    samples: Tensor
    y: Tensor
    x: Tensor
    pool: Tensor
    density: Tensor
    index: Tensor

    def take(self, index: Tensor) -> Pools:
        """The items at ``index``."""
        return Pools(*(getattr(self, field.name)[index] for field in fields(self)))

    def to(self, device: str) -> Pools:
        """The same on ``device``, but for the places."""
        return replace(self, **{field.name: getattr(self, field.name).to(device) for field in fields(self)[:-1]})


class MetricSubject(Subject):
    """A metric under check, which is shown a run that is made here (:mod:`.worlds`)."""

    kind = "metric"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._prepared: dict[tuple[Shape, str], Metric | NotApplicable] = {}

    @cached_property
    def metric(self) -> Metric:
        """The metric itself, shown no run."""
        return make.metric(self.name)

    @property
    def cls(self) -> type[Metric]:
        return type(self.metric)

    @property
    def sees_runs(self) -> bool:
        """Whether it has to be shown a run first."""
        return self.metric.needs == "fitted"

    def anew(self) -> MetricSubject:
        """The same metric, which has seen nothing."""
        return type(self)(self.name)

    @cached_property
    def run(self) -> Fitted:
        """The run that it is shown: the first of those made here that it applies to.

        Raises:
            Skipped: it applies to none of them.
        """
        for shapes in WORLDS:
            fitted = world(*shapes)
            if not isinstance(self._shown(fitted), NotApplicable):
                return fitted
        skip(NOWHERE)

    def pools(self, items: int = ITEMS, n: int = N, y_shape: Shape | None = None, scale: float = 1.0, seed: int = 0) -> Pools:
        """Pools around the truth of some of the test pairs of a run with y of this shape; other ones for another seed.

        Where no shape is named, it is one that the metric is made for. ``scale`` multiplies y.
        """
        pairs = (self.run if y_shape is None else self._run_with(y_shape)).pairs
        g = torch.Generator().manual_seed(seed)
        index = (torch.arange(items) + seed) % len(pairs)
        part = pairs.subset(index)
        assert part.pool is not None
        samples = part.y[:, None] + 0.1 * torch.randn(items, n, *part.y_shape, generator=g)
        return Pools(scale * samples, scale * part.y, part.x, scale * part.pool, -10 * torch.rand(items, generator=g), index)

    def prepared(self, y_shape: Shape) -> Metric:
        """The metric, after it has seen a run with y of this shape.

        Raises:
            NotApplicable: it does not apply to such runs.
        """
        shown = self._shown(self._run_with(y_shape))
        if isinstance(shown, NotApplicable):
            raise shown
        return shown

    def _run_with(self, y_shape: Shape) -> Fitted:
        """:attr:`run`, if y has this shape in it; else one in which it has."""
        return self.run if self.run.task.y_shape == y_shape else world((1, 16, 16), y_shape, "photo")

    def _shown(self, fitted: Fitted) -> Metric | NotApplicable:
        key = (fitted.task.y_shape, fitted.task.item)
        if key not in self._prepared:
            metric = make.metric(self.name)
            try:
                metric.prepare(fitted)
            except NotApplicable as error:
                self._prepared[key] = error
            else:
                self._prepared[key] = metric
        return self._prepared[key]

    def values(self, pools: Pools) -> Mapping[str, Tensor]:
        """The values of the metric for pools, given all that the core gives every metric.

        Raises:
            Broken: it gives something other than tensors by suffix.
            NotApplicable: it has to see a run, and does not apply to those with y of this shape.
        """
        metric = self.prepared(tuple(pools.y.shape[1:]))
        density = pools.density if metric.needs == "joint_log_prob" else None
        values = metric(pools.samples, pools.y, x=pools.x, pool=pools.pool, joint_log_prob=density, index=pools.index)
        if not isinstance(values, Mapping) or not all(isinstance(value, Tensor) for value in values.values()):
            raise Broken(f'it gave {type(values).__name__}; it must be a mapping from suffixes to tensors: {{"": values}}')
        require(values, "it gave no values")
        return values

    def truth_and_noise(self) -> tuple[Pools, Pools]:
        """Pools of the truth alone, and pools of noise far from it, of the same items."""
        near = self.pools()
        g = torch.Generator().manual_seed(1)
        noise = 5 + 3 * torch.randn(near.samples.shape, generator=g)
        truth = near.y[:, None].expand_as(near.samples).clone()
        return replace(near, samples=truth), replace(near, samples=noise, density=near.density - 1000)
