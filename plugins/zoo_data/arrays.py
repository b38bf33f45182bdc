"""Records whose items lie in one array in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zoo import Attributes, Image, Records
from zoo_data.voxel_picture import voxel_picture

DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""The names of the ten classes of digits."""


class GreyRecords(Records):
    """Grey pictures of one size.

    Args:
        pixels: (N, h, w) uint8.
        names: one an item.
        attributes: of the items.
    """

    view = "grey"

    def __init__(self, pixels: NDArray[np.uint8], names: Sequence[str], attributes: Attributes) -> None:
        self.pixels = np.ascontiguousarray(pixels)
        self.names = names
        self.attributes = attributes
        content = hashlib.sha256(repr(self.pixels.shape).encode() + self.pixels.tobytes())
        self.digest = hashlib.sha256(content.digest() + attributes.digest()).hexdigest()

    @cached_property
    def ids(self) -> list[bytes]:
        size = repr(self.pixels.shape[1:]).encode()
        return [hashlib.sha256(size + row.tobytes()).digest() for row in self.pixels]

    def image(self, index: int) -> Image:
        """The picture of one item, (h, w, 3) with three equal channels."""
        return np.repeat(self.pixels[index][..., None], 3, axis=2)


class VoxelRecords(Records):
    """Solid shapes.

    Args:
        voxels: (N, s, s, s) bool, True inside; also an attribute.
        names: one an item.
        attributes: of the items.
    """

    view = "voxels-2"

    def __init__(self, voxels: NDArray[np.bool_], names: Sequence[str], attributes: Attributes) -> None:
        self.voxels = voxels
        self.names = names
        self.attributes = attributes
        self.digest = hashlib.sha256(b"".join(self.ids) + attributes.digest()).hexdigest()

    @cached_property
    def ids(self) -> list[bytes]:
        side = repr(self.voxels.shape[1:]).encode()
        packed = np.packbits(self.voxels.reshape(len(self.voxels), -1), axis=1)
        return [hashlib.sha256(side + row.tobytes()).digest() for row in packed]

    def array(self, name: str) -> NDArray[np.generic] | None:
        """``voxels``; None for any other name."""
        return self.voxels if name == "voxels" else None

    def image(self, index: int) -> Image:
        """The shape seen obliquely from above, (128, 128, 3); see :func:`zoo_data.voxel_picture.voxel_picture`."""
        return voxel_picture(self.voxels[index])
