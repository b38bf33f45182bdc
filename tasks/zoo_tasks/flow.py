"""Optical flow over one second of video, and a photo one second on: moved along a flow.

A flow says where each point goes; to draw the later photo it must be known where each of its points came from. So the
points of the photo are thrown to where they go, each leaving word of where it came from; of several that meet, those that
move least like the whole count most, as these are mostly things in front of a background that stays or passes by. What
nothing goes to was hidden: it is filled smoothly from around.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from zoo import Image
from zoo_tasks.fields import Float, resize

SHORT, LONG, LEAST = 160, 640, 32
"""Pixels: flow is computed with the shorter side of the frames so long, no side being beyond the other two."""
DENSE = 2
"""Points thrown for a pixel of it, along each side."""


def second_of_flow(frames: Iterable[Image], chain: bool = True) -> tuple[Image, Float]:
    """The motion from the first frame to the last, as OpenCV's DIS (Kroeger et al., ECCV 2016) sees it in grey.

    Within a second, things move further than a flow of one jump can follow. With ``chain`` flows between up to seven frames
    are composed, and DIS begins with that between first and last: the chain finds the way, the last step removes its drift.
    The first frame, and a finite flow (h, w, 2) at the working size: to the right in widths and down in heights of the frame.
    """
    import cv2

    frames = iter(frames)
    first = next(frames)
    scale = min(1.0, SHORT / min(first.shape[:2]))
    height, width = (int(np.clip(round(side * scale), LEAST, LONG)) for side in first.shape[:2])
    greys = [resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), height, width) for frame in (first, *frames)]
    steps = min(6, len(greys) - 1) if chain else 1
    stops = np.linspace(0, len(greys) - 1, steps + 1).round().astype(int)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = _calc(dis, greys[0], greys[stops[1]])
    for a, b in pairwise(stops[1:]):
        flow = flow + warp_back(_calc(dis, greys[a], greys[b]), flow)  # f(p) + g(p + f(p)); beyond the border, g as on it
    if chain:
        flow = _calc(dis, greys[0], greys[-1], flow)
    flow /= np.array([width, height], np.float32)
    return first, flow


def warp_back(later: Float, flow: Float) -> Float:
    """``later`` (h, w) or (h, w, C) seen from the frame before: at p its value at p + f(p), f (h, w, 2) in pixels."""
    import cv2

    rows, columns = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    right, down = columns + flow[..., 0], rows + flow[..., 1]
    warped: Float = cv2.remap(later, right, down, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return warped


def _calc(dis, before: NDArray[np.uint8], after: NDArray[np.uint8], start: Float | None = None) -> Float:  # type: ignore[no-untyped-def]
    """DIS in pixels; where it runs away (on frames that have nothing in common), ``start``, or else no motion."""
    flow: Float = dis.calc(before, after, None if start is None else start.copy())
    most = max(before.shape)
    lost = ~(np.isfinite(flow).all(-1) & (np.abs(flow) <= most).all(-1))
    flow[lost] = 0 if start is None else start[lost]
    return np.clip(flow, -most, most)


def move(image: Image, flow: Float) -> Image:
    """``image`` (H, W, 3) uint8 after a flow (h, w, 2) in widths and heights of it, at its own size."""
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, 192 / max(height, width))  # of the grid on which points are thrown
    rows, columns = max(2, round(height * scale)), max(2, round(width * scale))
    came, cover = _origins(flow, rows, columns)
    came = resize(came, height, width)
    hole = resize(cover, height, width) < 0.5
    at_rows, at_columns = np.mgrid[:height, :width].astype(np.float32)
    at_columns += came[..., 0] * width
    at_rows += came[..., 1] * height
    moved = cv2.remap(image, at_columns, at_rows, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    hole |= (at_columns < -1) | (at_columns > width) | (at_rows < -1) | (at_rows > height)
    if hole.any():
        smooth = fill_holes(moved.astype(np.float32), (~hole).astype(np.float32))
        moved[hole] = np.clip(smooth[hole] + 0.5, 0, 255).astype(np.uint8)
    return moved


def _origins(flow: Float, rows: int, columns: int) -> tuple[Float, Float]:
    """For a later grid: the way back (rows, columns, 2) in widths and heights, and whether (0 to 1) anything came there."""
    import cv2

    fine = resize(flow, DENSE * rows, DENSE * columns).reshape(-1, 2)
    i, j = np.divmod(np.arange(len(fine)), DENSE * columns)
    down = (i + 0.5) / DENSE - 0.5 + fine[:, 1] * rows
    right = (j + 0.5) / DENSE - 0.5 + fine[:, 0] * columns
    own = fine - np.median(fine, 0)
    weight = (1e-3 + 20.0 * np.hypot(own[:, 0], own[:, 1])) ** 4  # things in front differ from the middle motion
    top, left = np.floor(down).astype(np.int64), np.floor(right).astype(np.int64)
    sums = np.zeros((4, rows * columns))
    for dy, dx in product((0, 1), (0, 1)):
        share = np.abs(1 - dy - (down - top)) * np.abs(1 - dx - (right - left))
        r, c = top + dy, left + dx
        inside = (r >= 0) & (r < rows) & (c >= 0) & (c < columns)
        weighted = share * weight
        for total, part in zip(sums, (share, weighted, weighted * fine[:, 0], weighted * fine[:, 1]), strict=True):
            total += np.bincount((r * columns + c)[inside], part[inside], rows * columns)
    count, total, back = sums[0], sums[1], sums[2:]
    covered = count > 0.3 * DENSE * DENSE  # fewer of the points thrown for a pixel make a hole
    back = np.where(covered, -back / np.maximum(total, 1e-300), 0)
    came = back.T.reshape(rows, columns, 2).astype(np.float32)
    cover = covered.reshape(rows, columns).astype(np.uint8)
    # What is torn off at the border of two motions, and gaps of a pixel, go with what is around them.
    came = cv2.medianBlur(cv2.medianBlur(fill_holes(came, cover.astype(np.float32)), 5), 5)
    return came, cv2.medianBlur(cover, 7).astype(np.float32)


def fill_holes(values: Float, known: Float) -> Float:
    """``values`` (h, w, C) where ``known`` (h, w) is 1, and smoothly from around where it is 0 (push and pull).

    Means of known values are taken over ever larger squares; a hole has those of the smallest squares that know any.
    """
    import cv2

    if not (known > 0).any():
        return np.zeros_like(values)
    height, width = known.shape
    if min(height, width) == 1 or known.all():
        mean = (values * known[..., None]).sum((0, 1)) / known.sum()
        return np.where(known[..., None] > 0, values, mean).astype(np.float32)
    small = ((width + 1) // 2, (height + 1) // 2)
    weight = cv2.resize(known, small, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(values * known[..., None], small, interpolation=cv2.INTER_AREA)
    mean /= np.maximum(weight, 1e-6)[..., None]
    coarse = fill_holes(mean, (weight > 0).astype(np.float32))
    around = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(known[..., None] > 0, values, around)
