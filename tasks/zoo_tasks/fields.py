"""The base of tasks whose x and y are small square fields: their sizes, for training crops too, and pairs of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from zoo import Pairs, Records, RequestError, Split, Task
from zoo_tasks.resize import Float

Computed = Callable[[tuple[int, ...]], dict[str, Float]]
"""From the sides of fields to ``x32`` and ``y32`` (N, C, 32, 32), ... for each of them."""

WIDE = 1.5
"""The side of the fields that training crops from, in sides of the model's: windows show 2/3 to all of the photo."""


@dataclass(frozen=True)
class Sized:
    """A config with the ``size`` of the fields given to models, in pixels."""

    size: int = 32
    least: ClassVar[int] = 4

    def __post_init__(self) -> None:
        if not self.least <= self.size <= 256:
            raise RequestError(f"size is {self.size}; it must be {self.least} to 256")


class FieldTask(Task):
    """A task of fields of photos; its config is :class:`Sized`, and its setting ``crops`` says whether training crops.

    Attributes:
        channels: of x and y.
        known: the names of x and y in :meth:`zoo.Records.known`.
    """

    channels: ClassVar[tuple[int, int]] = (1, 1)
    known: ClassVar[tuple[str, str]]

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.x_shape, self.y_shape = ((channels, self.config.size, self.config.size) for channels in self.channels)

    def sides(self, split: Split) -> tuple[int, ...]:
        """The side of the model's fields and, for training with ``crops``, that of the larger ones."""
        size = self.config.size
        return (size, round(WIDE * size)) if self.config.crops and split == "train" else (size,)

    def known_pairs(self, records: Records, split: Split, pool: int, computed: Computed, **more: Any) -> Pairs:
        """Pairs of the fields that the data knows, with ``pool`` true draws where there are any, or else of ``computed``."""
        size = self.config.size
        known = records.known(*self.known, size=size)
        if known is not None:
            x, y = ([torch.from_numpy(known[name])] for name in self.known)
        else:
            sides = self.sides(split)
            x, y = both(computed(sides), sides)
        drawn = records.pool(self.known[1], pool, size=size) if pool > 0 else None
        return pairs(records, x, y, pool=None if drawn is None else torch.from_numpy(drawn), **more)


def both(fields: dict[str, Float], sides: tuple[int, ...]) -> tuple[list[Tensor], list[Tensor]]:
    """x and y at each of the sides, of ``x32``, ``y32``, ..."""
    x, y = ([torch.from_numpy(fields[f"{name}{side}"]) for side in sides] for name in "xy")
    return x, y


def pairs(records: Records, x: list[Tensor], y: list[Tensor], **more: Any) -> Pairs:
    """Pairs of fields at one or two sides; from the second, training draws crops."""
    wide = (x[1].half(), y[1].half()) if len(x) > 1 else None
    return Pairs(x=x[0], y=y[0], wide=wide, names=records.names, digest=records.digest, **more)


def check_finite(y: Tensor) -> None:
    """Refuse fields y with a RequestError where a value is not finite."""
    if not torch.isfinite(y).all():
        raise RequestError("y has values that are not finite; every value must be a number")


def check_channels(channels: int) -> None:
    """Refuse any other number of channels of a picture than 1 and 3 with a RequestError."""
    if channels not in (1, 3):
        raise RequestError(f"channels is {channels}; it must be 3 for colour or 1 for grey")
