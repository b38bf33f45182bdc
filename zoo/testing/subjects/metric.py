"""A metric under check, with pools to measure and a run to show it: a task, its data and a model of a few lines, made here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from zoo.contracts import make
from zoo.contracts.metric import Fitted, Metric, NotApplicable
from zoo.contracts.model import Model
from zoo.contracts.task import Task
from zoo.data.items import Attributes
from zoo.data.pairs import Pairs, Truth
from zoo.data.records import Data, Split, check_split
from zoo.testing.subjects.model import Shape, flat, spread
from zoo.testing.subjects.task import FewRecords
from zoo.testing.verdicts import Skipped, Subject, require
from zoo.utils.noise import Noise

KINDS = ("light", "dark")
"""The classes of the items, and the attributes where x is a vector of them."""
TRAIN, TEST, DRAWS = 64, 16, 4
SPREAD = 0.2  # of the two answers for an x from their middle
WORLDS: tuple[tuple[Shape, Shape, str], ...] = (
    ((1, 16, 16), (1, 16, 16), "photo"),
    ((1, 16, 16), (3, 16, 16), "photo"),
    ((2,), (3, 16, 16), "attributes"),
    ((6,), (4,), "numbers"),
)
"""Shapes of x and y, and what the item of the task is: a metric is checked in the first that it applies to."""


@dataclass(frozen=True)
class WorldConfig:
    names: tuple[str, ...] = KINDS


class WorldTask(Task):
    """Every x is light or dark, and every y one of two: x made lighter, or darker."""

    Config = WorldConfig

    def __init__(self, x_shape: Shape, y_shape: Shape, item: str) -> None:
        super().__init__()
        self.x_shape, self.y_shape = x_shape, y_shape
        self.item = item  # type: ignore[misc]  # each of these tasks has its own

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """x, and y around the light of x, with both answers in the pool, two modes; no digest, so that nothing is kept."""
        records = data.read(split, seed=seed)
        assert records.attributes is not None
        g = torch.Generator().manual_seed(len(records))
        x = kinds = torch.from_numpy(records.attributes.values)
        if self.item != "attributes":
            x = 0.2 + 0.5 * spread(kinds[:, 0], self.x_shape) + 0.1 * torch.rand(len(kinds), *self.x_shape, generator=g)
        base = 0.3 + 0.4 * spread(kinds[:, 0], self.y_shape)
        side = torch.randint(0, 2, base.shape, generator=g) * 2 - 1
        base = base + 0.05 * torch.rand(len(kinds), *self.y_shape, generator=g)
        answers = base[:, None] + SPREAD * spread(torch.arange(DRAWS) % 2 * 2 - 1, self.y_shape)
        modes, y_mode = (torch.arange(DRAWS) % 2).expand(len(x), -1), (side.flatten(1).float().mean(1) > 0).long()
        truth = Truth.of(modes, y_mode, torch.full((len(x), 2), 0.5))
        return Pairs(x, base + SPREAD * side, pool=answers, names=records.names, truth=truth)

    def condition(self, item: Any) -> tuple[Tensor, Any]:
        return flat(0.5, self.x_shape)[0], None

    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        return (255 * y.flatten(1).mean(1).clamp(0, 1)).to(torch.uint8).cpu().view(-1, 1, 1, 1).expand(-1, 1, 1, 3)

    def solids(self, y: Tensor) -> Tensor:
        """A cube of as many voxels a side as y has numbers, at most four, filled where y is light."""
        row = y.flatten(1)[:, :4].cpu() > 0.5
        return row[:, :, None, None] & row[:, None, :, None] & row[:, None, None, :]


class WorldData(Data):
    kind: ClassVar[str] = "world"

    def read(self, split: Split, *, seed: int = 0) -> FewRecords:
        count = TRAIN if check_split(split) == "train" else TEST
        records = FewRecords(split, count, (16, 16))
        records.attributes = Attributes.classes(KINDS, np.arange(count) % 2)
        return records


class WorldModel(Model):
    """Noise around the light of x, with a code and a bound; not fitted to anything."""

    def __init__(self, x_shape: Shape, y_shape: Shape) -> None:
        super().__init__(x_shape, y_shape)
        self.scale = nn.Parameter(torch.ones(3))
        self.fitted = True

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        return spread(code.flatten(1).mean(1), (n, *self.y_shape)) + 0.1 * noise.normal(n, *self.y_shape)

    def features(self, x: Tensor) -> Tensor:
        code = x.flatten(1)
        return torch.stack([code[:, 0], code.mean(1), code.amax(1)], 1) * self.scale.detach()

    def evidence(self, y: Tensor, x: Tensor, *, seed: int = 0) -> dict[str, Tensor]:
        off = y.flatten(1) - x.flatten(1).mean(1, keepdim=True)
        return {"mse": off.square().sum(1), "kl": off.abs().mean(1)}


def world(x_shape: Shape, y_shape: Shape, item: str) -> Fitted:
    """A run of :class:`WorldModel` with y of this shape, its test pairs with the true answers."""
    task, data = WorldTask(x_shape, y_shape, item), WorldData()
    model = WorldModel(x_shape, y_shape)
    return Fitted(model, task, data, task.pairs(data, "test", pool=DRAWS), 0)


ITEMS, N = 6, 12
"""Items and samples an item of the pools."""
NOWHERE = "what the metric measures, or takes, cannot be had here"


class Pools(NamedTuple):
    """Input of a metric: samples (B, n, *y_shape), y, x, true draws (B, M, *y_shape), a density (B,) and places (B,)."""

    samples: Tensor
    y: Tensor
    x: Tensor
    pool: Tensor
    density: Tensor
    places: Tensor

    def take(self, index: Tensor) -> Pools:
        return Pools(*(part[index] for part in self))


class MetricSubject(Subject):
    kind = "metric"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._prepared: dict[tuple[Shape, str], Metric] = {}

    @cached_property
    def metric(self) -> Metric:
        return make.metric(self.name)

    @cached_property
    def cls(self) -> type[Metric]:
        return type(self.metric)

    def anew(self) -> MetricSubject:
        return type(self)(self.name)

    @cached_property
    def run(self) -> Fitted:
        """The run that it is shown: the first of those made here that it applies to; Skipped where there is none."""
        for fitted in (world(*shapes) for shapes in WORLDS):
            with suppress(NotApplicable):
                self.prepared(fitted)
                return fitted
        raise Skipped(NOWHERE)

    def pools(self, items: int = ITEMS, n: int = N, y_shape: Shape | None = None, scale: float = 1.0, seed: int = 0) -> Pools:
        """Pools around the truth of some of the test pairs of a run with y of this shape, or of one the metric is made for."""
        pairs = (self.run if y_shape is None else self.run_with(y_shape)).pairs
        g = torch.Generator().manual_seed(seed)
        index = (torch.arange(items) + seed) % len(pairs)
        part = pairs.subset(index)
        assert part.pool is not None
        samples = part.y[:, None] + 0.1 * torch.randn(items, n, *part.y_shape, generator=g)
        return Pools(scale * samples, scale * part.y, part.x, scale * part.pool, -10 * torch.rand(items, generator=g), index)

    def run_with(self, y_shape: Shape) -> Fitted:
        """:attr:`run`, if y has this shape in it; else one in which it has."""
        return self.run if self.run.task.y_shape == y_shape else world((1, 16, 16), y_shape, "photo")

    def prepared(self, fitted: Fitted) -> Metric:
        """The metric, after it has seen this run; NotApplicable where it does not apply to it."""
        key = (fitted.task.y_shape, fitted.task.item)
        if key not in self._prepared:
            metric = make.metric(self.name)
            metric.prepare(fitted)
            self._prepared[key] = metric
        return self._prepared[key]

    def values(self, pools: Pools) -> Mapping[str, Tensor]:
        """The values of the metric, tensors by suffix, for pools, given all that the core gives every metric."""
        metric = self.prepared(self.run_with(tuple(pools.y.shape[1:])))
        density = pools.density if metric.needs == "joint_log_prob" else None
        values = metric(pools.samples, pools.y, x=pools.x, pool=pools.pool, joint_log_prob=density, index=pools.places)
        right = isinstance(values, Mapping) and all(isinstance(value, Tensor) for value in values.values())
        require(right, f'it gave {type(values).__name__}; it must be a mapping from suffixes to tensors: {{"": values}}')
        require(values, "it gave no values")
        return values

    def scores(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The scores that the metric makes of values (..., N) of N items, (...) by suffix; of departures, their size."""
        given = self.prepared(self.run).reduce({suffix: value.double().cpu() for suffix, value in values.items()})
        right = isinstance(given, Mapping) and all(isinstance(score, Tensor) for score in given.values())
        require(right, f"reduce gave {type(given).__name__}; it must be a mapping from suffixes to tensors")
        return {suffix: score.abs() if self.metric.right_at_zero else score for suffix, score in given.items()}

    def truth_and_noise(self) -> tuple[Pools, Pools]:
        near = self.pools()
        g = torch.Generator().manual_seed(1)
        noise = 5 + 3 * torch.randn(near.samples.shape, generator=g)
        truth = near.y[:, None].expand_as(near.samples).clone()
        return near._replace(samples=truth), near._replace(samples=noise, density=near.density - 1000)
