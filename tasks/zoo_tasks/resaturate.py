"""Resaturation (second CDVAE paper, section 4, "Image Resaturation"): new saturation gives a photo other colours."""

from __future__ import annotations

import numpy as np

from zoo import Image
from zoo_tasks.fields import Float, strips
from zoo_tasks.photo import Layers, PhotoTask, brightest, sparse

GREY, COLOURED = 4.0, 28.0
"""Chroma (brightest less darkest channel, in levels of 255) up to which hue is noise, and from which on it is sure."""

COLOURS = 0.005
"""The share of pixels of a sure hue below which a photo counts as grey."""


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

        value, saturation = np.empty((2, *image.shape[:2]), np.float32)
        for rows in strips(*image.shape[:2]):
            top: Float = brightest(image[rows]).astype(np.float32)
            darkest = 255 - brightest(cv2.bitwise_not(image[rows]))
            np.divide(top - darkest, np.maximum(top, 1), out=saturation[rows], dtype=np.float32)
            np.divide(top, np.float32(255), out=value[rows])
        return value, saturation

    def remark(self, image: Image) -> str:
        """Of a photo without colours: that it stays as it is."""
        few = sparse(image)
        coloured = (brightest(few).astype(int) - few.min(axis=-1) > GREY).mean()
        if coloured >= COLOURS:
            return ""
        return (
            "it has no colours to make stronger or weaker, so every sample is like the photo; "
            "task colorize gives a grey photo colours"
        )

    @staticmethod
    def layers(image: Image) -> Layers:
        """V, S, and the slope of the colours in S: with V and H kept, a channel is V less S times a function of H.

        A grey pixel has no hue that could be strengthened: where chroma is hardly above the noise of an 8-bit photo,
        the slope fades to 0, and the pixel stays as it is.
        """

        def gain(rows: slice) -> Float:
            value, saturation = Resaturate.fields(image[rows])
            bright = 255 * value
            sure = np.clip((bright * saturation - GREY) / (COLOURED - GREY), 0, 1)
            sure *= sure * (3 - 2 * sure)
            sure /= -np.maximum(saturation, 1e-3)
            gain: Float = bright[..., None] - image[rows]
            gain *= sure[..., None]
            return gain

        return Layers(lambda: Resaturate.fields(image)[0], Resaturate.fields(image)[1], gain)
