"""``coco:DIR``: MS-COCO in its official layout."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from zoo import Annotation, RequestError, Split
from zoo_data.folder import PhotoRecords, photos_in
from zoo_data.kinds import FolderData

_Length = Annotated[float, msgspec.Meta(gt=0)]


class _Image(msgspec.Struct):
    id: int
    file_name: str
    width: _Length
    height: _Length


class _Object(msgspec.Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    id: int | None = None
    iscrowd: int = 0


class _Category(msgspec.Struct):
    id: int
    name: str


class _Instances(msgspec.Struct):
    images: Annotated[list[_Image], msgspec.Meta(min_length=1)]
    annotations: list[_Object]
    categories: list[_Category]


class Coco(FolderData):
    """MS-COCO (Lin et al. 2014): ``annotations/instances_{train,val}2017.json``, ``train2017/``, ``val2017/``; or 2014.

    The split ``test`` is COCO's ``val``: its own test set has no annotations. Labels count the categories by ascending
    id. Boxes are cut to the image; those with nothing inside it, and crowds, are left out. An image without objects
    stays, with an empty annotation. Items are by ascending id, and the seed changes nothing.
    """

    kind = "coco"
    layout = "DIR has annotations/instances_{train,val}2017.json, train2017/ and val2017/, or those of 2014"

    def records(self, root: Path, split: Split, seed: int) -> PhotoRecords:
        from pycocotools.coco import COCO

        part = "train" if split == "train" else "val"
        file = self.file(root, *(f"annotations/instances_{part}{year}.json" for year in (2017, 2014)))
        folder = root / file.stem.removeprefix("instances_")
        if not folder.is_dir():
            raise self.wrong(f"there is no folder {folder.name}/ beside annotations/")
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it reports its progress there
                instances = msgspec.convert(COCO(str(file)).dataset, _Instances)
        except KeyError as error:
            raise RequestError(f"{file.name}: an entry has no {error}") from error
        except (OSError, ValueError, TypeError, AssertionError) as error:
            raise RequestError(f"cannot read {file}: {' '.join(str(error).split())}") from error
        images = sorted({image.id: image for image in instances.images}.values(), key=lambda image: image.id)
        categories = sorted(instances.categories, key=lambda category: category.id)
        annotations = _annotations(images, instances.annotations, categories, file.name)
        objects = {image.file_name: annotation for image, annotation in zip(images, annotations, strict=True)}
        photos = photos_in(self, folder, list(objects))
        return PhotoRecords(photos, [objects[photo.name] for photo in photos], [category.name for category in categories])


def _annotations(images: list[_Image], objects: list[_Object], categories: list[_Category], file: str) -> list[Annotation]:
    """The objects of each image; a RequestError where one is of an unknown category."""
    row = {image.id: i for i, image in enumerate(images)}
    label = {category.id: i for i, category in enumerate(categories)}
    objects = [entry for entry in objects if entry.image_id in row and not entry.iscrowd]
    for entry in objects:
        if entry.category_id not in label:
            raise RequestError(f"{file}: annotation {entry.id} has the unknown category {entry.category_id}")
    rows = np.array([row[entry.image_id] for entry in objects], np.int64)
    labels = np.array([label[entry.category_id] for entry in objects], np.int64)
    corner, size = np.array([entry.bbox for entry in objects], np.float64).reshape(-1, 2, 2).swapaxes(0, 1)
    whole = np.array([(image.width, image.height) for image in images], np.float64)[rows]
    start, end = np.clip(corner / whole, 0, 1), np.clip((corner + size) / whole, 0, 1)
    boxes = np.concatenate([start, end - start], 1).astype(np.float32)
    inside = np.flatnonzero((end > start).all(1))
    inside = inside[np.argsort(rows[inside], kind="stable")]
    parts = np.split(inside, np.searchsorted(rows[inside], np.arange(1, len(images))))
    return [Annotation(boxes[part], labels[part]) for part in parts]
