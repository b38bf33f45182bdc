"""``coco:DIR``: MS-COCO in its official layout."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from zoo import Annotation, RequestError, Split
from zoo_data.kinds import FolderData
from zoo_data.photos import PhotoRecords, photos_in


class Coco(FolderData):
    """MS-COCO (Lin et al. 2014): ``annotations/instances_{train,val}2017.json``, ``train2017/``, ``val2017/``; or 2014.

    The split ``test`` is COCO's ``val``: its own test set has no annotations. Labels count the categories by ascending
    id. Boxes are cut to the image; those with nothing inside it, and crowds, are left out. An image without objects
    stays, with an empty annotation. Items are by ascending id, and the seed changes nothing.
    """

    kind: ClassVar[str] = "coco"

    layout = "DIR has annotations/instances_{train,val}2017.json, train2017/ and val2017/, or those of 2014"

    def records(self, root: Path, split: Split, seed: int) -> PhotoRecords:
        part = "train" if split == "train" else "val"
        file = self.file(root, *(f"annotations/instances_{part}{year}.json" for year in (2017, 2014)))
        images = root / file.stem.removeprefix("instances_")
        if not images.is_dir():
            raise self.wrong(f"there is no folder {images.name}/ beside annotations/")
        coco = _parse(file)
        try:
            categories = sorted(coco.cats.values(), key=lambda category: category["id"])
            labels = {category["id"]: label for label, category in enumerate(categories)}
            items = [item for _, item in sorted(coco.imgs.items())]
            objects = {item["file_name"]: _annotation(coco, item, labels, file.name) for item in items}
            names = [str(category["name"]) for category in categories]
        except RequestError:
            raise
        except KeyError as error:
            raise RequestError(f"{file.name}: an entry has no {error}") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise RequestError(f"{file.name} is not in COCO's format: {error}") from error
        if not objects:
            raise RequestError(f"{file.name} lists no image")
        photos = photos_in(images, list(objects))
        return PhotoRecords(photos, [objects[photo.name] for photo in photos], names)


def _parse(file: Path) -> Any:
    from pycocotools.coco import COCO

    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it reports its progress there
            coco = COCO(str(file))
    except KeyError as error:
        raise RequestError(f"{file.name}: an entry has no {error}") from error
    except (OSError, ValueError, TypeError, AssertionError) as error:
        raise RequestError(f"cannot read {file}: {' '.join(str(error).split())}") from error
    for key in ("images", "annotations", "categories"):
        if key not in coco.dataset:
            raise RequestError(f"{file.name} has no {key!r}")
    return coco


def _annotation(coco: Any, item: dict[str, Any], labels: dict[int, int], file: str) -> Annotation:
    """The objects of one image.

    Raises:
        RequestError: a size that is not positive, an unknown category, a box that is not four finite numbers.
    """
    size = np.array([item["width"], item["height"]], np.float64)
    if not (size > 0).all():
        raise RequestError(f"{file}: image {item['id']} has a size of {item['width']} x {item['height']}")
    boxes, kinds = [], []
    for entry in coco.imgToAnns.get(item["id"], ()):
        if entry.get("iscrowd"):
            continue
        if entry["category_id"] not in labels:
            raise RequestError(f"{file}: annotation {entry.get('id')} has the unknown category {entry['category_id']}")
        box = np.array(entry["bbox"], np.float64)
        if box.shape != (4,) or not np.isfinite(box).all():
            raise RequestError(f"{file}: annotation {entry.get('id')} has a box that is not four numbers")
        start, end = np.clip(box[:2] / size, 0, 1), np.clip((box[:2] + box[2:]) / size, 0, 1)
        if (end > start).all():
            boxes.append([*start, *(end - start)])
            kinds.append(labels[entry["category_id"]])
    return Annotation(np.array(boxes, np.float32).reshape(-1, 4), np.array(kinds, np.int64))
