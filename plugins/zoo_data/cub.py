"""``cub:DIR``: Caltech-UCSD Birds-200-2011 with its attributes and species, in the official layout."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import MIN_SIDE, Attributes, Image, RequestError, Split
from zoo_data.folder import PhotoRecords, photos_in
from zoo_data.kinds import FolderData, lines_of, numbers_in, one_word


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
        wanted = {"train": "1", "test": "0"}[split]
        ids = {name: key for key, name in files.items() if held.get(key) == wanted}
        if not ids:
            raise RequestError(f"{self}: train_test_split.txt has no image of images.txt for the split {split}")
        photos = photos_in(self.file(root, "images"), list(ids))
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
