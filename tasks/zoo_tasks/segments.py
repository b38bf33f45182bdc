"""Segments of a photo: the regions between its edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo import Image

FLAT = 14
"""The largest difference within 3 x 3 pixels, in levels of 255, of what surely lies inside a segment."""
SEED = 6
"""The fewest pixels of a flat region that begins a segment."""
OUTWARD = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)])


def segment(image: Image) -> NDArray[np.int32]:
    """The segment of each pixel, (H, W) int32 from 0, of an image (H, W, 3) uint8.

    Flat regions are the seeds of a watershed that meets at the edges. The papers take their segments from the grey
    image (3.3); here an edge in any channel counts, as a field should not bleed across an edge of colour alone either.
    An image without a flat region is one segment.
    """
    import cv2

    window = np.ones((3, 3), np.uint8)
    change = cv2.subtract(cv2.dilate(image, window), cv2.erode(image, window)).max(axis=-1)
    flat = (change <= FLAT).astype(np.uint8)
    _count, seeds, stats, _ = cv2.connectedComponentsWithStats(flat, connectivity=4)
    keep = stats[:, cv2.CC_STAT_AREA] >= SEED
    keep[0] = False
    if not keep.any():
        return np.zeros(image.shape[:2], np.int32)
    number = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    # A frame of one pixel, as OpenCV leaves the border of its watershed without a segment.
    markers = np.pad(number[seeds], 1)
    cv2.watershed(np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge"), markers)
    return _close_lines(markers[1:-1, 1:-1], image) - 1


def _close_lines(labels: NDArray[np.int32], image: Image) -> NDArray[np.int32]:
    """Give each pixel of the lines between segments (label -1) to the neighbour most like it."""
    labels = labels.copy()
    while (line := labels <= 0).any():
        rows, columns = np.nonzero(line)
        r = np.clip(rows + OUTWARD[:, :1], 0, labels.shape[0] - 1)  # (4, pixels)
        c = np.clip(columns + OUTWARD[:, 1:], 0, labels.shape[1] - 1)
        distance = np.abs(image[r, c].astype(np.int32) - image[rows, columns]).sum(axis=-1)
        distance[labels[r, c] <= 0] = np.iinfo(np.int32).max
        nearest = distance.argmin(axis=0), np.arange(len(rows))
        labels[rows, columns] = np.maximum(labels[r, c][nearest], 0)
    return labels
