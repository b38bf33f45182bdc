"""Relighting: x is the grey albedo, y the grey shading; a new shading field lights the photo in another way.

Source: second CDVAE paper, section 4 ("Photo Relighting"). The decomposition is :mod:`zoo_tasks.decompose`'s.
"""

from __future__ import annotations

import numpy as np

from zoo.data.base import Image
from zoo_tasks.decompose import decompose
from zoo_tasks.photo import Float, PhotoTask
from zoo_tasks.resize import within

SIDE = 128
"""Photos are decomposed at this size (geometric mean of the sides): what a step between pixels means depends on it."""


class Relight(PhotoTask):
    """The ``relight`` task; settings are :class:`zoo_tasks.photo.PhotoConfig`'s."""

    x_name, y_name = "albedo", "shading"
    known = ("albedo", "shading")

    @staticmethod
    def fields(image: Image) -> tuple[Float, Float]:
        """Grey albedo and shading, each (h, w) float32 in [0, 1], of an image (H, W, 3) uint8, at the working size."""
        shading, albedo = decompose(within(image, SIDE))
        return albedo.mean(axis=-1, dtype=np.float32), shading
