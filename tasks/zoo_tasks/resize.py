"""Fields brought to another size: by area averaging down, by linear interpolation up, each axis for itself."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
A = TypeVar("A", bound=NDArray[Any])

LIMIT = 32_000
"""The longest side that OpenCV resizes."""


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


def within(image: A, side: int) -> A:
    """``image`` with the area of a square of ``side`` pixels at most, its shape kept as nearly as pixels allow."""
    h, w = image.shape[:2]
    scale = side / (h * w) ** 0.5
    if scale >= 1:
        return image
    return resize(image, max(1, round(h * scale)), max(1, round(w * scale)))
