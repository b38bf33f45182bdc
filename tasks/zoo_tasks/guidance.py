"""The guide of embedding guidance: which objects are in an image, and where.

Source: the CDVAE papers, first 4.1 and figure 3, second 3.2 and figure 4. Their feature vector has three parts: label
shares, the layout of the boxes on a 5 x 5 grid, and pixels, the first two weighted higher. The first two are made here;
models append the pixels, which they have.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from zoo import Annotation

GRID = 5
LABELS = 8.0
"""Weight of the label shares: two images of one label each, not the same, are 8 sqrt 2 = 11 apart, about as far as
two photos are by their 32 x 32 pixels."""
LAYOUT = 4.0
"""Weight of each cell's coverage: half the labels' weight, as one object covers several cells."""


def guide(annotations: Sequence[Annotation], categories: int) -> Tensor:
    """Label shares and layout of N images with C categories: (N, C + 25 C) float32.

    First ``LABELS`` times each label's share of the image's objects (they sum to 1; all zeros where there is no object).
    Then, category by category, ``LAYOUT`` times the share of each of the 5 x 5 cells, row by row, that the category's boxes
    cover (boxes that overlap count together, up to 1).
    """
    counts = np.array([len(a.labels) for a in annotations], np.int64)
    guides = np.zeros((len(counts), categories * (1 + GRID * GRID)), np.float32)
    if counts.sum():
        image = np.repeat(np.arange(len(counts)), counts)
        labels = np.concatenate([a.labels for a in annotations])
        boxes = np.concatenate([a.boxes for a in annotations])
        np.add.at(guides, (image, labels), LABELS / counts[image])
        covered = _overlap(boxes[:, 1], boxes[:, 3])[:, :, None] * _overlap(boxes[:, 0], boxes[:, 2])[:, None, :]
        layout = guides[:, categories:].reshape(len(counts), categories, GRID * GRID)
        np.add.at(layout, (image, labels), covered.reshape(-1, GRID * GRID))
        guides[:, categories:] = LAYOUT * np.minimum(layout, 1).reshape(len(counts), -1)
    return torch.from_numpy(guides)


def guide_mirror(categories: int) -> Tensor:
    """(C + 25 C,) int64: the columns of :func:`guide` in the order that gives the guide of the mirrored image."""
    cells = np.arange(categories * GRID * GRID).reshape(categories, GRID, GRID)[:, :, ::-1]
    return torch.from_numpy(np.concatenate((np.arange(categories), categories + cells.reshape(-1))))


def _overlap(start: np.ndarray, length: np.ndarray) -> np.ndarray:
    """The share of each of the grid's (K, 5) intervals that lies in [start, start + length]."""
    edges = np.linspace(0, 1, GRID + 1, dtype=np.float32)
    low = np.maximum(start[:, None], edges[:-1])
    high = np.minimum((start + length)[:, None], edges[1:])
    return np.clip(high - low, 0, None) * GRID
