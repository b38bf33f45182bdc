"""Pictures of solid shapes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo.data.base import Image
from zoo.data.voxel_files import Solid

SIDE = 96
"""Pixels a side of a picture."""
VERSION = "1"
"""Of the pictures: to be raised whenever the same shape gives another one."""
_TURN, _TILT = np.radians(35.0), np.radians(25.0)
"""The view is turned about the third axis and tilted downwards."""
_NEAR, _FAR = 235.0, 50.0
"""Grey levels of the nearest and the farthest point of the box; around the shape it is dark."""


def render(shape: Solid) -> Image:
    """One shape (s, s, s), seen by parallel rays from the front and above, the third axis up, (96, 96, 3).

    The lighter, the nearer. The corners of the box may be cut by a few pixels; nothing solid gives a dark picture.
    """
    cells, depth = _rays(len(shape))
    hit = np.append(shape.ravel(), False)[cells]  # the last cell stands for all outside
    first = hit.argmax(1)
    level = np.where(hit.any(1), _NEAR + (_FAR - _NEAR) * depth[first], 0)
    grey = np.rint(level).astype(np.uint8).reshape(SIDE, SIDE, 1)
    return np.repeat(grey, 3, axis=2)


@lru_cache(maxsize=2)
def _rays(s: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The cells along each ray, (SIDE * SIDE, steps), and the share of the box's depth at each step, (steps,)."""
    ahead = np.array([np.sin(_TURN) * np.cos(_TILT), np.cos(_TURN) * np.cos(_TILT), -np.sin(_TILT)])
    right = np.array([np.cos(_TURN), -np.sin(_TURN), 0.0])
    up = np.cross(right, ahead)
    reach = np.abs(np.stack([right, up])).sum(1).max() / 2  # half the picture's side: the whole box is seen
    depth = np.arange(0, 1, 0.5 / (s * np.abs(ahead).sum()))
    across = (np.arange(SIDE) + 0.5) / SIDE * 2 * reach - reach
    eye = across[None, :, None] * right - across[:, None, None] * up  # (row, column, xyz), the box's middle at 0
    far = np.abs(ahead).sum()
    points = eye.reshape(-1, 1, 3) + ((depth - 0.5) * far)[None, :, None] * ahead + 0.5
    index = np.floor(points * s).astype(np.intp)
    inside = ((index >= 0) & (index < s)).all(-1)
    flat = (index[..., 0] * s + index[..., 1]) * s + index[..., 2]
    return np.where(inside, flat, s**3), depth
