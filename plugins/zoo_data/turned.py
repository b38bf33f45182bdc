"""Boxes of photos that are stored on their side: where they are once EXIF has turned the photo."""

from __future__ import annotations

import contextlib

import numpy as np
from numpy.typing import NDArray

from zoo import stored

Frame = tuple[int, int, int]
"""Width and height of the pixels that a file stores, and the EXIF orientation by which they are turned, 1 to 8."""
UNTURNED: Frame = (0, 0, 1)
"""Of a file that does not say."""


def frame_of(data: bytes) -> Frame:
    """The frame of a photo's file; its pixels are not decoded."""
    with contextlib.suppress(Exception):  # whoever needs the pixels says what is wrong with them
        return stored(data)
    return UNTURNED


def turned(boxes: NDArray[np.float64], turn: int, width: float = 1, height: float = 1) -> NDArray[np.float64]:
    """Boxes (K, 4) LEFT TOP WIDTH HEIGHT of stored pixels, ``width`` x ``height`` of them, as they lie in the turned photo."""
    x, y, w, h = boxes.T
    if turn in (2, 3, 7, 8):  # the right becomes the left, or the top
        x = width - x - w
    if turn in (3, 4, 6, 7):
        y = height - y - h
    return np.stack([y, x, h, w] if turn >= 5 else [x, y, w, h], 1)


def on_its_side(size: tuple[float, float], other: tuple[float, float]) -> bool | None:
    """Whether a picture of one size (width, height) is the other turned by 90 degrees; None where the shapes do not tell.

    Both may have been made smaller or larger since, and rounded.
    """
    shape, wanted = (np.log(max(a, 1e-9) / max(b, 1e-9)) for a, b in (size, other))
    if abs(shape) < 0.03 or abs(wanted) < 0.03:  # a square, nearly
        return None
    return None if abs(abs(shape) - abs(wanted)) > 0.03 else bool(shape * wanted < 0)
