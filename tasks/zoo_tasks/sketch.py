"""A sketch of a picture: dark lines on white paper where it changes.

Source: H. Winnemöller, J. E. Kyprianidis, S. C. Olsen, "XDoG: an extended difference-of-Gaussians compendium including
advanced image stylization", Computers & Graphics 36, 2012, equations 1 to 5, on luma, with the difference of Gaussians
of unit and 1.6 times that scale. Lines lie on the darker side of an edge; a drawing of dark lines on white is, nearly, its
own sketch, so that drawings can stand where sketches of photos do.
"""

from __future__ import annotations

import numpy as np

from zoo_tasks.resize import Float

FINE, RATIO = 0.7, 1.6
"""Pixels: the scale of the finer Gaussian; the coarser one in its units."""
STEP, SLOPE = 0.008, 40.0
"""The difference of both from which on a pixel darkens, and how fast it does (phi of equation 5)."""


def sketch(picture: Float) -> Float:
    """The sketch (3, s, s) of R, G, B (3, s, s), both float32 in [0, 1]: 1 is paper; its channels are alike."""
    import cv2

    grey = np.ascontiguousarray(np.tensordot(np.array([0.299, 0.587, 0.114], np.float32), picture, 1))
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), scale, borderType=cv2.BORDER_REPLICATE) for scale in (FINE, FINE * RATIO))
    lines = 1 + np.tanh(SLOPE * np.minimum(fine - coarse + STEP, 0))
    return np.repeat(np.clip(lines, 0, 1).astype(np.float32)[None], 3, axis=0)
