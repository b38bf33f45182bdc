"""Pictures squashed or cut to small squares, as fields in [0, 1]: what the tasks whose y is a picture share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor

from zoo import Image, Records
from zoo_tasks.resize import Float, resize

VERSION = 1
"""Changed with what is computed of a photo, so that no stale cache is read."""


def square(image: Image, side: int, channels: int = 3, cut: bool = False) -> Float:
    """A photo (H, W, 3) uint8 as (channels, side, side) float32 in [0, 1].

    Each pixel is the mean of the area that it covers. One channel is luma (Rec. 601). With ``cut`` it is the largest
    square in the middle of the photo, without it the whole photo, squashed.
    """
    if cut:
        image = middle(image)
    if channels == 1:
        import cv2

        image = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[..., None]
    small = resize(image.astype(np.float32), side, side).reshape(side, side, channels)
    return np.clip(np.ascontiguousarray(small.transpose(2, 0, 1)) / np.float32(255), 0, 1)


def middle(image: Image) -> Image:
    """The largest square in the middle of a photo (H, W, 3)."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def read_squares(
    records: Records, sides: tuple[int, ...], channels: int = 3, *, cut: bool = False, rendered: bool = True
) -> list[Tensor]:
    """All pictures of the records as squares, (N, channels, side, side) float32 for each of ``sides``.

    Where the data renders its pictures, in any number, there is only the first.

    Args:
        records: any pictures.
        sides: pixels.
        channels: 3 for R, G, B; 1 for luma.
        cut: see :func:`square`.
        rendered: whether fields that the data renders at the first size (``frame``) may stand for its photos made small:
            much quicker, and the same but for rounding.
    """
    if rendered and channels == 3:
        known = records.known("frame", size=sides[0])
        if known is not None:
            return [torch.from_numpy(known["frame"])]
    key = f"squares-{VERSION}-{channels}-{'cut' if cut else 'whole'}-{'-'.join(map(str, sides))}"
    made = records.map(partial(squares, sides=sides, channels=channels, cut=cut), key)
    return [torch.from_numpy(made[f"y{side}"]) for side in sides]


def squares(image: Image, sides: tuple[int, ...], channels: int, cut: bool) -> Mapping[str, Float]:
    """``y32`` (channels, 32, 32), ... of one photo, for each of ``sides``."""
    return {f"y{side}": square(image, side, channels, cut) for side in sides}


def enlarged(y: Tensor, height: int, width: int) -> Float:
    """Fields (n, 1 or 3, s, s) in [0, 1] as pictures (n, height, width, 3) float32 in [0, 1], interpolated linearly."""
    fields = y.detach().cpu().float().clamp(0, 1).numpy()
    out = np.empty((len(fields), height, width, 3), np.float32)
    for made, field in zip(out, fields, strict=True):
        made[:] = resize(np.ascontiguousarray(field.transpose(1, 2, 0)), height, width).reshape(height, width, -1)
    return out


def levels(picture: Float) -> Image:
    """[0, 1] as levels of 0 to 255, uint8."""
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
