"""Small square fields in [0, 1] of photos, and the base of tasks whose x and y are such fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo import Image, Pairs, Records, RequestError, Split, Task

Float = NDArray[np.float32]
A = TypeVar("A", bound=NDArray[Any])
LIMIT = 32_000
"""The longest side that OpenCV resizes."""
VERSION = 1
"""Changed with what is computed of a photo, so that no stale cache is read."""
STRIP = 1 << 22
"""Pixels of a photo that are worked on at once, where each stands alone: what is made on the way takes memory too."""
WIDE = 1.5
"""The side of the fields that training crops from, in sides of the model's: windows show 2/3 to all of the photo."""


def resize(field: A, height: int, width: int) -> A:
    """``field`` (H, W) or (H, W, C) at ``(height, width)``, of the same type.

    Down, each pixel is the mean of the area that it covers, so that means are kept; up, it is interpolated. The axes
    are taken one after the other, as OpenCV averages areas only where both shrink.
    """
    import cv2

    for axis, size in ((1, width), (0, height)):
        old = field.shape[axis]
        if size == old:
            continue
        if old > LIMIT:  # evenly spaced rows or columns
            index = (np.arange(LIMIT) + 0.5) * old / LIMIT
            field, old = field.take(index.astype(np.int64), axis=axis), LIMIT
        target = (size, field.shape[0]) if axis == 1 else (field.shape[1], size)
        field = cv2.resize(field, target, interpolation=cv2.INTER_AREA if size < old else cv2.INTER_LINEAR)
    return field


def strips(height: int, width: int) -> list[slice]:
    """The rows of a photo of so many pixels, from the top, in strips of about STRIP of them; a small photo is one."""
    rows = max(1, STRIP // width)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def within(image: A, side: int) -> A:
    """``image`` with the area of a square of ``side`` pixels at most, its shape kept as nearly as pixels allow."""
    h, w = image.shape[:2]
    scale = min(1.0, side / (h * w) ** 0.5)
    return resize(image, max(1, round(h * scale)), max(1, round(w * scale)))


def square(image: Image, side: int, channels: int = 3, cut: bool = False) -> Float:
    """A photo (H, W, 3) uint8 as (channels, side, side) float32 in [0, 1], of means; one channel is luma (Rec. 601).

    With ``cut`` it is the largest square in the middle of the photo, without it the whole photo, squashed.
    """
    if cut:
        height, width = image.shape[:2]
        edge = min(height, width)
        top, left = (height - edge) // 2, (width - edge) // 2
        image = image[top : top + edge, left : left + edge]
    if channels == 1:
        import cv2

        image = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[..., None]
    small = resize(image.astype(np.float32), side, side).reshape(side, side, channels)
    return np.clip(np.ascontiguousarray(small.transpose(2, 0, 1)) / np.float32(255), 0, 1)


def read_squares(
    records: Records, sides: tuple[int, ...], channels: int = 3, *, cut: bool = False, rendered: bool = True
) -> list[Tensor]:
    """All pictures of the records as squares, (N, channels, side, side) float32 for each of ``sides``.

    ``channels`` and ``cut`` are as in :func:`square`; ``rendered`` is whether fields that the data renders at the first size
    (``frame``), the only one then, may stand for its photos made small: much quicker, and the same but for rounding.
    """
    known = records.known("frame", size=sides[0]) if rendered and channels == 3 else None
    if known is not None:
        return [torch.from_numpy(known["frame"])]
    key = f"squares-{VERSION}-{channels}-{'cut' if cut else 'whole'}-{'-'.join(map(str, sides))}"
    fields = records.map(lambda image: {f"y{side}": square(image, side, channels, cut) for side in sides}, key)
    return [torch.from_numpy(fields[f"y{side}"]) for side in sides]


def rows(y: Tensor) -> Float:
    """Fields (n, C, s, s) as pictures (n, s, s, C) float32, clipped to [0, 1]."""
    return np.ascontiguousarray(y.detach().cpu().float().clamp(0, 1).permute(0, 2, 3, 1).numpy())


def enlarged(y: Tensor, height: int, width: int) -> Iterator[Float]:
    """Fields (n, C, s, s), clipped to [0, 1] and interpolated linearly: n pictures (height, width, C)."""
    for picture in rows(y):
        yield resize(picture, height, width).reshape(height, width, -1)


def pictures(shown: Iterable[Float], count: int, shape: tuple[int, ...]) -> Tensor:
    """Pictures (H, W, 1 or 3) in [0, 1], so many and of this (H, W), as (count, H, W, 3) uint8."""
    out = np.empty((count, *shape, 3), np.uint8)
    for target, picture in zip(out, shown, strict=True):
        target[:] = levels(picture)
    return torch.from_numpy(out)


def levels(picture: Float) -> Image:
    """[0, 1] as levels of 0 to 255, uint8."""
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Sized:
    """A config with the ``size`` of the fields given to models, in pixels."""

    size: int = 32
    least: ClassVar[int] = 4

    def __post_init__(self) -> None:
        if not self.least <= self.size <= 256:
            raise RequestError(f"size is {self.size}; it must be {self.least} to 256")


class FieldTask(Task):
    """A task of fields of photos; its config is :class:`Sized`, and its setting ``crops`` says whether training crops."""

    channels: ClassVar[tuple[int, int]] = (1, 1)  # of x and y
    known: ClassVar[tuple[str, str]]  # the names of x and y in zoo.Records.known

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.x_shape, self.y_shape = ((channels, self.config.size, self.config.size) for channels in self.channels)

    def sides(self, split: Split) -> tuple[int, ...]:
        """The side of the model's fields and, for training with ``crops``, that of the larger ones."""
        size = self.config.size
        return (size, round(WIDE * size)) if self.config.crops and split == "train" else (size,)

    def known_pairs(
        self, records: Records, split: Split, pool: int, computed: Callable[[tuple[int, ...]], dict[str, Float]], **more: Any
    ) -> Pairs:
        """Pairs of the fields that the data knows, with ``pool`` true draws, or else ``computed`` at sides: ``x32``, ..."""
        size = self.config.size
        known = records.known(*self.known, size=size)
        if known is not None:
            x, y = ([torch.from_numpy(known[name])] for name in self.known)
        else:
            sides = self.sides(split)
            x, y = both(computed(sides), sides)
        x = self.joined(records, x)
        drawn = self.answers(records, y, pool) if records.answers else self.drawn(records, pool)
        return pairs(records, x, y, **drawn, **more)

    def joined(self, records: Records, x: list[Tensor]) -> list[Tensor]:
        """x at each side with the channels that it has besides; by default none."""
        return x

    @staticmethod
    def answers(records: Records, y: list[Tensor], pool: int) -> dict[str, Any]:
        """True draws, ``pool`` or as many as there are: y of the others of an item's group, in an order that is mixed once.

        What is black in all pictures of a group is not known: there y and all draws are set to 0.
        """
        places: dict[str, list[int]] = {}
        for i, group in enumerate(records.groups):
            places.setdefault(group, []).append(i)
        for side in y:
            black = torch.from_numpy(
                records.map(partial(_black, side=side.shape[-1]), f"black-{VERSION}-{side.shape[-1]}")["black"]
            )
            for of in places.values():
                side[of] *= ~(black[of] > 0.5).all(0)
        draws = min(pool, *(len(of) - 1 for of in places.values()))
        if draws < 1:
            return {}
        others = torch.empty(len(records), draws, dtype=torch.int64)
        for of in places.values():
            order = 1 + np.random.default_rng(len(of)).permutation(len(of) - 1)[:draws]
            for place, i in enumerate(of):
                others[i] = torch.tensor(of)[(place + order) % len(of)]
        return {"pool": y[0][others]}

    def drawn(self, records: Records, pool: int) -> dict[str, Any]:
        """``pool`` true draws of y, and what is known of their modes, as parts of pairs; nothing where there are none."""
        name, size = self.known[1], self.config.size
        drawn = records.pool(name, pool, size=size) if pool > 0 else None
        if drawn is None:
            return {}
        return {"pool": torch.from_numpy(drawn), "truth": records.truth(name, drawn.shape[1], size=size)}


def both(fields: dict[str, Float], sides: tuple[int, ...]) -> tuple[list[Tensor], list[Tensor]]:
    """x and y at each of the sides, of ``x32``, ``y32``, ..."""
    x, y = ([torch.from_numpy(fields[f"{name}{side}"]) for side in sides] for name in "xy")
    return x, y


def pairs(records: Records, x: list[Tensor], y: list[Tensor], **more: Any) -> Pairs:
    """Pairs of fields at one or two sides; from the second, training draws crops."""
    wide = (x[1].half(), y[1].half()) if len(x) > 1 else None
    names, groups, digest = records.names, records.groups, records.digest
    return Pairs(x=x[0], y=y[0], wide=wide, names=names, groups=groups, digest=digest, **more)


def _black(image: Image, side: int) -> dict[str, Float]:
    """The share of each pixel of a square that is black, (1, side, side)."""
    return {"black": resize((image.max(-1) == 0).astype(np.float32), side, side)[None]}


def check_finite(y: Tensor) -> None:
    """Refuse fields y with a RequestError where a value is not finite."""
    if not torch.isfinite(y).all():
        raise RequestError("y has values that are not finite; every value must be a number")


def check_channels(channels: int) -> None:
    """Refuse any other number of channels of a picture than 1 and 3 with a RequestError."""
    if channels not in (1, 3):
        raise RequestError(f"channels is {channels}; it must be 3 for colour or 1 for grey")
