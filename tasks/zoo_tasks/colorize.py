"""Colorization: x is the lightness of a photo, y its two numbers of colour.

Source: cGML, section 5.2 ("Automatic image colorization") and appendix 3.3. CIE L*a*b* of sRGB is under the white D65 (CIE
15:2004; IEC 61966-2-1): L of 0 to 100 becomes 0 to 1, a and b of -110 to 110 become 0 to 1, no colour being 1/2. The gamut of
sRGB, a of -86.2 to 98.2 and b of -107.9 to 94.5, lies inside.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from zoo import Data, Image, Pairs, Records, Split, at_least
from zoo_tasks.fields import FieldTask, Float, Sized, levels, pairs, read_squares, square, strips, within
from zoo_tasks.semantics import CHANNELS, VERSION, joined, semantics, sized, texture
from zoo_tasks.upsample import Upsampler

BINS = 16
"""Of the histograms of colours, over [0, 1]."""
REACH = 110.0
"""The a and b of the shares 0 and 1, less and more."""
_WHITE = (0.950456, 1.0, 1.088754)
_LUMINANCE = (0.212671, 0.71516, 0.072169)
_TO_RGB = ((3.240479, -1.53715, -0.498535), (-0.969256, 1.875991, 0.041556), (0.055648, -0.204043, 1.057311))


@dataclass(frozen=True)
class ColorizeConfig(Sized):
    """Settings of the colorization task.

    Attributes:
        size: the side of the fields given to models, in pixels.
        crops: whether training sees random crops and flips of each photo.
        see: what x shows: the lightness, as in the ``paper``; how fine its texture is in the ``photo``, too; or ``features``
            of it besides, sixteen channels of a network that knows photos (:mod:`zoo_tasks.semantics`; extra ``features``).
        uniform: the weight of the cost of uneven colours, lambda of section 5.2 (the paper does not say its own); 0 for none.
    """

    crops: bool = True
    see: Literal["paper", "photo", "features"] = dataclasses.field(default="paper", metadata={"added": True})
    uniform: float = 0.004

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 0, "uniform")


@dataclass(frozen=True)
class Even:
    """The cost of section 5.2: ``weight`` times KL(a || u) + KL(b || u) of the colours of each item; u is uniform on [0, 1].

    The distribution of a is the histogram of an item's pixels over ``BINS`` bins, a pixel counting for the three about it by a
    quadratic spline, so that the cost has a slope, and hardly depends on where between two bins a colour lies. With linear
    weights it would: of all single colours those half way between two bins, of which grey is one, would be the cheapest. A
    divergence is 0 for colours spread evenly, and 0.7 less than log BINS at most, where all pixels have one colour.
    ``weight`` is in the units of an absolute error a number.
    """

    weight: float

    def __call__(self, y: Tensor) -> Tensor:
        """(B, 2, h, w) in [0, 1] to (B,)."""
        place = y.flatten(2).clamp(0, 1) * BINS - 0.5
        nearest = place.detach().round()
        off, shares = place - nearest, y.new_zeros(*place.shape[:2], BINS)
        for bin_, part in ((-1, (0.5 - off).square() / 2), (0, 0.75 - off.square()), (1, (0.5 + off).square() / 2)):
            shares = shares.scatter_add(2, (nearest + bin_).clamp(0, BINS - 1).long(), part / place.shape[-1])
        shares = shares.clamp_min(1e-6)
        return self.weight * (shares * shares.log() + shares * math.log(BINS)).sum((1, 2))


class Colorize(FieldTask):
    """Colorization: x is the lightness L (1, size, size), y the colours a and b (2, size, size), all in [0, 1].

    They are CIE L*a*b* (D65) as shares: L / 100, (a + 110) / 220 and (b + 110) / 220. The pairs' ``penalty`` is the cost by
    which the paper pushes colours towards a uniform distribution. cGML, section 5.2. What ``see`` adds is of lightness alone.
    """

    cites = ("ramasinghe2021cgml",)
    Config = ColorizeConfig
    does = "Give a grey photo colours"
    x_name, y_name = "lightness", "colours"
    channels, known = (1, 2), ("lightness", "colours")
    config: ColorizeConfig

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        more = {"paper": 0, "photo": 1, "features": 1 + CHANNELS}[self.config.see]
        self.x_shape = (1 + more, *self.x_shape[1:])

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """Fields that the data knows (a painted scene's), with true draws of them, or else those of its photos."""
        records = data.read(split, seed=seed)
        penalty = Even(self.config.uniform) if self.config.uniform else None
        known = records.known(*self.known, size=self.config.size)
        if known is not None:
            x, y = ([torch.from_numpy(known[name])] for name in self.known)
            return pairs(records, self.joined(records, x), y, penalty=penalty, **self.drawn(records, pool))
        fields = [_lab(part) for part in read_squares(records, self.sides(split))]
        x, y = [lab[:, :1] for lab in fields], [lab[:, 1:] for lab in fields]
        return pairs(records, self.joined(records, x), y, penalty=penalty)

    def joined(self, records: Records, x: list[Tensor]) -> list[Tensor]:
        if self.config.see == "paper":
            return x
        sides = [part.shape[-1] for part in x]
        key = f"texture-{VERSION}-{'-'.join(map(str, sides))}"
        fine = records.map(lambda image: {f"x{side}": texture(lightness(image), side) for side in sides}, key)
        x = [torch.cat([part, torch.from_numpy(fine[f"x{side}"])], 1) for part, side in zip(x, sides, strict=True)]
        return joined(records, x, "lightness", _grey) if self.config.see == "features" else x

    def condition(self, image: Image) -> tuple[Tensor, tuple[Float, Upsampler]]:
        """x of one photo (H, W, 3) uint8; its lightness (H, W), and how fields are enlarged to it: nothing of its colours."""
        self.check_photo(image)
        x = _lab(torch.from_numpy(square(image, self.config.size))[None])[0, :1]
        light = lightness(image)
        if self.config.see != "paper":
            x = torch.cat([x, torch.from_numpy(texture(light, self.config.size))])
        if self.config.see == "features":
            x = torch.cat([x, sized(torch.from_numpy(semantics(_grey(image))["features"])[None], self.config.size)[0]])
        grey = np.repeat(levels(light)[..., None], 3, axis=2)
        return x, (light, Upsampler(grey, self.config.size))

    def compose(self, context: tuple[Float, Upsampler], y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """The photo's own lightness with each of n fields of colours, enlarged along its edges.

        A colour that no R, G, B has at this lightness is made duller until one has it: white stays white, black black.
        """
        self.check_fields(y)
        light, up = torch.from_numpy(context[0])[None, None], context[1]
        out = np.empty((len(y), *context[0].shape, 3), np.uint8)
        for target, field in zip(out, y.detach().cpu().float().clamp(0, 1).numpy(), strict=True):
            colour = torch.from_numpy(np.stack([up.enlarge(part) for part in up.solve(field)]))[None]
            for rows in strips(*context[0].shape):
                made = _encoded(within_gamut(_linear(light[:, :, rows], colour[:, :, rows])))
                target[rows] = levels(made[0].permute(1, 2, 0).numpy())
        return torch.from_numpy(out)

    def render(self, x: Tensor, y: Tensor) -> Tensor:
        """R, G, B (B, 3, size, size) in [0, 1] of x (B, 1, size, size) and y (B, 2, size, size), differentiable."""
        return to_rgb(x[:, :1].clamp(0, 1), y.clamp(0, 1))


def lightness(image: Image) -> Float:
    """L of a photo (H, W, 3) uint8, (H, W) float32 in [0, 1]."""
    light = np.empty(image.shape[:2], np.float32)
    for rows in strips(*image.shape[:2]):
        light[rows] = to_lab(image[rows])[..., 0]
    return light


def _grey(image: Image) -> Float:
    """The photo's lightness as a picture (h, w, 3)."""
    return np.repeat(within(lightness(image), 256)[..., None], 3, axis=2)


def _lab(rgb: Tensor) -> Tensor:
    """(N, 3, h, w) R, G, B in [0, 1] as L, a and b in [0, 1]."""
    lab = np.stack([to_lab(picture) for picture in rgb.permute(0, 2, 3, 1).numpy()])
    return torch.from_numpy(lab).permute(0, 3, 1, 2).contiguous()


def to_lab(rgb: Image | Float) -> Float:
    """(H, W, 3) sRGB, uint8 or floats in [0, 1], as L, a and b, (H, W, 3) float32 in [0, 1]."""
    import cv2

    scale = np.float32(255) if rgb.dtype == np.uint8 else np.float32(1)
    lab = cv2.cvtColor(np.ascontiguousarray(rgb, np.float32) / scale, cv2.COLOR_RGB2LAB)
    lab[..., 0] /= 100
    lab[..., 1:] = lab[..., 1:] / np.float32(2 * REACH) + np.float32(0.5)
    return np.clip(lab, 0, 1)


def to_rgb(light: Tensor, colour: Tensor) -> Tensor:
    """L (B, 1, ...) and a, b (B, 2, ...) in [0, 1] as sRGB (B, 3, ...), clipped to [0, 1], with finite slopes everywhere."""
    return _encoded(_linear(light, colour).clamp(0, 1))


def within_gamut(linear: Tensor) -> Tensor:
    """Linear R, G, B (B, 3, ...) in [0, 1]: the first on the way to the grey of the same luminance that is."""
    luminance = torch.einsum("i,bi...->b...", linear.new_tensor(_LUMINANCE), linear).clamp(0, 1)[:, None]
    off = linear - luminance
    room = torch.where(off > 0, 1 - luminance, luminance) / off.abs().clamp_min(1e-6)
    return (luminance + room.amin(1, keepdim=True).clamp(0, 1) * off).clamp(0, 1)


def _linear(light: Tensor, colour: Tensor) -> Tensor:
    """Linear R, G, B (B, 3, ...) of L, a and b; those of colours that no screen has are below 0 or above 1."""
    height = (100 * light[:, 0] + 16) / 116
    a, b = ((2 * colour - 1) * REACH).unbind(1)
    parts = (height + a / 500, height, height - b / 200)
    bent = [torch.where(part > 6 / 29, part**3, 3 * (6 / 29) ** 2 * (part - 4 / 29)) for part in parts]
    matrix = light.new_tensor(_TO_RGB) * light.new_tensor(_WHITE)
    return torch.einsum("ij,bj...->bi...", matrix, torch.stack(bent, 1))


def _encoded(linear: Tensor) -> Tensor:
    """sRGB of linear R, G, B in [0, 1]."""
    steep = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, steep, 12.92 * linear).clamp(0, 1)
