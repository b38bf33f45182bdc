"""Contact sheets: where pictures and words stand."""

from __future__ import annotations

import doctest

import numpy as np
from PIL import Image

from zoo.utils import sheet
from zoo.utils.sheet import Row, Tile, contact_sheet


def test_the_example() -> None:
    assert doctest.testmod(sheet) == (0, 3)


def test_pictures_are_as_large_as_fits_in_the_middle_of_their_place() -> None:
    red, wide = Image.new("RGB", (3, 3), "red"), Image.new("L", (40, 20))
    rows = [Row(30, [Tile(red), Tile(wide, like=(10, 30))]), Row(0, rule=True), Row(20, [Tile(None), Tile("words")])]
    rows.append(Row(16, [Tile(wide, span=2)]))
    pixels = np.asarray(contact_sheet(rows, [30, 50], gap=4, margin=10))
    assert pixels.shape == (98, 104, 3)

    def box(top: int, height: int, left: int, width: int) -> tuple[int, ...]:
        """Where the place is not white: top, bottom, left, right."""
        rows, columns = (pixels[top : top + height, left : left + width] != 255).any(2).nonzero()
        return (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1)

    assert box(10, 30, 10, 30) == (0, 30, 0, 30), "a small one is magnified"
    assert set(map(tuple, pixels[10:40, 10:40].reshape(-1, 3))) == {(255, 0, 0)}, "and its pixels stay visible"
    assert box(10, 30, 44, 50) == (0, 30, 20, 30), "in the proportions that are asked for"
    assert box(44, 1, 0, 104) == (0, 1, 10, 95), "a rule from margin to margin"
    assert (pixels[48:68, 10:40] == 255).all()
    top, bottom, left, right = box(48, 20, 44, 50)
    assert abs(top + bottom - 20) <= 4
    assert abs(left + right - 50) <= 2
    assert box(72, 16, 10, 84) == (0, 16, 26, 58), "across columns"
