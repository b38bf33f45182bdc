"""The big motions of a field as arrows on the photo (first CDVAE paper, section 6.4 and Figure 8).

The paper clusters the motions and draws one arrow for each cluster of big ones, small motions of the whole frame being
the shaking of the camera. It does not say how it clusters; here it is k-means on motion and place together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo import Image
from zoo_tasks.resize import Float, resize

MOST = 7
"""Arrows on one photo, at most."""
BIG, RELATIVE = 0.03, 0.3
"""A motion is big from this share of the photo's side on, and from this share of the largest motion on."""
APART, NEAR = 0.4, 0.35
"""Two clusters differ by this share of the largest motion, or are this share of the photo's side apart."""
FINE = 64
"""Pixels a side of the field that is clustered, at most. Not enlarged: between two motions, that would make a third."""
SMALLEST = 0.01
"""The share of the photo that a cluster must have."""
SHIFT = 4
"""Bits of a pixel in which OpenCV takes coordinates."""


def find_arrows(flow: Float) -> NDArray[np.float64]:
    """The big motions of a field (2, s, s), in widths and heights: one arrow a cluster, the largest cluster first.

    An arrow starts at the point of its cluster that is nearest to the cluster's centre, and is as long as the cluster's
    mean motion: (K, 2, 2), start and motion, each (right, down). The same field always has the same arrows.
    """
    side = min(FINE, flow.shape[1])
    fine = resize(np.ascontiguousarray(flow.transpose(1, 2, 0), np.float32), side, side)
    length = np.sqrt(np.square(fine).sum(-1))
    largest = float(np.quantile(length, 0.98))
    big = length > max(BIG, RELATIVE * largest)
    if not big.any():
        return np.zeros((0, 2, 2))
    rows, columns = np.nonzero(big)
    place = (np.stack([columns, rows], 1).astype(np.float32) + np.float32(0.5)) / np.float32(side)
    motion = fine[big]
    label = _cluster(np.concatenate([motion / (APART * max(largest, BIG)), place / NEAR], 1))
    counts = np.bincount(label)
    arrows = []
    for cluster in np.argsort(-counts, kind="stable"):
        if counts[cluster] < SMALLEST * side * side:
            break
        at, mean = place[label == cluster], motion[label == cluster].mean(0)
        if np.hypot(*mean) > BIG:
            arrows.append([at[np.square(at - at.mean(0)).sum(1).argmin()], mean])
    return np.array(arrows, np.float64).reshape(-1, 2, 2)


def draw_arrows(image: Image, arrows: NDArray[np.float64], colours: Float) -> Image:
    """A copy of ``image`` (H, W, 3) with arrows (K, 2, 2) drawn on it, each in its colour (K, 3) in [0, 1].

    Each is cased in white and that in black, so that it is seen on any photo.
    """
    import cv2

    out = image.copy()
    height, width = image.shape[:2]
    unit = max(1.0, 0.009 * (height * width) ** 0.5)
    for (start, along), colour in zip(arrows * (width, height), colours, strict=True):
        own = tuple(round(255 * float(c)) for c in colour)
        for casing, shade in ((1.7, (0, 0, 0)), (1.0, (255, 255, 255)), (0.0, own)):
            shape = _outline(start, along, unit, casing * unit) - 0.5
            points = np.round(np.clip(shape, -1e6, 1e6) * 2**SHIFT).astype(np.int32)
            cv2.fillPoly(out, [points], shade, lineType=cv2.LINE_AA, shift=SHIFT)
    return out


def _outline(start: Float, along: Float, unit: float, casing: float) -> Float:
    """The seven corners of an arrow, ``casing`` pixels larger on all sides; the head is at most half of it."""
    length = max(float(np.hypot(*along)), 1e-6)
    forth = along / length
    side = np.array([-forth[1], forth[0]])
    head = min(6.0 * unit, 0.55 * length)
    half, barb = 0.9 * unit, 0.62 * head
    slope = np.hypot(head, barb)
    tip, base = length + casing * slope / barb, length - head - casing
    wide = barb + casing * (slope + barb) / head
    corners = [(-casing, half + casing), (base, half + casing), (base, wide), (tip, 0.0)]
    corners += [(x, -y) for x, y in corners[2::-1]]
    return np.array([start + x * forth + y * side for x, y in corners])


def _cluster(points: Float) -> np.ndarray:
    """The cluster (N,) of each of ``points`` (N, D): k-means from points that are far apart, near clusters then joined.

    Clusters are begun while a point is more than 1 from the first of each, up to ``MOST`` of them; in the end, those whose
    centres are within 1 become one.
    """
    centres = [points[np.square(points - points.mean(0)).sum(1).argmin()]]
    distance = np.square(points - centres[0]).sum(1)
    while len(centres) < MOST and distance.max() > 1:
        centres.append(points[distance.argmax()])
        distance = np.minimum(distance, np.square(points - centres[-1]).sum(1))
    at = np.stack(centres)
    for _ in range(10):
        label = (np.square(at).sum(1) - 2 * (points @ at.T)).argmin(1)
        new = _means(points, label, at)
        if np.array_equal(new, at):
            break
        at = new
    while len(at) > 1:
        gap = np.square(at[:, None] - at).sum(-1) + np.where(np.eye(len(at)) > 0, np.inf, 0)
        i, j = sorted(int(k) for k in np.unravel_index(gap.argmin(), gap.shape))
        if gap[i, j] > 1:
            break
        label = np.where(label == j, i, label - (label > j))
        at = _means(points, label, np.delete(at, j, 0))
    return label


def _means(points: Float, label: np.ndarray, before: Float) -> Float:
    """The mean of the points of each cluster; of an empty one, what it was before."""
    counts = np.bincount(label, minlength=len(before))[:, None]
    sums = np.stack([np.bincount(label, column, len(before)) for column in points.T], 1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), before).astype(points.dtype)
