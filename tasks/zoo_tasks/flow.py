"""Optical flow over one second of video, and flows composed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zoo import Image
from zoo_tasks.resize import Float, resize

SHORT, LONG, LEAST = 160, 640, 32
"""Pixels: flow is computed with the shorter side of the frames so long, no side being beyond the other two."""
LINKS = 6
"""The most steps that a second is divided into."""


def second_of_flow(frames: Iterable[Image], chain: bool = True) -> tuple[Image, Float]:
    """The motion from the first frame to the last, as OpenCV's DIS (Kroeger et al., ECCV 2016) sees it in grey.

    Within a second, things move further than a flow of one jump can follow. With ``chain`` the flows between up to
    seven frames of the second are composed, and what comes of that is where DIS begins between first and last: the
    chain finds the way, and the last step removes what it has drifted.

    Args:
        frames: at least two, each (H, W, 3) uint8.
        chain: False for one jump.

    Returns:
        The first frame, and the flow (h, w, 2) float32 at the working size, always finite: to the right in widths and
        downwards in heights of the frame.
    """
    import cv2

    first, greys = None, []
    for frame in frames:
        if first is None:
            first = frame
            scale = min(1.0, SHORT / min(frame.shape[:2]))
            height, width = (int(np.clip(round(side * scale), LEAST, LONG)) for side in frame.shape[:2])
        greys.append(resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), height, width))
    if first is None or len(greys) < 2:
        raise ValueError("at least two frames are needed")
    steps = min(LINKS, len(greys) - 1) if chain else 1
    stops = np.linspace(0, len(greys) - 1, steps + 1).round().astype(int)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = _calc(dis, greys[0], greys[stops[1]])
    for a, b in pairwise(stops[1:]):
        flow = compose_flows(flow, _calc(dis, greys[a], greys[b]))
    if chain:
        flow = _calc(dis, greys[0], greys[-1], flow)
    flow /= np.array([width, height], np.float32)
    return first, flow


def compose_flows(first: Float, second: Float) -> Float:
    """The flow (h, w, 2) in pixels of ``first`` and then ``second``: f(p) + g(p + f(p)); beyond the border, g as on it."""
    return first + warp_back(second, first)


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
