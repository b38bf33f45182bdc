"""Resaturation: x is the value, y the saturation of HSV; a new saturation field gives the photo other colours.

Source: second CDVAE paper, section 4 ("Image Resaturation").
"""

from __future__ import annotations

import numpy as np

from zoo.data.base import Image
from zoo_tasks.photo import Float, PhotoTask


class Resaturate(PhotoTask):
    """The ``resaturate`` task; settings are :class:`zoo_tasks.photo.PhotoConfig`'s."""

    x_name, y_name = "value", "saturation"
    known = ("value", "saturation")

    @staticmethod
    def fields(image: Image) -> tuple[Float, Float]:
        """V and S of HSV, each (H, W) float32 in [0, 1], of an image (H, W, 3) uint8; S of black is 0."""
        import cv2

        red, green, blue = cv2.split(image)
        most = cv2.max(cv2.max(red, green), blue)
        least = cv2.min(cv2.min(red, green), blue)
        value = most.astype(np.float32)
        saturation = (value - least) / np.maximum(value, 1)
        return value / 255, saturation
