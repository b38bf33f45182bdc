"""``celeba:DIR``: CelebA's aligned faces with their 40 attributes, in the official layout."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import Attributes, Image, RequestError, Split
from zoo_data.folder import PhotoRecords, photos_in
from zoo_data.kinds import FolderData, first_of, lines_of, numbers_in

TRAIN_SHARE = 0.9
"""The part of the list that is for training where there is no partition file."""
_PARTS = {"train": 0, "test": 2}


class CelebA(FolderData):
    """CelebA (Liu et al. 2015): ``img_align_celeba/``, ``list_attr_celeba.txt``, optionally ``list_eval_partition.txt``.

    The files may also lie where the release puts them, in ``Img/``, ``Anno/`` and ``Eval/``. An item's image is the centred
    square of the aligned face, as wide as the file's picture (178 of 178 x 218), so that tasks that make squares of images
    do not squash faces. Its attributes are the 40 of the list, 1 where the list says 1 and 0 where it says -1.

    With the partition file the splits are its training part (0) and its test part (2). Without it, the first 90 % of the
    list are for training and the rest for testing; a file that is missing moves no other one to the other side. Items are
    in the order of the list, and the seed changes nothing.
    """

    kind = "celeba"
    layout = "DIR has img_align_celeba/, list_attr_celeba.txt and, if at hand, list_eval_partition.txt"

    def records(self, root: Path, split: Split, seed: int) -> PhotoRecords:
        images = self.file(root, "img_align_celeba", "Img/img_align_celeba")
        names, attributes, values = _attributes(self.file(root, "list_attr_celeba.txt", "Anno/list_attr_celeba.txt"))
        partition = first_of(root, "list_eval_partition.txt", "Eval/list_eval_partition.txt")
        if partition is None:
            first = round(TRAIN_SHARE * len(names))
            wanted = list(range(first) if split == "train" else range(first, len(names)))
        else:
            part = _partition(partition)
            wanted = [i for i, name in enumerate(names) if part.get(name) == _PARTS[split]]
        if not wanted:
            where = "the list is too short to split" if partition is None else f"{partition.name} puts no listed face there"
            raise RequestError(f"{self} has no face for the split {split}: {where}")
        chosen = {names[i]: values[i] for i in wanted}
        photos = photos_in(images, list(chosen))
        kept = np.stack([chosen[photo.name] for photo in photos]).astype(np.float32)
        return PhotoRecords(photos, attributes=Attributes(attributes, kept), cut=_square, shown="square-1")


def _square(image: Image, index: int) -> Image:
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def _attributes(path: Path) -> tuple[list[str], tuple[str, ...], NDArray[np.bool_]]:
    """The file names, the names of the K attributes and which of them hold, (N, K); a RequestError in another format."""
    lines = lines_of(path)
    rows = [line for line in lines[2:] if line.strip()]
    attributes = tuple(lines[1].split()) if len(lines) > 1 else ()
    wanted = f"{path.name} needs a line with the count, one with the names, and a line FILE 1 -1 ... for every face"
    if not rows or not attributes or not lines[0].strip().isdigit():
        raise RequestError(wanted)
    if int(lines[0]) != len(rows):
        warnings.warn(f"{path.name} announces {int(lines[0])} faces and lists {len(rows)}", stacklevel=4)
    values = numbers_in(rows, range(1, len(attributes) + 1), wanted)
    odd = np.flatnonzero((np.abs(values) != 1).any(1))
    if len(odd):
        raise RequestError(f"{wanted}; line {odd[0] + 3} has other values")
    return [row.split(None, 1)[0] for row in rows], attributes, values > 0


def _partition(path: Path) -> dict[str, int]:
    """The part of each file: 0, 1 or 2; a RequestError where the list says another."""
    rows = [line.split() for line in lines_of(path)]
    for number, words in enumerate(rows, 1):
        if words and (len(words) != 2 or words[1] not in ("0", "1", "2")):
            raise RequestError(f"{path.name}, line {number}: it must be FILE 0, FILE 1 or FILE 2")
    return {words[0]: int(words[1]) for words in rows if words}
