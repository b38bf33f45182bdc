"""Scenes that are painted: lightness is given, and colours are laid on it that leave it as it is (``scenes:paint``).

CIE L*a*b* under the white D65, L of 0 to 100 and a, b of -110 to 110 as shares of 0 to 1. L is albedo value times shading, and
every material has a hue and a chroma, a share of the most that sRGB has of that hue at that L. So no draw of the colours
changes L, which only those of the light and of the scene itself do.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from zoo_data.scene_render import Hits, first_ray
from zoo_data.scene_world import Floats

REACH = 110.0
_LEVELS, _HUES = 101, 180
"""Of the table of the most chroma: levels of L, and hues in a turn."""
_WHITE = np.array([0.950456, 1.0, 1.088754])
_TO_RGB = np.array(
    [[3.240479, -1.53715, -0.498535], [-0.969256, 1.875991, 0.041556], [0.055648, -0.204043, 1.057311]]
)  # ITU-R BT.709 primaries, as OpenCV has them


def _linear(light: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """L of 0 to 100, a and b as linear R, G, B, on a new last axis (CIE 15:2004)."""
    height = (light + 16) / 116
    parts = np.stack([height + a / 500, height, height - b / 200], -1)
    return (np.where(parts > 6 / 29, parts**3, 3 * (6 / 29) ** 2 * (parts - 4 / 29)) * _WHITE) @ _TO_RGB.T


@cache
def _most_chroma() -> Floats:
    """The most chroma that sRGB has at each L (rows, 0 to 100) and hue (columns, a turn and its first once more)."""
    light = np.linspace(0, 100, _LEVELS)[:, None]
    turn = 2 * math.pi * np.arange(_HUES) / _HUES
    low, high = np.zeros((_LEVELS, _HUES)), np.full((_LEVELS, _HUES), 140.0)
    for _ in range(20):
        middle = (low + high) / 2
        rgb = _linear(np.broadcast_to(light, middle.shape), middle * np.cos(turn), middle * np.sin(turn))
        inside = ((rgb >= -1e-9) & (rgb <= 1 + 1e-9)).all(-1)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    table: Floats = np.concatenate([low, low[:, :1]], 1).astype(np.float32)
    table.setflags(write=False)
    return table


def colours_field(hits: Hits, colours: Floats, lightness: Floats) -> Floats:
    """a and b (n, 2, size, size) in [0, 1] of materials of (n, 6, 2), hue and chroma, on a lightness (n, 1, size, size)."""
    turn = 2 * math.pi * colours[..., 0].astype(np.float64)
    parts = (np.cos(turn), np.sin(turn), colours[..., 0], colours[..., 1])
    cos, sin, hue, share = (first_ray(hits, np.ascontiguousarray(part, np.float32)) for part in parts)
    row, column = lightness * np.float32(_LEVELS - 1), hue * np.float32(_HUES)
    r, c = np.minimum(row.astype(np.int64), _LEVELS - 2), np.minimum(column.astype(np.int64), _HUES - 1)
    row, column, table = row - r.astype(np.float32), column - c.astype(np.float32), _most_chroma()
    upper = table[r, c] * (1 - column) + table[r, c + 1] * column
    lower = table[r + 1, c] * (1 - column) + table[r + 1, c + 1] * column
    chroma = share * (upper * (1 - row) + lower * row) / np.float32(2 * REACH)
    return np.concatenate([chroma * cos, chroma * sin], 1) + np.float32(0.5)


def painted(lightness: Floats, colours: Floats) -> Floats:
    """The picture R, G, B (n, 3, size, size) in [0, 1] of lightness (n, 1, size, size) and colours (n, 2, size, size)."""
    a, b = ((2.0 * colours.astype(np.float64) - 1) * REACH).transpose(1, 0, 2, 3)
    linear = np.clip(_linear(100.0 * lightness[:, 0].astype(np.float64), a, b), 0, 1)
    rgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.ascontiguousarray(np.moveaxis(rgb, -1, 1), np.float32)
