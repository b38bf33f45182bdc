"""``digits``: scikit-learn's small handwritten digits; embedded, needs no files."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo import Attributes, Data, RequestError, Split, check_split
from zoo_data.arrays import DIGIT_NAMES, GreyRecords

TRAIN_SHARE = 0.8
SIDE, INNER = 28, 20
"""Pixels a side: of an image, and of the digit in it, as in MNIST."""
_PAD = 2
"""Dark pixels laid around each 8 x 8 before it is enlarged, so that strokes at its border end softly."""
_STREAM = 0x64696769


class Digits(Data):
    """The 1,797 handwritten digits of scikit-learn's ``load_digits`` (Alpaydin and Kaynak 1998), 8 x 8 in 17 levels.

    They are enlarged to 20 x 20 by cubic interpolation and laid in the middle of 28 x 28, as MNIST's are. A split is
    80 % for training and 20 % for testing, drawn by the seed; ``digits:N`` has the first N of the training ones. Attributes
    are the ten classes, called zero to nine.

    Raises:
        RequestError: what stands behind the colon is not a number of digits.
    """

    kind: ClassVar[str] = "digits"

    def __init__(self, path: str = "") -> None:
        if path and not (path.isascii() and path.isdigit() and int(path) > 0):
            raise RequestError(f"digits:{path}: write digits, or digits:N for the first N training digits")
        super().__init__(path)

    def read(self, split: Split, *, seed: int = 0) -> GreyRecords:
        """The digits of one split, in an order drawn by ``seed``.

        Raises:
            RequestError: more training digits are asked for than there are.
        """
        check_split(split)
        pixels, labels = enlarged()
        order = np.random.default_rng([_STREAM, seed & (2**64 - 1)]).permutation(len(labels))
        first = round(TRAIN_SHARE * len(labels))
        chosen = order[:first] if split == "train" else order[first:]
        if split == "train" and self.path:
            if int(self.path) > first:
                raise RequestError(f"digits:{self.path}: there are {first} training digits")
            chosen = chosen[: int(self.path)]
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
    large = [cv2.resize(one, (whole, whole), interpolation=cv2.INTER_CUBIC)[cut, cut] for one in small]
    out = np.clip(np.rint(np.stack(large)), 0, 255).astype(np.uint8)
    return out, bunch.target.astype(np.int64)
