"""Fields that are as smooth as the photo they belong to: a guided filter."""

from __future__ import annotations

import numpy as np

from zoo import Image
from zoo_tasks.fields import Float, resize


class Guided:
    """Smooths fields of ``size`` x ``size`` samples where one photo (H, W, 3) uint8 is even, and keeps the edges that it has.

    In every window the result is the affine function of the photo's colours that is nearest to the field. Source: K. He,
    J. Sun, X. Tang, "Guided image filtering", ECCV 2010, with a guide of three channels.

    Args:
        reach: the side of the windows, in sides of the field: what the photo does not show is averaged away within one.
        least: a deviation of colours in a window, in shares of white, from which on it is an edge rather than even.
    """

    def __init__(self, image: Image, size: int, reach: float, least: float) -> None:
        self.side = 2 * max(1, round(reach * size / 2)) + 1
        self.guide: Float = resize(image, size, size).astype(np.float32) / np.float32(255)
        self.mean = self._means(self.guide)
        products = (self.guide[..., :, None] * self.guide[..., None, :]).reshape(size, size, 9)
        spread = self._means(products).reshape(size, size, 3, 3) - self.mean[..., :, None] * self.mean[..., None, :]
        self.inverse: Float = np.linalg.inv(spread + np.float32(least**2) * np.eye(3, dtype=np.float32))

    def smooth(self, fields: Float) -> Float:
        """Fields (..., size, size), each smoothed; one that is the same everywhere stays as it is."""
        out: Float = np.empty(fields.shape, np.float32)
        for target, field in zip(out.reshape(-1, *fields.shape[-2:]), fields.reshape(-1, *fields.shape[-2:]), strict=True):
            mean = self._means(field)
            with_guide = self._means(self.guide * field[..., None]) - self.mean * mean[..., None]
            slope = np.einsum("hwij,hwj->hwi", self.inverse, with_guide)
            level = mean - (slope * self.mean).sum(-1)
            target[:] = (self._means(slope) * self.guide).sum(-1) + self._means(level)
        return out

    def _means(self, values: Float) -> Float:
        """Of the windows around each place, (h, w) or (h, w, C), mirrored at the border."""
        import cv2

        h, w, *channels = values.shape
        flat = values.reshape(h, w, -1)
        made = [
            cv2.blur(np.ascontiguousarray(flat[..., c]), (self.side, self.side), borderType=cv2.BORDER_REFLECT)
            for c in range(flat.shape[2])
        ]
        return np.stack(made, -1).reshape(h, w, *channels).astype(np.float32)
