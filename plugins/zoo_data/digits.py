"""``digits``: scikit-learn's small handwritten digits; embedded, needs no files."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from zoo import Attributes, RequestError, Split
from zoo_data.kinds import GeneratedData
from zoo_data.mnist import DIGIT_NAMES, GreyRecords

SIDE, INNER = 28, 20
"""Pixels a side: of an image, and of the digit in it, as in MNIST."""
_PAD = 2
"""Dark pixels laid around each 8 x 8 before it is enlarged, so that strokes at its border end softly."""
_STREAM = 0x64696769


class Digits(GeneratedData[GreyRecords]):
    """The 1,797 handwritten digits of scikit-learn's ``load_digits`` (Alpaydin and Kaynak 1998), 8 x 8 in 17 levels.

    They are enlarged to 20 x 20 by cubic interpolation and laid in the middle of 28 x 28, as MNIST's are. A split is
    80 % for training and 20 % for testing, drawn by the seed; ``digits:N`` has the first N of the training ones. Attributes
    are the ten classes, called zero to nine.
    """

    kind = "digits"
    items = "the first N training digits"
    sizes = (1438, 359)

    def generate(self, split: Split, seed: int, count: int) -> GreyRecords:
        if split == "train" and count > self.sizes[0]:
            raise RequestError(f"{self}: there are {self.sizes[0]} training digits")
        pixels, labels = enlarged()
        order = np.random.default_rng([_STREAM, seed & (2**64 - 1)]).permutation(len(labels))
        chosen = order[:count] if split == "train" else order[self.sizes[0] :]
        names = [f"digit {i:04d}" for i in chosen]
        return GreyRecords(pixels[chosen], names, Attributes.classes(DIGIT_NAMES, labels[chosen]))


@cache
def enlarged() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All digits, (1797, 28, 28) uint8, and what they are, (1797,)."""
    import cv2
    from sklearn.datasets import load_digits

    bunch = load_digits()
    small = np.pad(bunch.images * (255 / 16), ((0, 0), (_PAD, _PAD), (_PAD, _PAD)))  # (1797, 8, 8) in 0..16
    whole = (8 + 2 * _PAD) * INNER // 8
    cut = slice((whole - SIDE) // 2, (whole + SIDE) // 2)
    large = [cv2.resize(digit, (whole, whole), interpolation=cv2.INTER_CUBIC)[cut, cut] for digit in small]
    out = np.clip(np.rint(np.stack(large)), 0, 255).astype(np.uint8)
    return out, bunch.target.astype(np.int64)
