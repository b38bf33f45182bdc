"""Coarse fields enlarged to a photo's own size, along its edges; and the segments of a photo between these."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from zoo import Image
from zoo_tasks.fields import Float, resize, within
from zoo_tasks.interpolate import Interpolation

LIKENESS = 15.0
"""The difference of colour, in levels of 255, by which a pixel tells which side of an edge it is on."""
OUTWARD = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)])


class Upsampler:
    """Enlarges fields of ``size`` x ``size`` samples to the size of one photo, (H, W, 3) uint8.

    The field is solved for by :class:`zoo_tasks.interpolate.Interpolation` on a grid of at most 256 x 256 pixels. From there
    to the photo it is interpolated linearly inside segments; where the four grid pixels around a pixel lie in several, they
    count by their likeness to its colour as well (joint bilateral upsampling: Kopf, Cohen, Lischinski, Uyttendaele, SIGGRAPH
    2007). All weights are positive and sum to 1.
    """

    def __init__(self, image: Image, size: int) -> None:
        self.shape = image.shape[:2]
        most = min(max(1, 256 // size), 16)  # pixels of the grid between two samples
        grid = resize(image, *(size * min(max(side // size, 1), most) for side in self.shape))
        labels = segment(grid)
        self.interpolation = Interpolation(labels, grid, size)
        fine = within(image, 1200)  # edges are followed up to there; a larger photo is interpolated from it
        self.fine = fine.shape[:2]
        # The pixels between segments, the four grid pixels around each, and their weights.
        (rows, down), (columns, right) = (_between(n, g) for n, g in zip(self.fine, labels.shape, strict=True))
        corners = np.stack([labels[r][:, c] for r, c in product(rows, columns)])
        self.edge = np.flatnonzero((corners[1:] != corners[0]).any(0))
        i, j = np.divmod(self.edge, self.fine[1])
        self.around = np.stack([r[i] * labels.shape[1] + c[j] for r, c in product(rows, columns)], axis=1)
        share = [v * h for v, h in product((1 - down[i], down[i]), (1 - right[j], right[j]))]
        near = _pure_colours(grid, labels).reshape(-1, 3)[self.around]
        distance = np.square(near - fine.reshape(-1, 3)[self.edge][:, None]).sum(axis=-1)
        distance -= distance.min(axis=1, keepdims=True)
        weights = (np.stack(share, axis=1) + 1e-3) * np.exp(distance * (-0.5 / LIKENESS**2))
        self.weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)

    def solve(self, y: Float) -> Float:
        """Fields (n, h, w) on the grid from samples (n, size, size); :meth:`enlarge` takes each to the photo's size."""
        return self.interpolation.solve(y)

    def enlarge(self, field: Float) -> Float:
        """(H, W) of a field (h, w) on the grid."""
        import cv2

        out = cv2.resize(field, self.fine[::-1], interpolation=cv2.INTER_LINEAR)
        out.reshape(-1)[self.edge] = np.einsum("ek,ek->e", field.reshape(-1)[self.around], self.weights)
        return out if self.fine == self.shape else resize(out, *self.shape)


def _between(pixels: int, grid: int) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], Float]:
    """For each pixel of a side, the grid pixels before and after it, and how far it is from the one to the other."""
    place = (np.arange(pixels) + 0.5) * grid / pixels - 0.5
    before = np.floor(place)
    index = before.astype(np.int64)
    return (np.maximum(index, 0), np.minimum(index + 1, grid - 1)), (place - before).astype(np.float32)


def _pure_colours(grid: Image, labels: NDArray[np.int32]) -> Float:
    """(h, w, 3): the mean colour of each pixel's 3 x 3 neighbours in its own segment; pixels on edges are mixtures."""
    h, w = labels.shape
    colours = np.pad(grid.astype(np.float32), ((1, 1), (1, 1), (0, 0)))
    padded = np.pad(labels, 1, constant_values=-1)
    total, count = np.zeros((h, w, 3), np.float32), np.zeros((h, w, 1), np.float32)
    for dy, dx in product(range(3), range(3)):
        same = (padded[dy : dy + h, dx : dx + w] == labels)[..., None]
        total += colours[dy : dy + h, dx : dx + w] * same
        count += same
    return total / count


def segment(image: Image) -> NDArray[np.int32]:
    """The segment of each pixel, (H, W) int32 from 0, of an image (H, W, 3) uint8.

    Flat regions of six pixels and more are the seeds of a watershed; without one, all is one segment. The papers take theirs
    from the grey image (3.3); here an edge in any channel counts, as a field should not bleed across an edge of colour either.
    """
    import cv2

    window = np.ones((3, 3), np.uint8)
    change = cv2.subtract(cv2.dilate(image, window), cv2.erode(image, window)).max(axis=-1)
    flat = (change <= 14).astype(np.uint8)  # levels within 3 x 3 pixels
    _count, seeds, stats, _ = cv2.connectedComponentsWithStats(flat, connectivity=4)
    keep = stats[:, cv2.CC_STAT_AREA] >= 6
    keep[0] = False
    if not keep.any():
        return np.zeros(image.shape[:2], np.int32)
    number = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    # A frame of one pixel, as OpenCV leaves the border of its watershed without a segment.
    markers = np.pad(number[seeds], 1)
    cv2.watershed(np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge"), markers)
    labels = markers[1:-1, 1:-1].copy()
    while (
        line := labels <= 0
    ).any():  # each pixel of the lines between segments (label -1) goes to the neighbour most like it
        rows, columns = np.nonzero(line)
        r = np.clip(rows + OUTWARD[:, :1], 0, labels.shape[0] - 1)  # (4, pixels)
        c = np.clip(columns + OUTWARD[:, 1:], 0, labels.shape[1] - 1)
        distance = np.abs(image[r, c].astype(np.int32) - image[rows, columns]).sum(axis=-1)
        distance[labels[r, c] <= 0] = np.iinfo(np.int32).max
        nearest = distance.argmin(axis=0), np.arange(len(rows))
        labels[rows, columns] = np.maximum(labels[r, c][nearest], 0)
    return labels - 1
