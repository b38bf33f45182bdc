"""Pairs as they are given: x and y are numbers or fields of any shape, and nothing is made of them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo import Data, Pairs, Records, RequestError, Split, Task, one_line, read_array, read_image, user_path
from zoo_tasks.fields import Float, check_finite, square
from zoo_tasks.plots import drawn

SEPARATE = 64
"""Numbers or channels of x, up to which each has a range of its own."""


@dataclass(frozen=True)
class GivenConfig:
    """Settings of the pairs task, all of which the data decides where they are not given.

    Attributes:
        x_shape, y_shape: of one x and one y: (D,), or (C, h, w), ...
        x_low, x_high: the range of x in the training pairs, one for each number of a vector or channel of a field, or one for
            all: models are given (x - x_low) / (x_high - x_low).
        y_low, y_high: the range of y in the training pairs, which pictures of it show.
        unit: of the numbers of y, as words; ``""`` for shares in [0, 1].
    """

    x_shape: tuple[int, ...] = (1,)
    y_shape: tuple[int, ...] = (3,)
    x_low: tuple[float, ...] = (-1.0,)
    x_high: tuple[float, ...] = (1.0,)
    y_low: float = -4.0
    y_high: float = 4.0
    unit: str = "units of y"

    def __post_init__(self) -> None:
        for name, shape in (("x_shape", self.x_shape), ("y_shape", self.y_shape)):
            if not shape or min(shape) < 1:
                raise RequestError(f"{name} is {shape}; it must be whole numbers above 0")
        if len(self.x_low) != len(self.x_high) or len(self.x_low) not in (1, self.x_shape[0]):
            raise RequestError(
                f"x_low and x_high have {len(self.x_low)} and {len(self.x_high)} numbers; they have 1 or x_shape[0]"
            )
        if any(low >= high for low, high in zip(self.x_low, self.x_high, strict=True)) or self.y_low >= self.y_high:
            raise RequestError("a range ends at its beginning or before: x_low must be below x_high, and y_low below y_high")


@dataclass(frozen=True)
class Shares:
    """Pairs that training draws anew (:attr:`zoo.Pairs.anew`), with x as ``shares``."""

    anew: Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor]]
    shares: Callable[[Tensor], Tensor]

    def __call__(self, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """x and y (B, ...) of the items at ``index`` (B,)."""
        x, y = self.anew(index, generator)
        return self.shares(x.float()), y.float()

    def each(self, function: Callable[[Tensor], Tensor]) -> Shares:
        """``function`` of every tensor that has a row an item."""
        return replace(self, anew=self.anew.each(function))  # type: ignore[attr-defined]


class GivenPairs(Task):
    """Pairs as they are given: in memory (``zoo.run(..., data=(x, y))``), in a file (``arrays:FILE``), by any data of x and y.

    y is what the data has, in its own units. x is brought to [0, 1] by its range in the training pairs. Samples are shown as
    pictures where y is a field, as a table with bars where it is a few numbers, and as a curve where it is many.
    """

    Config = GivenConfig
    data = "branches"
    x_name, y_name, y_unit, item = "given x", "given y", "units of y", "numbers"
    shows_truth = False
    config: GivenConfig

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.x_shape, self.y_shape = self.config.x_shape, self.config.y_shape
        self.y_unit = self.config.unit  # type: ignore[misc]
        self._low, self._span = (
            torch.tensor(part, dtype=torch.float32, device="cpu").view(-1, *[1] * (len(self.x_shape) - 1))
            for part in (self.config.x_low, [b - a for a, b in zip(self.config.x_low, self.config.x_high, strict=True)])
        )

    def settings_of(self, data: Data) -> Mapping[str, Any]:
        """All settings, of the training pairs."""
        pairs = _given(data, data.read("train"))
        parts = pairs.x.unbind(1) if pairs.x_shape[0] <= SEPARATE else [pairs.x]
        ranges = [(0.0, 1.0)] if _plain(pairs.x) else [_range(part) for part in parts]
        low, high = (0.0, 1.0) if _plain(pairs.y) else _range(pairs.y)
        return {
            "x_shape": pairs.x_shape,
            "y_shape": pairs.y_shape,
            "x_low": tuple(part[0] for part in ranges),
            "x_high": tuple(part[1] for part in ranges),
            "y_low": low,
            "y_high": high,
            "unit": "" if _plain(pairs.y) else "units of y",
        }

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """The pairs that the data has, x as shares; a RequestError refuses data without x and y, or of other shapes."""
        records = data.read(split, seed=seed)
        pairs = _given(data, records)
        if (pairs.x_shape, pairs.y_shape) != (self.x_shape, self.y_shape):
            told = f"{data} has pairs of {pairs.x_shape} -> {pairs.y_shape} for {split}"
            raise RequestError(f"{told}, and the task is for {self.x_shape} -> {self.y_shape}: leave out x_shape and y_shape")
        drawn = records.pool("y", pool) if pool > 0 else None
        true = None if drawn is None else torch.from_numpy(np.ascontiguousarray(drawn, np.float32))
        truth = None if true is None else records.truth("y", true.shape[1])
        wide = pairs.wide and (self._shares(pairs.wide[0].float()).half(), pairs.wide[1])
        anew = pairs.anew and Shares(pairs.anew, self._shares)
        return replace(pairs, x=self._shares(pairs.x), wide=wide, anew=anew, pool=true, truth=truth)

    def _shares(self, x: Tensor) -> Tensor:
        return (x - self._low.to(x.device)) / self._span.to(x.device)

    def read(self, given: Any) -> Float:
        """x (*x_shape) in its own units: numbers with commas, a ``.npy`` file, an array; or a picture, where x is one.

        Anything else is refused with a RequestError.
        """
        value = given
        if isinstance(given, (str, os.PathLike)):
            value = self._file(given)
        try:
            array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
            if array.ndim == 3 and array.dtype == np.uint8 and array.shape[2] == 3 and self._picture:
                return square(array, self.x_shape[1], self.x_shape[0])
            array = array.astype(np.float32)
        except (TypeError, ValueError):
            raise RequestError(f"x is {one_line(repr(given))[:60]}; it must be numbers") from None
        array = array.reshape(1) if array.ndim == 0 else array
        if array.shape != self.x_shape or not np.isfinite(array).all():
            raise RequestError(f"x has shape {array.shape}; it must be {self.x_shape}, finite")
        return array

    @property
    def _picture(self) -> bool:
        shape = self.x_shape
        return len(shape) == 3 and shape[0] in (1, 3) and shape[1] == shape[2] and self.config.x_low == (0.0,)

    def _file(self, given: str | os.PathLike[str]) -> Any:
        text = os.fspath(given)
        with_commas: Sequence[str] = text.split(",")
        try:
            return np.array([float(part) for part in with_commas], np.float32)
        except ValueError:
            pass
        path = user_path(text)
        if Path(path).suffix.lower() == ".npy":
            return read_array(path)
        if self._picture:
            return read_image(path)
        raise RequestError(
            f"x is {one_line(text)[:60]!r}; it must be {math.prod(self.x_shape)} numbers with commas, or a .npy file"
        )

    def item_of(self, records: Records, index: int) -> Float:
        """x of one of the records, in its own units."""
        return _given("this data", records).x[index].numpy()

    def condition(self, item: Any) -> tuple[Tensor, Float]:
        """x (*x_shape) as shares, and in its own units."""
        own = self.read(item)
        return self._shares(torch.from_numpy(np.ascontiguousarray(own))), own

    def compose(self, context: Float, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """Each of n finite y (n, *y_shape), drawn by itself: a picture, a table with bars, or a curve."""
        self.check_fields(y, x_hat)
        check_finite(y)
        shares = (y.detach().cpu().double() - self.config.y_low) / (self.config.y_high - self.config.y_low)
        return torch.from_numpy(
            np.stack([drawn(one, value) for one, value in zip(shares.numpy(), y.cpu().numpy(), strict=True)])
        )

    def render(self, x: Tensor, y: Tensor) -> Tensor | None:
        """y itself, where it is grey or R, G, B, in its range."""
        if len(self.y_shape) != 3 or self.y_shape[0] not in (1, 3):
            return None
        return ((y - self.config.y_low) / (self.config.y_high - self.config.y_low)).clamp(0, 1)


def _given(data: Data | str, records: Records) -> Pairs:
    pairs = records.pairs()
    if pairs is None:
        raise RequestError(f"{data} has no x and y of its own; the task pairs takes arrays:FILE, and (x, y) in Python")
    return pairs


def _plain(values: Tensor) -> bool:
    """Whether all of them are shares in [0, 1]."""
    return float(values.min()) >= 0 and float(values.max()) <= 1


def _range(values: Tensor) -> tuple[float, float]:
    """A range of round numbers that holds all of them, less than a twentieth of their order of magnitude too wide."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low - 0.5, high + 0.5
    step = 10 ** math.floor(math.log10(high - low)) / 20
    low, high = (float(f"{end * step:.12g}") for end in (math.floor(low / step), math.ceil(high / step)))
    return low, high
