"""Pictures squashed or cut to small squares, as fields in [0, 1]: what the tasks whose y is a picture share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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

    Where the data renders its pictures, in any number, there is only the first. ``channels`` and ``cut`` are as in
    :func:`square`; ``rendered`` is whether fields that the data renders at the first size (``frame``) may stand for its photos
    made small: much quicker, and the same but for rounding.
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
