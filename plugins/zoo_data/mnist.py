"""Digits: ``mnist:DIR``, the official idx files or folders of pictures, and ``digits``, scikit-learn's, embedded."""

from __future__ import annotations

import errno
import gzip
import hashlib
import math
import os
import re
import warnings
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import Attributes, Image, Records, RequestError, Split, afford, border, read_array, regular
from zoo_data.folder import PhotoRecords, file_names, photos_in
from zoo_data.kinds import FolderData, GeneratedData
from zoo_data.layouts import holds, seek, split_folder, split_folders

DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDE, INNER = 28, 20
"""Pixels a side of an image, and of the digit in it."""
_PAD = 2
"""Dark pixels laid around each 8 x 8 before it is enlarged, so that strokes at its border end softly."""
_STREAM = 0x64696769
_LARGEST = 1 << 29
"""Bytes of a CSV file; that of MNIST's training digits has 110 MB."""


class Mnist(FolderData):
    """MNIST (LeCun et al. 1998) as it is to be had: idx files, packed or not, ``mnist.npz``, CSV, or folders of pictures.

    The idx files may lie in ``raw/`` or ``MNIST/raw/``, where torchvision puts them, or in other folders up to three deep. In
    CSV, ``mnist_train.csv`` and ``mnist_test.csv`` or Kaggle's ``train.csv``, a line is a label and the pixels; Kaggle's
    ``test.csv`` has no labels, so that the last tenth of ``train.csv`` is for testing there. Pictures lie in
    ``{train,test}/<digit>/``, which may be called ``training`` and ``testing`` and the like; where those for testing lie in
    no folders of digits, as Kaggle's, every tenth of the others is for testing.

    An item's image is (28, 28, 3) with equal channels, light on dark; its attributes are the ten classes, called zero to nine.
    Items are in the order of the files, and the seed changes nothing.
    """

    kind = "mnist"
    layout = (
        "DIR has train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte "
        "(each as it is or .gz), or train/<digit>/*.png and test/<digit>/*.png"
    )

    def records(self, root: Path, split: Split, seed: int) -> Records:
        stem = "train" if split == "train" else "t10k"
        for place in (root, root / "raw", root / "MNIST" / "raw", None):
            images, labels = (_idx_file(place, root, f"{stem}-{name}") for name in ("images", "labels"))
            if images is not None and labels is None:
                raise self.wrong(f"{images.name} is there, but not its labels")
            if images is not None and labels is not None:
                return _grey(read_idx(images, 3), read_idx(labels, 1), (images.name, labels.name))
        if archive := seek(root, r"mnist\.npz"):
            names = [f"{part}_{split}" for part in "xy"]
            pixels, digits = (read_array(archive, name) for name in names)
            return _grey(pixels, digits, (f"{archive.name}, {names[0]}", f"{archive.name}, {names[1]}"))
        if listed := seek(root, r"mnist[-_]?train\.csv", r"train(ing)?\.csv"):
            return self._from_csv(root, listed, split)
        return self._from_folders(root, split)

    def _from_csv(self, root: Path, listed: Path, split: Split) -> Records:
        other = seek(root, re.escape(_tested(listed.name)))
        apart = other is not None and has_labels(other)
        pixels, digits = read_csv(other if apart and other and split == "test" else listed)
        numbers = np.arange(len(digits))
        if not apart:
            reason = "it has no labels" if other else "there is no such file"
            left = self.below(listed.parent / _tested(listed.name))
            self.skip({left: f"{reason}: the last tenth of {listed.name} is for testing"}, 2, "files")
            bar = round(0.9 * len(digits))
            numbers = numbers[:bar] if split == "train" else numbers[bar:]
        return _grey(pixels[numbers], digits[numbers], (listed.name, listed.name), int(numbers[0]) if len(numbers) else 0)

    def _from_folders(self, root: Path, split: Split) -> Records:
        sides = split_folders(root)
        part = sides.get(split) or split_folder(root, split)
        if part is None:
            raise self.wrong(f"there are no digits for the split {split}, but {holds(root)}")
        names, others = _by_digit(part)
        if sides and (asked := _by_digit(sides["test"])) and asked[1] and not asked[0]:
            part = sides["train"]
            names, others = _by_digit(part)
            names = [name for i, name in enumerate(names) if (i % 10 == 9) == (split == "test")]
            why = f"its pictures lie in no folders 0 to 9: every tenth in {part.name}/ is for testing"
            self.skip({self.below(sides["test"]): why}, 2, "folders")
        if not names:
            raise self.wrong(f"{part.name}/ has no folders 0 to 9 of pictures, but {holds(part)}")
        alone = dict.fromkeys(others, "it lies in no folder 0 to 9")
        self.skip(alone, len(names) + len(others), "images", self.below(part))
        photos = photos_in(self, part, names)
        labelled = np.array([int(photo.name.split("/")[-2]) for photo in photos])
        return PhotoRecords(photos, attributes=Attributes.classes(DIGIT_NAMES, labelled))


def _by_digit(part: Path) -> tuple[list[str], list[str]]:
    """The pictures in a folder that lie in folders 0 to 9, which may be in another, and those that do not."""
    listed = file_names(part)
    good = [name for name in listed if re.fullmatch(r"([^/]+/)?[0-9]/[^/]+", name)]
    return good, sorted({*listed} - {*good})


def _grey(pixels: NDArray[np.generic], digits: NDArray[np.generic], where: tuple[str, str], first: int = 0) -> GreyRecords:
    """The records of pictures (N, h, w) and what they are (N,); a RequestError where the two do not belong together."""
    if pixels.ndim != 3 or pixels.dtype != np.uint8 or not 1 <= min(pixels.shape[1:]) <= max(pixels.shape[1:]) <= 256:
        raise RequestError(f"{where[0]} is {pixels.shape} {pixels.dtype}; pictures are (N, 28, 28) uint8")
    if len(pixels) != len(digits) or not len(digits) or digits.ndim != 1 or digits.dtype.kind not in "ui":
        raise RequestError(f"{where[0]} has {len(pixels)} images and {where[1]} {len(digits)} labels")
    if digits.min() < 0 or digits.max() > 9:
        wrong = digits.min() if digits.min() < 0 else digits.max()
        raise RequestError(f"{where[1]} has the label {wrong}; labels are 0 to 9")
    names = [f"{i:05d}" for i in range(first, first + len(digits))]
    return GreyRecords(pixels.astype(np.uint8, copy=False), names, Attributes.classes(DIGIT_NAMES, digits.astype(np.int64)))


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
    """The array in an idx file of bytes, packed or not, whatever its name says; a RequestError where it is no such file."""
    start = 4 + 4 * dimensions
    with border(f"cannot read {path}", RequestError), regular(path).open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"  # browsers unpack what they save and keep its name
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if packed else file
        head = stream.read(start)
        if len(head) < start or head[:4] != bytes((0, 0, 8, dimensions)):
            raise RequestError(f"{path.name} is not an idx file of bytes in {dimensions} dimensions")
        shape = tuple(int(n) for n in np.frombuffer(head, ">u4", dimensions, 4))
        announced = math.prod(shape)
        afford(4 * announced, f"the {' x '.join(map(str, shape))} bytes that {path.name} announces", "check the file")
        data = stream.read(announced + 1)
    if len(data) != announced:
        have = "more" if len(data) > announced else f"{len(data)} bytes"
        raise RequestError(f"{path.name} holds {have}, but announces {' x '.join(map(str, shape))}")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _idx_file(place: Path | None, root: Path, stem: str) -> Path | None:
    """The idx file of this stem in ``place``; without a place, wherever it lies below ``root``."""
    dimensions = 3 if stem.endswith("images") else 1
    patterns = [rf"{stem}{dot}idx{dimensions}-ubyte{packed}" for dot in ("-", r"\.") for packed in ("", r"\.gz")]
    return seek(root, *patterns) if place is None else seek(place, *patterns, depth=0)


def _tested(name: str) -> str:
    """The file for testing beside one for training, ``mnist_test.csv`` of ``mnist_train.csv``."""
    return re.sub("train(ing)?", "test", name, flags=re.IGNORECASE)


def has_labels(path: Path) -> bool:
    """Whether a line of a CSV file has one number more than a square picture has pixels."""
    with border(f"cannot read {path}", RequestError), regular(path).open("rb") as file:
        columns = file.readline(1 << 16).count(b",")
    return math.isqrt(columns) ** 2 == columns


def read_csv(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The pictures (N, s, s) uint8 and the labels (N,) in a CSV file of lines LABEL,PIXEL,...; a RequestError in another."""
    wanted = f"{path.name} needs lines LABEL,PIXEL,PIXEL,... with whole numbers, pixels from 0 to 255"
    with warnings.catch_warnings(), border(wanted, RequestError), regular(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > _LARGEST:
            raise OSError(errno.EFBIG, f"it has more than {_LARGEST:,} bytes")
        afford(6 * size, f"the numbers of {path.name}", "take a smaller file")
        head = file.readline(1 << 16).decode("utf-8-sig")
        warnings.simplefilter("error")  # that there is nothing in it
        named = not re.match(r'"?\d+"?,', head)
        values = np.loadtxt(
            path, np.float32, delimiter=",", skiprows=int(named), ndmin=2, comments=None, quotechar='"', encoding="utf-8-sig"
        )
    side = math.isqrt(max(0, values.shape[1] - 1))
    pixels = values[:, 1:]
    if side < 8 or side * side != pixels.shape[1]:
        raise RequestError(f"{wanted}; it has {values.shape[1]} columns, and pictures are squares, 1 + 784 of MNIST")
    whole = (values >= 0) & (values <= 255) & (values == np.floor(values))
    if not whole.all():
        raise RequestError(f"{wanted}; line {int(np.argmin(whole.all(1))) + 1 + named} has others")
    return pixels.astype(np.uint8).reshape(-1, side, side), values[:, 0].astype(np.int64)


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
