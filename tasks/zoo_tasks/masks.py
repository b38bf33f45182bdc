"""Masks of what is missing from a picture: drawn from a seed and from the picture itself, so that they can be had again.

Sources: squares of random place or size and a fixed centre, Pathak et al., "Context encoders", CVPR 2016, and cGML, section
5.3; strokes, Liu et al., "Image inpainting for irregular holes using partial convolutions", ECCV 2018; a mask of random size
in the top half, cGML, section 5.1.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from zoo import Noise

Kind = Literal["square", "centre", "irregular", "top"]
TURN, SEGMENTS = 1.2, 10
"""Radians by which a stroke turns at most between two of its segments, and its most segments."""


def draw_masks(y: Tensor, kind: Kind, share: tuple[float, float], seed: int) -> Tensor:
    """A mask for each picture: 1 where it is missing, 0 where it is known.

    The mask of a picture follows from ``seed`` and its own coarse content (as :class:`zoo.Noise` takes it), so that it
    is the same wherever the picture stands and whatever comes with it.

    Args:
        y: (N, C, s, s) pictures, for masks (N, 1, s, s) float32.
        kind: ``square`` at a random place; ``centre``, a square of half the side; ``irregular`` strokes; ``top``, a
            rectangle of random size and place in the top half.
        share: the smallest and the largest share of the pixels that are missing; each in between is as likely. Of ``top`` it
            is the share of the half's height and, drawn again, of its width; it does not concern ``centre``.
        seed: any integer.
    """
    count, side = len(y), y.shape[-1]
    numbers = Noise(y, seed).uniform(1, 4)[:, 0].cpu().numpy() if count else np.zeros((0, 4), np.float32)
    wanted = share[0] + (share[1] - share[0]) * numbers[:, 0]
    if kind == "irregular":
        strokes = [_strokes(side, part, int(own * 2**24)) for part, own in zip(wanted, numbers[:, 1], strict=True)]
        return torch.from_numpy(np.array(strokes, np.float32).reshape(count, 1, side, side))
    if kind == "centre":
        high = wide = np.full(count, side // 2)
        top = left = np.full(count, (side - side // 2) // 2)
    elif kind == "top":
        half = side // 2
        parts = (share[0] + (share[1] - share[0]) * numbers[:, i] for i in (0, 1))
        high, wide = (np.clip(np.round(full * part), 1, full) for full, part in zip((half, side), parts, strict=True))
        top, left = np.floor(numbers[:, 2] * (half - high + 1)), np.floor(numbers[:, 3] * (side - wide + 1))
    else:
        high = np.clip(np.round(side * np.sqrt(wanted)), 1, side)
        wide = np.clip(np.round(side * side * wanted / high), 1, side)
        top, left = (np.floor(numbers[:, 1 + i] * (side - size + 1)) for i, size in enumerate((high, wide)))
    rows, columns = (
        (np.arange(side) >= first[:, None]) & (np.arange(side) < (first + size)[:, None])
        for first, size in ((top, high), (left, wide))
    )
    return torch.from_numpy((rows[:, None, :, None] & columns[:, None, None]).astype(np.float32))


def corners(masks: Tensor, size: int) -> Tensor:
    """A box of ``size`` pixels a side in the top left corner of each mask, a pixel from its edges: (N, 1, s, s), 1 within.

    It lies inside the mask wholly: nothing of it is seen from outside. ``masks`` are of rectangles.
    """
    side = masks.shape[-1]
    first = [(masks[:, 0].amax(axis) > 0).float().argmax(-1) for axis in (2, 1)]
    place = torch.arange(side)
    rows, columns = ((place > start[:, None]) & (place <= start[:, None] + size) for start in first)
    return (rows[:, :, None] & columns[:, None]).float()[:, None] * masks


def _strokes(side: int, share: float, seed: int) -> np.ndarray:
    """Thick strokes that wander over a square until ``share`` of its pixels is covered: (side, side) uint8, 0 or 1."""
    import cv2

    random = np.random.default_rng(seed)
    mask = np.zeros((side, side), np.uint8)
    least, thin = share * side * side, max(1, side // 24)
    while True:
        numbers = random.random((SEGMENTS, 2))
        thick = int(random.integers(thin, max(1, side // 12) + 1))
        angles = 2 * np.pi * random.random() + np.cumsum(TURN * (2 * numbers[:, 0] - 1))
        steps = (0.04 + 0.08 * numbers[:, 1]) * side
        way = random.random(2) * (side - 1) + np.cumsum(steps * [np.cos(angles), np.sin(angles)], axis=1).T
        points = np.clip(np.round(way), 0, side - 1).astype(int).tolist()
        for start, end in pairwise(points):
            cv2.line(mask, start, end, 1, thick)
            if cv2.countNonZero(mask) >= least:
                return mask
