"""A run to show the metrics that have to see one: a task, its data and a model of a few lines, all made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.contracts.metric import Fitted
from zoo.contracts.model import Model
from zoo.contracts.task import Task
from zoo.data.pairs import Pairs
from zoo.data.records import Attributes, Data, Image, Split, check_split
from zoo.testing.subjects.model import Shape, flat
from zoo.testing.subjects.task import FewRecords, photo
from zoo.utils.noise import Noise

KINDS = ("light", "dark")
"""The classes of the items, and the attributes where x is a vector of them."""
TRAIN, TEST, DRAWS = 64, 16, 4
SPREAD = 0.2
"""How far the two answers for an x are from their middle."""
WORLDS: tuple[tuple[Shape, Shape, str], ...] = (
    ((1, 16, 16), (1, 16, 16), "photo"),
    ((1, 16, 16), (3, 16, 16), "photo"),
    ((2,), (3, 16, 16), "attributes"),
    ((6,), (4,), "numbers"),
)
"""Shapes of x and y, and what the item of the task is: a metric is checked in the first that it applies to."""


@dataclass(frozen=True)
class WorldConfig:
    """Settings of :class:`WorldTask`: the names of the attributes."""

    names: tuple[str, ...] = KINDS


class WorldTask(Task):
    """Every x is light or dark, and every y one of two: x made lighter, or darker."""

    Config = WorldConfig

    def __init__(self, x_shape: Shape, y_shape: Shape, item: str) -> None:
        super().__init__()
        self.x_shape, self.y_shape = x_shape, y_shape
        self.item = item  # type: ignore[misc]  # each of these tasks has its own

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """x, and y around the light of x, with both answers in the pool; no digest, so that nothing is kept for them."""
        records = data.read(split, seed=seed)
        assert records.attributes is not None
        g = torch.Generator().manual_seed(len(records))
        light = torch.from_numpy(records.attributes.values[:, :1])
        if self.item == "attributes":
            x = torch.cat([light, 1 - light], 1)
        else:
            x = 0.2 + 0.5 * light.view(-1, *[1] * len(self.x_shape)) + 0.1 * torch.rand(len(light), *self.x_shape, generator=g)
        base = 0.3 + 0.4 * light.view(-1, *[1] * len(self.y_shape))
        side = torch.randint(0, 2, base.shape, generator=g) * 2 - 1
        base = base + 0.05 * torch.rand(len(light), *self.y_shape, generator=g)
        sides = (torch.arange(DRAWS) % 2 * 2 - 1).view(1, DRAWS, *[1] * len(self.y_shape))
        answers = base[:, None] + SPREAD * sides
        return Pairs(x, base + SPREAD * side, pool=answers, names=records.names)

    def condition(self, item: Any) -> tuple[Tensor, Any]:
        """A grey x: no photo is looked at."""
        return flat(0.5, self.x_shape)[0], None

    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """Pictures of one pixel, as light as y."""
        return (255 * y.flatten(1).mean(1).clamp(0, 1)).to(torch.uint8).cpu().view(-1, 1, 1, 1).expand(-1, 1, 1, 3)

    def solids(self, y: Tensor) -> Tensor:
        """A cube of as many voxels a side as y has numbers, at most four, filled where y is light."""
        row = y.flatten(1)[:, :4].cpu() > 0.5
        return row[:, :, None, None] & row[:, None, :, None] & row[:, None, None, :]


class WorldData(Data):
    """Items of two classes."""

    kind: ClassVar[str] = "world"

    def read(self, split: Split, *, seed: int = 0) -> WorldRecords:
        return WorldRecords(check_split(split))


class WorldRecords(FewRecords):
    """The records of :class:`WorldData`: every other item is light."""

    def __init__(self, split: Split) -> None:
        count = TRAIN if split == "train" else TEST
        self.names = [f"{split} item {i}" for i in range(count)]
        self.digest = ("2" if split == "train" else "3") * 64
        self._light: NDArray[np.float32] = (np.arange(count) % 2 == 0).astype(np.float32)

    @property
    def attributes(self) -> Attributes:
        return Attributes(KINDS, np.stack([self._light, 1 - self._light], 1), exclusive=True)

    def image(self, index: int) -> Image:
        return photo(16, 16, seed=index)


class WorldModel(Model):
    """Noise around the light of x, with a code and a bound; not fitted to anything."""

    def __init__(self, x_shape: Shape, y_shape: Shape) -> None:
        super().__init__(x_shape, y_shape)
        self.scale = nn.Parameter(torch.ones(3))
        self.fitted = True

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        middle = code.flatten(1).mean(1).view(-1, 1, *[1] * len(self.y_shape))
        return middle + 0.1 * noise.normal(n, *self.y_shape)

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
