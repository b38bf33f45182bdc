"""Masks of completion, what is laid over, and the box that is a second answer: for the pairs, and anew in training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from zoo import Noise

Kind = Literal["square", "centre", "irregular", "top"]
TURN, SEGMENTS = 1.2, 10
"""Radians by which a stroke turns at most between two of its segments, and its most segments."""


@dataclass(frozen=True)
class Anew:
    """A source of what training draws anew each time that it sees a picture.

    That is which part of it is missing, whether another picture's top half is laid over it, whether it has the box, and
    whether it is mirrored.

    A mask is that of any of the pictures, as :func:`draw_masks` drew them, which all have the same chances.

    Attributes:
        whole: (N, C, s, s), the pictures as they are.
        masks: (N, 1, s, s), a mask of each.
        fill, corrupt, alternate, flip: see :class:`zoo_tasks.complete.CompleteConfig`.
    """

    whole: Tensor
    masks: Tensor
    fill: float = 0.5
    corrupt: float = 0.0
    alternate: float = 0.0
    flip: bool = False

    def __call__(self, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """x (B, C + 1, s, s) and y (B, C, s, s) of the pictures at ``index`` (B,)."""
        count, device = len(self.whole), self.whole.device
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        y = corrupted(self.whole[index], self.whole, self.corrupt, random, index)
        mask = self.masks[torch.from_numpy(random.integers(count, size=len(index))).to(device)]
        x = hidden(y, mask, self.fill)
        if self.alternate:
            y = torch.maximum(y, corners(mask, box_side(y.shape[-1])) * _chosen(y, self.alternate, random))
        if self.flip:
            mirrored = _chosen(y, 0.5, random).bool()
            x, y = torch.where(mirrored, x.flip(-1), x), torch.where(mirrored, y.flip(-1), y)
        return x, y

    def each(self, function: Callable[[Tensor], Tensor]) -> Anew:
        """``function`` of the pictures and of the masks."""
        return replace(self, whole=function(self.whole), masks=function(self.masks))


def _chosen(y: Tensor, share: float, random: np.random.Generator) -> Tensor:
    """1 for about this share of the items of y (B, ...), 0 for the others: (B, 1, 1, 1)."""
    return torch.from_numpy((random.random((len(y), 1, 1, 1)) < share).astype(np.float32)).to(y.device)


def hidden(y: Tensor, mask: Tensor, fill: float) -> Tensor:
    """x (N, C + 1, s, s) of pictures (N, C, s, s): ``fill`` where the mask (N, 1, s, s) is 1, and the mask."""
    return torch.cat([y * (1 - mask) + fill * mask, mask], 1)


def corrupted(y: Tensor, others: Tensor, share: float, random: np.random.Generator, index: Tensor | None = None) -> Tensor:
    """``share`` of the pictures (B, C, s, s) with the top half of another one laid over theirs, the brighter pixel winning.

    They are those of ``others`` (N, C, s, s) at ``index`` (B,), which is all of them where it is None.
    """
    chosen = torch.from_numpy(random.random(len(y)) < share).to(y.device)
    if len(others) < 2 or not chosen.any():
        return y
    index = torch.arange(len(y), device=y.device) if index is None else index
    other = (index + torch.from_numpy(random.integers(1, len(others), len(y))).to(y.device)) % len(others)
    top = y.shape[-2] // 2
    y = y.clone()
    y[chosen, :, :top] = torch.maximum(y[chosen, :, :top], others[other[chosen], :, :top])
    return y


def draw_masks(y: Tensor, kind: Kind, share: tuple[float, float], seed: int) -> Tensor:
    """Masks (N, 1, s, s) float32 of pictures (N, C, s, s): 1 where they are missing, 0 where they are known.

    A mask follows from ``seed`` and the picture's own coarse content (as :class:`zoo.Noise` takes it), whatever comes with it.

    Sources: squares of random place or size and a fixed centre, Pathak et al., "Context encoders", CVPR 2016, and cGML, 5.3;
    strokes, Liu et al., "Image inpainting for irregular holes using partial convolutions", ECCV 2018; a mask of random
    size in the top half, cGML, section 5.1.

    Args:
        kind: ``square`` at a random place; ``centre``, a square of half the side; ``irregular`` strokes; ``top``, a
            rectangle of random size and place in the top half.
        share: the smallest and the largest share of the pixels that are missing; each in between is as likely. Of ``top`` it
            is the share of the half's height and, drawn again, of its width; of ``centre`` it is not used.
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


def corners(masks: Tensor, size: int) -> Tensor:
    """A box of ``size`` pixels a side in the top left corner of each rectangle, a pixel from its edges: (N, 1, s, s)."""
    side = masks.shape[-1]
    first = [(masks[:, 0].amax(axis) > 0).float().argmax(-1) for axis in (2, 1)]
    place = torch.arange(side)
    rows, columns = ((place > start[:, None]) & (place <= start[:, None] + size) for start in first)
    return (rows[:, :, None] & columns[:, None]).float()[:, None] * masks


def box_side(side: int) -> int:
    """The pixels of a side of the box in a picture of ``side``."""
    return max(2, side // 6)
