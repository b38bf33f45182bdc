"""Colorization: x is the lightness of a photo, y its two numbers of colour.

Source: cGML, section 5.2 ("Automatic image colorization") and appendix 3.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from zoo import Data, Image, Pairs, RequestError, Split, Task, at_least
from zoo_tasks.lab import to_lab, to_rgb
from zoo_tasks.photo import WIDE
from zoo_tasks.resize import Float
from zoo_tasks.squares import levels, read_squares, square
from zoo_tasks.upsample import Upsampler

BINS = 16
"""Of the histograms of colours, over [0, 1]."""


@dataclass(frozen=True)
class ColorizeConfig:
    """Settings of the colorization task.

    Attributes:
        size: the side of the fields given to models, in pixels.
        crops: whether training sees random crops and flips of each photo.
        uniform: the weight of the cost of colours that are not spread evenly, lambda of section 5.2; 0 for no such cost. The
            paper does not say its own.
    """

    size: int = 32
    crops: bool = True
    uniform: float = 0.004

    def __post_init__(self) -> None:
        if not 4 <= self.size <= 256:
            raise RequestError(f"size is {self.size}; it must be 4 to 256")
        at_least(self, 0, "uniform")


@dataclass(frozen=True)
class Even:
    """The cost of section 5.2: ``weight`` times KL(a || u) + KL(b || u) of the colours of each item; u is uniform on [0, 1].

    The distribution of a is the histogram of an item's pixels over ``BINS`` bins, a pixel counting for the two bins that it
    lies between as near as it is to each, so that the cost has a slope. A divergence is 0 for colours spread evenly, and
    log BINS at most, where all pixels have one colour. ``weight`` is in the units of an absolute error a number.
    """

    weight: float

    def __call__(self, y: Tensor) -> Tensor:
        """(B, 2, h, w) in [0, 1] to (B,)."""
        place = (y.flatten(2).clamp(0, 1) * BINS - 0.5).clamp(0, BINS - 1)
        below = place.detach().floor().clamp(max=BINS - 2)
        part = (place - below) / place.shape[-1]
        shares = y.new_zeros(*place.shape[:2], BINS)
        shares = shares.scatter_add(2, below.long(), 1 / place.shape[-1] - part).scatter_add(2, below.long() + 1, part)
        shares = shares.clamp_min(1e-6)
        return self.weight * (shares * shares.log() + shares * math.log(BINS)).sum((1, 2))


@dataclass(frozen=True)
class Context:
    """What composing needs of one photo: its own lightness (H, W) in [0, 1], and how fields are enlarged to it."""

    light: Float
    upsampler: Upsampler


class Colorize(Task):
    """Colorization: x is the lightness L (1, size, size), y the colours a and b (2, size, size), all in [0, 1].

    They are CIE L*a*b* (D65) as shares: L / 100, (a + 110) / 220 and (b + 110) / 220. The pairs' ``penalty`` is the cost by
    which the paper pushes colours towards a uniform distribution. cGML, section 5.2.
    """

    Config: ClassVar[type] = ColorizeConfig
    x_name, y_name = "lightness", "colours"
    config: ColorizeConfig

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.x_shape = (1, self.config.size, self.config.size)
        self.y_shape = (2, self.config.size, self.config.size)

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """Lightness and colours of squashed photos; with ``crops``, training pairs of photos have ``wide``."""
        records = data.read(split, seed=seed)
        size = self.config.size
        sides = (size, round(WIDE * size)) if self.config.crops and split == "train" else (size,)
        fields = [_lab(part) for part in read_squares(records, sides)]
        return Pairs(
            x=fields[0][:, :1],
            y=fields[0][:, 1:],
            wide=(fields[1][:, :1].half(), fields[1][:, 1:].half()) if len(fields) > 1 else None,
            penalty=Even(self.config.uniform) if self.config.uniform else None,
            names=records.names,
            digest=records.digest,
        )

    def condition(self, image: Image) -> tuple[Tensor, Context]:
        """x (1, size, size) of one photo (H, W, 3) uint8, and what :meth:`compose` needs of it: nothing of its colours.

        Raises:
            RequestError: this is not an RGB photo.
        """
        self.check_photo(image)
        x = _lab(torch.from_numpy(square(image, self.config.size))[None])[0, :1]
        light = to_lab(image)[..., 0]
        grey = np.repeat(levels(light)[..., None], 3, axis=2)
        return x, Context(light, Upsampler(grey, self.config.size))

    def compose(self, context: Context, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """The photo's own lightness, at its own resolution, with each of n fields of colours, enlarged along its edges.

        Args:
            context: from :meth:`condition`.
            y: (n, 2, size, size) in [0, 1].
            x_hat: changes nothing.

        Returns:
            (n, H, W, 3) uint8.

        Raises:
            RequestError: y has another shape.
        """
        self.check_fields(y)
        light, up = torch.from_numpy(context.light)[None, None], context.upsampler
        out = np.empty((len(y), *context.light.shape, 3), np.uint8)
        for made, field in zip(out, y.detach().cpu().float().clamp(0, 1).numpy(), strict=True):
            colour = np.stack([up.enlarge(part) for part in up.solve(field)])
            rgb = to_rgb(light, torch.from_numpy(colour)[None])[0]
            made[:] = levels(rgb.permute(1, 2, 0).numpy())
        return torch.from_numpy(out)

    def render(self, x: Tensor, y: Tensor) -> Tensor:
        """R, G, B (B, 3, size, size) in [0, 1] of x (B, 1, size, size) and y (B, 2, size, size), differentiable."""
        return to_rgb(x.clamp(0, 1), y.clamp(0, 1))


def _lab(rgb: Tensor) -> Tensor:
    """(N, 3, h, w) R, G, B in [0, 1] as L, a and b in [0, 1]."""
    n, _, height, width = rgb.shape
    flat = np.ascontiguousarray(rgb.permute(0, 2, 3, 1).reshape(n * height, width, 3).numpy())
    rows = max(1, 2**24 // max(1, width))
    parts = [to_lab(flat[start : start + rows]) for start in range(0, len(flat), rows)]
    return torch.from_numpy(np.concatenate(parts).reshape(n, height, width, 3)).permute(0, 3, 1, 2).contiguous()
