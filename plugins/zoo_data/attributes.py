"""Photos with attributes, in their official layouts: CelebA's aligned faces (``celeba:DIR``) and CUB's birds (``cub:DIR``)."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import MIN_SIDE, Attributes, Image, RequestError, Split, one_line
from zoo_data.folder import Photo, PhotoRecords, file_names, photos_in
from zoo_data.kinds import FolderData, lines_of, numbers_in, one_word
from zoo_data.layouts import Listing, holds, seek
from zoo_data.turned import turned


class CelebA(FolderData):
    """CelebA (Liu et al. 2015): ``img_align_celeba/``, ``list_attr_celeba.txt``, optionally ``list_eval_partition.txt``.

    The files may lie in other folders, up to three deep, such as the release's ``Img/``, ``Anno/`` and ``Eval/``; the lists
    may be CSV, as Kaggle has them, and the pictures PNG while the lists say ``.jpg``. An item's image is the centred square of
    the aligned face, as wide as the file's picture (178 of 178 x 218), so that tasks that make squares of images do not squash
    faces. Its attributes are the 40 of the list, 1 where the list says 1 and 0 where it says -1.

    With the partition file the splits are its training part (0) and its test part (2), or where it has none of that its
    validation part (1). Without it, the first 90 % of the list are for training and the rest for testing; a file that is
    missing moves no other one to the other side. Items are in the order of the list, and the seed changes nothing.
    """

    kind = "celeba"
    layout = "DIR has img_align_celeba/, list_attr_celeba.txt and, if at hand, list_eval_partition.txt"

    def records(self, root: Path, split: Split, seed: int) -> PhotoRecords:
        images = self.sought(root, "img_align_celeba", r"img_align_celeba", r"img_align_celeba_png", folder=True)
        names, attributes, values = _attributes(self.sought(root, "list_attr_celeba.txt", *_named("list_attr_celeba")))
        partition = seek(root, *_named("list_eval_partition"))
        if partition is None:
            first = round(0.9 * len(names))
            wanted = list(range(first) if split == "train" else range(first, len(names)))
        else:
            part = _partition(partition)
            self.skip({n: f"it is not in {partition.name}" for n in names if n not in part}, len(names), "listed faces")
            parts = [part.get(name, "") for name in names]
            own = "0" if split == "train" else "2" if "2" in parts else "1"
            wanted = [i for i, told in enumerate(parts) if told == own]
        if not wanted:
            where = "the list is too short to split" if partition is None else f"{partition.name} puts no listed face there"
            raise RequestError(f"{self} has no face for the split {split}: {where}")
        listing = Listing(file_names(images))
        chosen: dict[str, NDArray[np.bool_]] = {}
        missing = {}
        for i in wanted:
            file = listing.find(names[i])
            if file is None or file in chosen:
                missing[names[i]] = "there is no such file" if file is None else "it is listed twice"
            else:
                chosen[file] = values[i]
        if not chosen:
            listed = f"list_attr_celeba names {names[0]}, ..."
            raise RequestError(f"{images} has no readable image that is listed: {listed}, and it holds {holds(images)}")
        self.skip(missing, len(wanted), "listed faces", self.below(images))
        photos = photos_in(self, images, list(chosen))
        kept = np.stack([chosen[photo.name] for photo in photos]).astype(np.float32)
        return PhotoRecords(photos, attributes=Attributes(attributes, kept), cut=_square, shown="square-1")


def _named(stem: str) -> tuple[str, str]:
    return rf"{stem}\.txt", rf"{stem}\.csv"


def _square(image: Image, index: int) -> Image:
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def _attributes(path: Path) -> tuple[list[str], tuple[str, ...], NDArray[np.bool_]]:
    """The file names, the names of the K attributes and which of them hold, (N, K); a RequestError in another format."""
    lines = [words for line in lines_of(path) if (words := _words(line))]
    counted = len(lines[0]) == 1 if lines else False
    head = lines[counted] if len(lines) > counted else []
    rows = lines[counted + 1 :]
    attributes = tuple(head[1:] if rows and len(head) == len(rows[0]) else head)  # CSV names the column of the files too
    wanted = f"{path.name} needs a line with the count, one with the names, and a line FILE 1 -1 ... for every face"
    if not rows or not attributes or (counted and not re.fullmatch("[0-9]{1,12}", lines[0][0])) or head[0] == rows[0][0]:
        raise RequestError(wanted)
    if counted and int(lines[0][0]) != len(rows):
        warnings.warn(f"{path.name} announces {int(lines[0][0])} faces and lists {len(rows)}", stacklevel=4)
    odd = next((i for i, row in enumerate(rows) if len(row) != 1 + len(attributes)), None)
    if odd is not None:
        have = f"{len(rows[odd]) - 1} of {len(attributes)} values"
        raise RequestError(f"{wanted}; the line of {one_line(rows[odd][0])} has {have}")
    values = numbers_in([" ".join(row[1:]) for row in rows], range(len(attributes)), wanted)
    others = np.flatnonzero((np.abs(values) != 1).any(1))
    if len(others):
        raise RequestError(f"{wanted}; line {others[0] + counted + 2} has other values")
    return [row[0] for row in rows], attributes, values > 0


def _partition(path: Path) -> dict[str, str]:
    """The part of each face, ``0``, ``1`` or ``2``; a RequestError in another format."""
    part = {}
    for number, line in enumerate(lines_of(path), 1):
        words = _words(line)
        if words and not (number == 1 and words[-1] == "partition"):
            if len(words) != 2 or words[1] not in ("0", "1", "2"):
                raise RequestError(f"{path.name}, line {number}: it must be FILE 0, FILE 1 or FILE 2")
            part[words[0]] = words[1]
    return part


def _words(line: str) -> list[str]:
    """The words of a line between blanks, tabs, commas or semicolons, without quotes."""
    return line.replace(",", " ").replace(";", " ").replace('"', " ").split()


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
        root = self.sought(root, "images.txt", r"images\.txt").parent
        files = dict(self._lines(root, "images.txt"))
        held = dict(self._lines(root, "train_test_split.txt"))
        untold = {name: "train_test_split.txt does not say on which side" for key, name in files.items() if key not in held}
        self.skip(untold, len(files), "listed photos")
        ids = {name: key for key, name in files.items() if held.get(key) == ("1" if split == "train" else "0")}
        if not ids:
            raise RequestError(f"{self}: train_test_split.txt has no image of images.txt for the split {split}")
        images = self.file(root, "images")
        listing = Listing(file_names(images))
        there = {listing.find(name): key for name, key in ids.items()}
        found = set(there.values())
        missing = {
            name: "there is no such file" for name, key in ids.items() if key not in found or listing.find(name) is None
        }
        self.skip(missing, len(ids), "listed photos", self.below(images))
        photos = photos_in(self, images, [name for name in there if name is not None])
        if not self.boxed:
            return PhotoRecords(photos, attributes=self._attributes(root, [there[photo.name] for photo in photos]))
        told = dict(self._lines(root, "bounding_boxes.txt"))
        boxes = {photo.name: _box(told.get(there[photo.name], ""), photo) for photo in photos}
        bad = {
            name: "bounding_boxes.txt has no box LEFT TOP WIDTH HEIGHT for it" for name, box in boxes.items() if box is None
        }
        if len(bad) == len(photos):
            raise RequestError(f"bounding_boxes.txt has no box LEFT TOP WIDTH HEIGHT for image {there[photos[0].name]}")
        self.skip(bad, len(photos), "photos", self.below(images))
        photos = [photo for photo in photos if photo.name not in bad]
        seen = [box for photo in photos if (box := boxes[photo.name]) is not None]
        contents = [hashlib.sha256(p.content + box.tobytes()).digest() for p, box in zip(photos, seen, strict=True)]
        attributes = self._attributes(root, [there[photo.name] for photo in photos])

        def cut(image: Image, index: int) -> Image:
            return _inside(image, seen[index], photos[index])

        return PhotoRecords(photos, attributes=attributes, ids=contents, cut=cut, shown="box-1")

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


def _inside(image: Image, box: NDArray[np.float64], photo: Photo) -> Image:
    """The part of a photo in a box of its pixels, at least 16 a side; the photo may have been read at a smaller size."""
    size = np.array(image.shape[1::-1])
    width, height, turn = photo.frame
    whole = np.array([height, width] if turn >= 5 else [width, height]) if width else size
    scale = size / whole
    start, end = box[:2] * scale, (box[:2] + box[2:]) * scale
    left_top = np.clip(np.floor(start).astype(int), 0, size - MIN_SIDE)
    right_bottom = np.clip(np.ceil(end).astype(int), left_top + MIN_SIDE, size)
    return image[left_top[1] : right_bottom[1], left_top[0] : right_bottom[0]]


def _box(text: str, photo: Photo) -> NDArray[np.float64] | None:
    """The box of a photo, LEFT TOP WIDTH HEIGHT of its upright pixels; the release's are of those that the file stores."""
    try:
        box = np.array(text.split(), np.float64)
    except ValueError:
        return None
    if box.shape != (4,) or not np.isfinite(box).all() or (np.abs(box) > 1e9).any() or (box[2:] <= 0).any():
        return None
    width, height, turn = photo.frame
    return turned(box[None], turn, width, height)[0] if turn > 1 else box
