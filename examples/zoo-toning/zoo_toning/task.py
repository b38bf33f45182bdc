"""Toning: x is the brightness of a black-and-white print, y how it was toned.

A print can be toned in two ways. Sepia begins with a bleach, which takes the highlights first: they turn warm. Selenium
takes the shadows first, where there is most silver: they turn cool. Which of the two was used, and for how long, the
brightness does not say, so every print has two kinds of right answers, and the true p(y | x) is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

import zoo
from zoo import Data, Image, Pairs, RequestError, Split

SEPIA, SELENIUM = (1.06, 0.93, 0.72), (0.92, 0.84, 0.98)
"""Factors of R, G and B in full toning; by eye."""
LEAST = 0.2
"""The least strength of toning; the most is 1."""
VERSION = "1"
"""Of the pairs: to be raised whenever the same data and seed give other ones."""


@dataclass(frozen=True)
class ToningConfig:
    """Settings of the task.

    Attributes:
        size: the side of x and y in pixels.
    """

    size: int = 16

    def __post_init__(self) -> None:
        if not 4 <= self.size <= 64:
            raise RequestError(f"size is {self.size}; it must be 4 to 64")


class Toning(zoo.Task):
    """The brightness of a print, and how it was toned: x and y are (1, size, size) float32 in [0, 1].

    y is 0.5 where nothing happened, up to 1 for full sepia and down to 0 for full selenium. With the strength s, uniform
    in [0.2, 1], sepia gives y = 0.5 + s x / 2 and selenium y = 0.5 - s (1 - x) / 2; each was used for half of the prints.
    """

    Config: ClassVar[type] = ToningConfig
    config: ToningConfig
    data: ClassVar[str] = "scenes:2048"
    x_name: ClassVar[str] = "brightness"
    y_name: ClassVar[str] = "toning"
    expected_failures: ClassVar[dict[str, str]] = {
        "a_photos_own_field_gives_the_photo_back": "a photo is taken as a print that is not toned yet: it has no y of its own"
    }

    def __init__(self, **config: object) -> None:
        super().__init__(**config)
        self.x_shape = self.y_shape = (1, self.config.size, self.config.size)

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """The prints of one split, each toned once at random; with ``pool``, so many times more."""
        records = data.read(split, seed=seed)
        size = self.config.size
        # Data that was rendered knows its brightness; of photos it is computed, and cached under this key.
        known = records.known("value", size=size)
        fields = records.map(partial(brightness, size=size), f"toning-{VERSION}-{size}") if known is None else known
        x = torch.from_numpy(fields["value"])
        y, draws = (_toned(x, many, f"{what} {split} {seed}") for what, many in (("y", 1), ("pool", pool)))
        return Pairs(
            x=x,
            y=y[:, 0],
            pool=draws if pool else None,
            names=records.names,
            digest=hashlib.sha256(f"{records.digest} toning {VERSION} {seed}".encode()).hexdigest(),
        )

    def condition(self, image: Image) -> tuple[Tensor, Image]:
        """x of a photo (H, W, 3) uint8, which is taken as a black-and-white print whatever its colours; and the photo."""
        self.check_photo(image)
        return torch.from_numpy(brightness(image, self.config.size)["value"]), image

    def compose(self, context: Image, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """The photo as a print, toned in each of n ways: y (n, 1, size, size) gives (n, H, W, 3) uint8."""
        self.check_fields(y, x_hat)
        grey = torch.tensor(context).amax(2).float()[None, :, :, None]
        amount = F.interpolate(y.detach().cpu().float() * 2 - 1, context.shape[:2], mode="bilinear")[:, 0, :, :, None]
        amount = amount.clamp(-1, 1)
        tint = torch.where(amount > 0, torch.tensor(SEPIA), torch.tensor(SELENIUM))
        return (grey * (1 + amount.abs() * (tint - 1))).round().clamp(0, 255).to(torch.uint8)


def brightness(image: Image, size: int) -> Mapping[str, NDArray[np.float32]]:
    """The brightest channel of each pixel, averaged down to a square: ``{"value": (1, size, size)}`` in [0, 1]."""
    value = torch.tensor(image).amax(2).float()[None] / 255
    return {"value": F.adaptive_avg_pool2d(value, size).numpy()}


def _toned(x: Tensor, many: int, stream: str) -> Tensor:
    """``many`` tonings of each x (N, 1, h, w): (N, many, 1, h, w)."""
    seed = int.from_bytes(hashlib.sha256(stream.encode()).digest()[:8], "little")
    random = np.random.default_rng(seed)
    shape = (len(x), many, 1, 1, 1)
    sepia = torch.from_numpy(random.random(shape) < 0.5)
    strength = torch.from_numpy(random.uniform(LEAST, 1, shape).astype(np.float32))
    x = x[:, None]
    return torch.where(sepia, 0.5 + strength * x / 2, 0.5 - strength * (1 - x) / 2)
