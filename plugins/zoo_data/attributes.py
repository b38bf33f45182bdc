"""Photos with attributes, in their official layouts: CelebA's aligned faces (``celeba:DIR``) and CUB's birds (``cub:DIR``)."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import MIN_SIDE, Attributes, Image, RequestError, Split
from zoo_data.folder import PhotoRecords, photos_in
from zoo_data.kinds import FolderData, first_of, lines_of, numbers_in, one_word


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
            first = round(0.9 * len(names))
            wanted = list(range(first) if split == "train" else range(first, len(names)))
        else:
            rows = [line.split() for line in lines_of(partition)]
            for number, words in enumerate(rows, 1):
                if words and (len(words) != 2 or words[1] not in ("0", "1", "2")):
                    raise RequestError(f"{partition.name}, line {number}: it must be FILE 0, FILE 1 or FILE 2")
            part = dict(words for words in rows if words)
            wanted = [i for i, name in enumerate(names) if part.get(name) == ("0" if split == "train" else "2")]
        if not wanted:
            where = "the list is too short to split" if partition is None else f"{partition.name} puts no listed face there"
            raise RequestError(f"{self} has no face for the split {split}: {where}")
        chosen = {names[i]: values[i] for i in wanted}
        photos = photos_in(self, images, list(chosen))
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


class Cub(FolderData):
    """CUB-200-2011 (Wah et al. 2011): the folder ``CUB_200_2011`` of the release, or the one that it lies in.

    An item's image is the whole photo, or with ``cub:DIR@box`` what lies in the bird's bounding box. Its attributes are the
    312 binary ones (``is_present``, however certain the annotator was), then the 200 species, of which one holds: the
    vector of the attribute CVAE (5.2). Names are made one word each: ``has_bill_shape::curved_(up_or_down)`` is
    ``has_bill_shape_curved_up_or_down``, ``001.Black_footed_Albatross`` is ``Black_footed_Albatross``. ``attributes.txt`` may
    also lie in DIR or beside it, where the release puts it. Items are in the order of ``images.txt``, and the seed changes
    nothing.
    """

    kind = "cub"
    layout = (
        "DIR has images/, images.txt, classes.txt, image_class_labels.txt, train_test_split.txt, bounding_boxes.txt and "
        "attributes/ with attributes.txt and image_attribute_labels.txt"
    )

    def __init__(self, path: str = "") -> None:
        super().__init__(path)
        self.folder, self.boxed = path.removesuffix("@box"), path.endswith("@box")

    def records(self, root: Path, split: Split, seed: int) -> PhotoRecords:
        if not (root / "images.txt").exists() and (root / "CUB_200_2011").is_dir():
            root = root / "CUB_200_2011"
        files = dict(self._lines(root, "images.txt"))
        held = dict(self._lines(root, "train_test_split.txt"))
        ids = {name: key for key, name in files.items() if held.get(key) == ("1" if split == "train" else "0")}
        if not ids:
            raise RequestError(f"{self}: train_test_split.txt has no image of images.txt for the split {split}")
        photos = photos_in(self, self.file(root, "images"), list(ids))
        items = [ids[photo.name] for photo in photos]
        attributes = self._attributes(root, items)
        if not self.boxed:
            return PhotoRecords(photos, attributes=attributes)
        told = dict(self._lines(root, "bounding_boxes.txt"))
        boxes = [_box(told.get(key, ""), key) for key in items]
        contents = [hashlib.sha256(p.content + box.tobytes()).digest() for p, box in zip(photos, boxes, strict=True)]
        return PhotoRecords(
            photos, attributes=attributes, ids=contents, cut=lambda image, i: _inside(image, boxes[i]), shown="box-1"
        )

    def _attributes(self, root: Path, items: Sequence[str]) -> Attributes:
        """The 312 attributes and the 200 species of the images called ``items``."""
        binary = self._lines(root, "attributes/attributes.txt", "attributes.txt", "../attributes.txt")
        species = self._lines(root, "classes.txt")
        label = dict(self._lines(root, "image_class_labels.txt"))
        column = {key: i for i, (key, _) in enumerate(species)}
        missing = next((key for key in items if label.get(key) not in column), None)
        if missing is not None:
            raise RequestError(f"{self}: image_class_labels.txt gives image {missing} no class of classes.txt")
        values = np.zeros((len(items), len(binary) + len(species)), np.float32)
        wanted = f"{self}: ids of images and attributes are whole numbers"
        keys = (items, [key for key, _ in binary])
        rows, columns = ({n: i for i, (n,) in enumerate(numbers_in(of, (0,), wanted).tolist())} for of in keys)
        path = self.file(root, "attributes/image_attribute_labels.txt")  # some rows of the release have columns too many
        told = numbers_in(path, (0, 1, 2), f"{path.name} needs lines IMAGE ATTRIBUTE PRESENT CERTAINTY SECONDS")
        for image, attribute, _ in told[told[:, 2] == 1].tolist():
            if image in rows and attribute in columns:
                values[rows[image], columns[attribute]] = 1
        values[np.arange(len(items)), [len(binary) + column[label[key]] for key in items]] = 1
        names = [re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_") for _, name in binary]
        return Attributes((*names, *(one_word(name.partition(".")[2] or name) for _, name in species)), values)

    def _lines(self, root: Path, *names: str) -> list[tuple[str, str]]:
        """The lines ``ID REST`` of the first of these files that is there; a RequestError where one has only one word."""
        path = self.file(root, *names)
        lines = [line.strip().split(None, 1) for line in lines_of(path) if line.strip()]
        short = next((line for line in lines if len(line) != 2), None)
        if short is not None:
            raise RequestError(f"{path.name}: the line {short[0]!r} has one word; lines are an id and what it stands for")
        return [(line[0], line[1]) for line in lines]


def _inside(image: Image, box: NDArray[np.float64]) -> Image:
    """The part of a photo in a box, at least 16 pixels a side."""
    size = np.array(image.shape[1::-1])
    left_top = np.clip(np.floor(box[:2]).astype(int), 0, size - MIN_SIDE)
    end = np.clip(np.ceil(box[:2] + box[2:]).astype(int), left_top + MIN_SIDE, size)
    return image[left_top[1] : end[1], left_top[0] : end[0]]


def _box(text: str, key: str) -> NDArray[np.float64]:
    try:
        box = np.array(text.split(), np.float64)
    except ValueError:
        box = np.empty(0)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise RequestError(f"bounding_boxes.txt has no box LEFT TOP WIDTH HEIGHT for image {key}")
    return box
