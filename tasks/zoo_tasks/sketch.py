"""A sketch of a picture: dark lines on white paper where it changes.

Source: H. Winnemöller, J. E. Kyprianidis, S. C. Olsen, "XDoG: an extended difference-of-Gaussians compendium including
advanced image stylization", Computers & Graphics 36, 2012: a difference of Gaussians, of one scale and of 1.6 times that, and
a soft threshold; here of the channel that darkens most. Lines lie on the darker side of an edge; a drawing of dark lines on
white is, nearly, its own sketch, so that drawings can stand where sketches of photos do.
"""

from __future__ import annotations

import numpy as np

from zoo_tasks.resize import Float

FINE, RATIO = 0.7, 1.6
"""Pixels: the scale of the finer Gaussian; the coarser one in its units."""
STEP, SLOPE = 0.01, 30.0
"""The difference of both from which on a pixel darkens, and how fast it does (the paper's phi)."""


def sketch(picture: Float) -> Float:
    """The sketch (3, s, s) of R, G, B (3, s, s), both float32 in [0, 1]: 1 is paper; its channels are alike."""
    import cv2

    rows = np.ascontiguousarray(picture.transpose(1, 2, 0), np.float32)
    fine, coarse = (cv2.GaussianBlur(rows, (0, 0), scale, borderType=cv2.BORDER_REPLICATE) for scale in (FINE, FINE * RATIO))
    change = (fine - coarse).min(axis=2)  # a step between colours of one brightness is one too
    lines = 1 + np.tanh(SLOPE * np.minimum(change + STEP, 0))
    return np.repeat(np.clip(lines, 0, 1).astype(np.float32)[None], 3, axis=0)
