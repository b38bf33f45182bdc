"""Records whose images lie in one array in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zoo import Attributes, Fields, Image, Records, cached_map

DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""The names of the ten classes of digits."""


class GreyRecords(Records):
    """Grey pictures of one size.

    Args:
        pixels: (N, h, w) uint8.
        names: one an item.
        attributes: of the items.
    """

    def __init__(self, pixels: NDArray[np.uint8], names: Sequence[str], attributes: Attributes) -> None:
        self.pixels = np.ascontiguousarray(pixels)
        self.names = names
        self.attributes = attributes
        content = hashlib.sha256(repr(self.pixels.shape).encode() + self.pixels.tobytes())
        self.digest = hashlib.sha256(content.digest() + attributes.digest()).hexdigest()

    @cached_property
    def ids(self) -> list[bytes]:
        """The content id of each picture."""
        size = repr(self.pixels.shape[1:]).encode()
        return [hashlib.sha256(size + one.tobytes()).digest() for one in self.pixels]

    def image(self, index: int) -> Image:
        """The picture of one item, (h, w, 3) with three equal channels."""
        return np.repeat(self.pixels[index][..., None], 3, axis=2)

    def map(self, function: Callable[[Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        return cached_map(lambda i: function(self.image(i)), self.ids, f"grey:{key}")
