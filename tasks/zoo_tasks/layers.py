"""A photo taken apart into two fields at its own size, and put together again with one of them changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo import Image
from zoo_tasks.resize import Float


@dataclass(frozen=True)
class Layers:
    """A photo taken apart at its own size.

    Attributes:
        x: (H, W) float32 in [0, 1].
        y: (H, W) float32 in [0, 1].
        gain: (H, W, 3) float32, how many levels of 255 each channel rises as y rises by 1. The photo is linear in y.
    """

    x: Float
    y: Float
    gain: Float


def brightest(image: Image) -> NDArray[np.uint8]:
    """The largest channel of each pixel, (H, W) uint8; numpy's ``max`` over so short an axis is ten times slower."""
    import cv2

    red, green, blue = cv2.split(image)
    return cv2.max(cv2.max(red, green), blue)


def recombine(image: Image, change: Float, gain: Float, out: Image, scratch: Float) -> None:
    """Write the photo with y changed by ``change`` (H, W) to ``out`` (H, W, 3) uint8, rounded and clipped."""
    import cv2

    cv2.merge((change, change, change), dst=scratch)
    cv2.multiply(scratch, gain, dst=scratch)
    cv2.add(image, scratch, dst=out, dtype=cv2.CV_8U)
