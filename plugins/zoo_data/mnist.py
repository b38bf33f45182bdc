"""Digits: ``mnist:DIR``, the official idx files or folders of pictures, and ``digits``, scikit-learn's, embedded."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import Attributes, Image, Records, RequestError, Split
from zoo_data.folder import PhotoRecords, file_names, photos_in
from zoo_data.kinds import FolderData, GeneratedData, first_of

DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDE, INNER = 28, 20
"""Pixels a side of an image, and of the digit in it."""
_PAD = 2
"""Dark pixels laid around each 8 x 8 before it is enlarged, so that strokes at its border end softly."""
_STREAM = 0x64696769


class Mnist(FolderData):
    """MNIST (LeCun et al. 1998): the official idx files, packed or not, or ``{train,test}/<digit>/*.png``.

    The idx files may also lie in ``raw/`` or ``MNIST/raw/``, where torchvision puts them. An item's image is (28, 28, 3)
    with equal channels, light on dark; its attributes are the ten classes, called zero to nine. Items are in the order of
    the files, and the seed changes nothing.
    """

    kind = "mnist"
    layout = (
        "DIR has train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte "
        "(each as it is or .gz), or train/<digit>/*.png and test/<digit>/*.png"
    )

    def records(self, root: Path, split: Split, seed: int) -> Records:
        stem = "train" if split == "train" else "t10k"
        for place in (root, root / "raw", root / "MNIST" / "raw"):
            images, labels = _idx_file(place, f"{stem}-images", 3), _idx_file(place, f"{stem}-labels", 1)
            if images is None:
                continue
            if labels is None:
                raise self.wrong(f"{images.name} is there, but not its labels")
            pixels, digits = read_idx(images, 3), read_idx(labels, 1)
            if len(pixels) != len(digits) or not len(digits):
                raise RequestError(f"{images.name} has {len(pixels)} images and {labels.name} {len(digits)} labels")
            if digits.max() > 9:
                raise RequestError(f"{labels.name} has the label {digits.max()}; labels are 0 to 9")
            return GreyRecords(pixels, [f"{i:05d}" for i in range(len(digits))], Attributes.classes(DIGIT_NAMES, digits))
        if not (root / split).is_dir():
            raise self.wrong(f"there are no digits for the split {split}")
        names = [name for name in file_names(root / split) if re.fullmatch(r"[0-9]/[^/]+", name)]
        if not names:
            raise self.wrong(f"{split}/ has no folders 0 to 9 of pictures")
        photos = photos_in(self, root / split, names)
        labelled = np.array([int(photo.name[0]) for photo in photos])
        return PhotoRecords(photos, attributes=Attributes.classes(DIGIT_NAMES, labelled))


class GreyRecords(Records):
    """Grey pictures of one size, ``pixels`` (N, h, w) uint8, that lie in memory."""

    view = "grey"

    def __init__(self, pixels: NDArray[np.uint8], names: Sequence[str], attributes: Attributes) -> None:
        self.pixels = np.ascontiguousarray(pixels)
        self.names, self.attributes = names, attributes
        content = hashlib.sha256(repr(self.pixels.shape).encode() + self.pixels.tobytes())
        self.digest = hashlib.sha256(content.digest() + attributes.digest()).hexdigest()

    @cached_property
    def ids(self) -> list[bytes]:
        size = repr(self.pixels.shape[1:]).encode()
        return [hashlib.sha256(size + row.tobytes()).digest() for row in self.pixels]

    def image(self, index: int) -> Image:
        return np.repeat(self.pixels[index][..., None], 3, axis=2)


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array in an idx file of bytes, packed where its name ends in ``.gz``; a RequestError where it is no such file."""
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise RequestError(f"cannot read {path}: {error}") from error
    start = 4 + 4 * dimensions
    if len(data) < start or data[:4] != bytes((0, 0, 8, dimensions)):
        raise RequestError(f"{path.name} is not an idx file of bytes in {dimensions} dimensions")
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", dimensions, 4))
    if len(data) - start != int(np.prod(shape, dtype=object)):
        raise RequestError(f"{path.name} holds {len(data) - start} bytes, but announces {' x '.join(map(str, shape))}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _idx_file(folder: Path, stem: str, dimensions: int) -> Path | None:
    return first_of(folder, *(f"{stem}{dot}idx{dimensions}-ubyte{packed}" for dot in "-." for packed in ("", ".gz")))


class Digits(GeneratedData):
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
    return np.clip(np.rint(np.stack(large)), 0, 255).astype(np.uint8), bunch.target.astype(np.int64)
