"""Relighting (second CDVAE paper, section 4, "Photo Relighting") by the decomposition of :mod:`zoo_tasks.decompose`."""

from __future__ import annotations

import numpy as np

from zoo import Image
from zoo_tasks.decompose import Retinex, decompose
from zoo_tasks.fields import Float, resize, within
from zoo_tasks.photo import Layers, PhotoTask, brightest

SIDE = 128
"""Photos are decomposed at this size (geometric mean of the sides): what a step between pixels means depends on it."""


class Relight(PhotoTask):
    """Relighting: x is the grey albedo (1, size, size), y the grey shading (1, size, size), both in [0, 1].

    A photo is taken apart into both; another shading field lights it in another way. Second CDVAE paper, section 4.
    """

    x_name, y_name = "albedo", "shading"
    known = ("albedo", "shading")
    version = 2

    @staticmethod
    def fields(image: Image) -> tuple[Float, Float]:
        """Grey albedo and shading, each (h, w) float32 in [0, 1], of an image (H, W, 3) uint8, at the working size."""
        shading, albedo = decompose(within(image, SIDE))
        return albedo.mean(axis=-1, dtype=np.float32), shading

    @staticmethod
    def layers(image: Image) -> Layers:
        """Albedo, shading, and the slope of the colours in shading, which is the coloured albedo.

        Shading comes from the working size; held to the photo's own brightest channels, it leaves albedo at most 1.
        """
        import cv2

        shading = resize(Relight.fields(image)[1], *image.shape[:2])
        least = np.maximum(brightest(image) / np.float32(255), np.float32(Retinex.darkest))
        shading = np.clip(shading, least, 1)
        albedo: Float = np.divide(image, shading[..., None], dtype=np.float32)
        return Layers(cv2.transform(albedo, np.full((1, 3), 1 / (3 * 255))), shading, albedo)
