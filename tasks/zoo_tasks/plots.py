"""Numbers drawn as pictures: fields, a table with bars, a curve."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo import Image
from zoo_tasks.fields import Float, levels

FEW = 12
"""Numbers that are shown as a table, at most."""
SIDE, ROW, WIDE, GAP = 160, 22, 184, 8
"""Pixels: the side of a picture at least, the height of a row, the width of a plot, the white around."""
TILES = 16
INK, FRAME, BAR = (40, 40, 40), (215, 215, 215), (90, 140, 200)


def drawn(shares: NDArray[np.float64], values: NDArray[Any]) -> Image:
    """One y as a picture (H, W, 3) uint8; ``shares`` are its numbers as shares of their range, ``values`` in their own units.

    (C, h, w) of one or three channels is a picture, anything else of two dimensions or more a sheet of grey ones, a few
    numbers are a table with bars, many are a curve.
    """
    if shares.ndim == 1:
        return _table(shares, values) if len(shares) <= FEW else _curve(shares)
    fields = np.clip(shares, 0, 1).astype(np.float32)
    if fields.ndim == 3 and fields.shape[0] in (1, 3):
        return _enlarged(np.repeat(fields, 3 // fields.shape[0], axis=0))
    tiles = [_enlarged(np.repeat(tile[None], 3, axis=0)) for tile in fields.reshape(-1, *fields.shape[-2:])[:TILES]]
    columns = math.ceil(len(tiles) ** 0.5)
    height, width = tiles[0].shape[:2]
    out = np.full((math.ceil(len(tiles) / columns) * (height + GAP), columns * (width + GAP), 3), 255, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = i // columns * (height + GAP), i % columns * (width + GAP)
        out[top : top + height, left : left + width] = tile
    return out


def _enlarged(field: Float) -> Image:
    """(3, h, w) as a picture of at least SIDE pixels a side, of whole pixels."""
    by = max(1, SIDE // max(field.shape[1:]))
    picture = np.ascontiguousarray(field.transpose(1, 2, 0))
    return levels(picture.repeat(by, 0).repeat(by, 1))


def _table(shares: NDArray[np.float64], values: NDArray[Any]) -> Image:
    """A row a number: its place in y, itself, and a bar that ends at its share of the range."""
    import cv2

    out = np.full((2 * GAP + ROW * len(shares), WIDE, 3), 255, np.uint8)
    left, right = 92, WIDE - GAP
    for i, (share, value) in enumerate(zip(shares.tolist(), values.tolist(), strict=True)):
        top = GAP + i * ROW
        cv2.putText(out, f"{i}", (GAP, top + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, FRAME, 1, cv2.LINE_AA)
        cv2.putText(out, f"{value:.4g}", (26, top + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
        cv2.rectangle(out, (left, top + 4), (right, top + ROW - 4), FRAME, 1)
        end = (left + min(max(share, 0.0), 1.0) * (right - left)) * 16
        corners = (left * 16, (top + 5) * 16), (round(end), (top + ROW - 5) * 16)
        cv2.rectangle(out, *corners, BAR, cv2.FILLED, cv2.LINE_AA, 4)
    return out


def _curve(shares: NDArray[np.float64]) -> Image:
    """All numbers in their order, from left to right."""
    import cv2

    out = np.full((SIDE, WIDE, 3), 255, np.uint8)
    cv2.rectangle(out, (GAP, GAP), (WIDE - GAP, SIDE - GAP), FRAME, 1)
    across = GAP + np.linspace(0, 1, len(shares)) * (WIDE - 2 * GAP)
    down = GAP + (1 - np.clip(shares, 0, 1)) * (SIDE - 2 * GAP)
    points = np.round(np.stack([across, down], 1) * 16).astype(np.int32)
    cv2.polylines(out, [points], False, BAR, 1, cv2.LINE_AA, 4)
    return out
