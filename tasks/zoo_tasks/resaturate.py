"""Resaturation (second CDVAE paper, section 4, "Image Resaturation"): new saturation gives a photo other colours."""

from __future__ import annotations

import numpy as np

from zoo import Image
from zoo_tasks.fields import Float
from zoo_tasks.photo import Layers, PhotoTask, brightest

GREY, COLOURED = 4.0, 28.0
"""Chroma (brightest less darkest channel, in levels of 255) up to which hue is noise, and from which on it is sure."""


class Resaturate(PhotoTask):
    """Resaturation: x is the value (1, size, size), y the saturation (1, size, size) of HSV, both in [0, 1].

    Hue and value stay; another saturation field gives the photo stronger or weaker colours. Second CDVAE paper, section 4.
    """

    x_name, y_name = "value", "saturation"
    known = ("value", "saturation")

    @staticmethod
    def fields(image: Image) -> tuple[Float, Float]:
        """V and S of HSV, each (H, W) float32 in [0, 1], of an image (H, W, 3) uint8; S of black is 0."""
        import cv2

        value: Float = brightest(image).astype(np.float32)
        darkest = 255 - brightest(cv2.bitwise_not(image))
        saturation = np.divide(value - darkest, np.maximum(value, 1), dtype=np.float32)
        return value / np.float32(255), saturation

    @staticmethod
    def layers(image: Image) -> Layers:
        """V, S, and the slope of the colours in S: with V and H kept, a channel is V less S times a function of H.

        A grey pixel has no hue that could be strengthened: where chroma is hardly above the noise of an 8-bit photo,
        the slope fades to 0, and the pixel stays as it is.
        """
        value, saturation = Resaturate.fields(image)
        chroma = 255 * value * saturation
        sure = np.clip((chroma - GREY) / (COLOURED - GREY), 0, 1)
        sure *= sure * (3 - 2 * sure)
        sure /= -np.maximum(saturation, 1e-3)
        gain = (255 * value)[..., None] - image
        gain *= sure[..., None]
        return Layers(value, saturation, gain)
