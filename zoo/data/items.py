"""The picture of an item of data, and the rest that the data says of it: the second that follows, its objects, its words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.utils.bounds import afford

Image = NDArray[np.uint8]
"""An RGB photo, (H, W, 3) uint8."""


@dataclass(frozen=True)
class Annotation:
    """The K objects in one image.

    Attributes:
        boxes: (K, 4) as left, top, width, height in shares of the image.
        labels: (K,) in 0..C-1.

    Examples:
        >>> Annotation(np.array([[0.5, 0, 0.5, 1]], np.float32), np.array([2])).labels.tolist()  # one object, on the right
        [2]
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Clip:
    """The frames of one second of a video.

    Attributes:
        frames: in order, each (H, W, 3) uint8 of one size, at least two, to be gone through once; the first is the item's own.
        seconds: from the first frame to the last: one second, to the nearest frame.

    Examples:
        >>> clip = Clip(iter(np.zeros((13, 20, 30, 3), np.uint8)), 1.0)
        >>> len(list(clip.frames))
        13
    """

    frames: Iterator[Image]
    seconds: float


@dataclass(frozen=True)
class Attributes:
    """Everything that the data says of its items in words.

    Attributes:
        names: of the K attributes, each one word or several joined by ``_``; no comma.
        values: (N, K) float32 in [0, 1]: 1 where the attribute holds.
        exclusive: whether exactly one of them holds for every item: they are classes.

    Examples:
        >>> Attributes.classes(["cat", "dog"], np.array([1, 1, 0])).values.tolist()
        [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]
    exclusive: bool = False

    @classmethod
    def classes(cls, names: Sequence[str], labels: NDArray[np.integer]) -> Attributes:
        """Exclusive attributes: item i is of the class called ``names[labels[i]]``; ``labels`` is (N,) in 0..K-1."""
        afford(4.0 * len(labels) * len(names), f"{len(names)} classes of {len(labels)} items", "name fewer of either")
        values = np.zeros((len(labels), len(names)), np.float32)
        values[np.arange(len(labels)), labels] = 1
        return cls(tuple(names), values, exclusive=True)

    def digest(self) -> bytes:
        """The sha256 of all of it, 32 bytes."""
        told = ",".join(self.names) + f"|{self.exclusive}|{self.values.shape}|"
        return hashlib.sha256(told.encode("utf-8", "surrogatepass") + np.ascontiguousarray(self.values).tobytes()).digest()
