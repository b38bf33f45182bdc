"""coco:DIR in its official layout: boxes, labels, and what is missing or odd in it."""

from __future__ import annotations

import copy
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datafiles import records_of, refused, save
from shared import shared_data

read = partial(records_of, "coco")
pytestmark = pytest.mark.usefixtures("own_cache")
INSTANCES: dict[str, Any] = {
    "images": [
        {"id": 7, "file_name": "b.jpg", "width": 40, "height": 20},
        {"id": 3, "file_name": "a.jpg", "width": 20, "height": 20},
        {"id": 9, "file_name": "c.jpg", "width": 40, "height": 20},
    ],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 18, "bbox": [10, 5, 20, 10], "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 1, "bbox": [-10, 10, 30, 50], "iscrowd": 0},
        {"id": 3, "image_id": 7, "category_id": 1, "bbox": [0, 0, 40, 20], "iscrowd": 1},
        {"id": 4, "image_id": 3, "category_id": 1, "bbox": [50, 50, 10, 10], "iscrowd": 0},
        {"id": 5, "image_id": 9, "category_id": 18, "bbox": [0, 0, 0, 5]},
        {"id": 6, "image_id": 9, "category_id": 18, "bbox": [0, 0, 4, 5]},
    ],
    "categories": [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}],
}


def layout(root: Path, instances: Any, part: str = "train", year: str = "2017") -> Path:
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    text = instances if isinstance(instances, str) else json.dumps(instances)
    (root / f"annotations/instances_{part}{year}.json").write_text(text)
    for item in INSTANCES["images"]:
        save(root / f"{part}{year}" / item["file_name"], np.full((item["height"], item["width"], 3), item["id"], np.uint8))
    return root


@pytest.mark.parametrize(("split", "part", "year"), [("train", "train", "2017"), ("test", "val", "2014")])
def test_boxes_are_shares_and_labels_count_categories(
    tmp_path: Path, split: Any, part: str, year: str, capsys: pytest.CaptureFixture[str]
) -> None:
    records = read(layout(tmp_path, INSTANCES, part, year), split)
    assert capsys.readouterr().out == ""
    assert records.categories == ["person", "dog"]
    assert records.names == ["a.jpg", "b.jpg", "c.jpg"]  # by id
    a, b, c = records.annotations
    assert a.boxes.shape == (0, 4)  # its only box lies outside
    assert a.labels.shape == (0,)
    assert np.allclose(b.boxes, [[0.25, 0.25, 0.5, 0.5], [0, 0.5, 0.5, 0.5]])  # the second one is cut, the crowd is out
    assert b.labels.tolist() == [1, 0]
    assert np.allclose(c.boxes, [[0, 0, 0.1, 0.25]])  # a box without area is out
    assert b.boxes.dtype == np.float32
    assert b.labels.dtype == np.int64
    assert records.image(1).shape == (20, 40, 3)


def test_the_digest_covers_the_annotations(tmp_path: Path) -> None:
    changed = copy.deepcopy(INSTANCES)
    changed["annotations"][0]["category_id"] = 1
    digests = {read(layout(tmp_path / n, i)).digest for n, i in (("a", INSTANCES), ("b", changed))}
    assert len(digests) == 2
    assert read(tmp_path / "a", seed=9).digest in digests


def test_missing_images_are_named_and_their_annotations_left_out(tmp_path: Path) -> None:
    root = layout(tmp_path, INSTANCES)
    (root / "train2017/a.jpg").unlink()
    with pytest.warns(UserWarning, match=r"skipped 1 of 3 .*a\.jpg"):
        records = read(root)
    assert [len(a.labels) for a in records.annotations] == [2, 1]


def altered(value: Any, *path: Any) -> dict[str, Any]:
    """The instances with another value at ``path``; without any there for None."""
    changed: Any = copy.deepcopy(INSTANCES)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("instances", "said"),
    [
        *((altered(None, part), part) for part in INSTANCES),
        *((altered(None, "images", 0, key), key) for key in ("id", "file_name", "width", "height")),
        *((altered(None, "annotations", 0, key), key) for key in ("image_id", "category_id", "bbox")),
        (altered(None, "categories", 0, "name"), "name"),
        (altered(0, "images", 0, "height"), r"> 0.0 - at `\$.images\[0\].height`"),
        (altered(77, "annotations", 0, "category_id"), "unknown category 77"),
        (altered([1, 2, 3], "annotations", 0, "bbox"), "length 4"),
        (altered([], "images"), "length >= 1 - at `\\$.images`"),
        ("[1, 2]", "instances_train2017.json"),
        ('{"images": [', "instances_train2017.json"),
    ],
)
def test_what_is_wrong_in_the_annotations_is_said_in_one_line(tmp_path: Path, instances: Any, said: str) -> None:
    with refused(said):
        read(layout(tmp_path, instances))


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with refused("there is no annotations/instances_train2017.json; DIR has annotations/"):
        read(tmp_path)
    root = layout(tmp_path, INSTANCES)
    for image in (root / "train2017").iterdir():
        image.unlink()
    with refused("no readable image"):
        read(root)
    (root / "train2017").rmdir()
    with refused("no folder train2017/ beside annotations/; DIR has"):
        read(root)


def test_the_real_subset_is_read() -> None:
    root = shared_data("coco")
    records = read(root, "test")
    listed = json.loads((root / "annotations/instances_val2017.json").read_text())
    assert len(records) == len(listed["images"])
    assert len(records.categories) == 80
    single = sum(not a["iscrowd"] for a in listed["annotations"])
    assert 0.98 * single < sum(len(a.labels) for a in records.annotations) <= single
    for annotation in records.annotations:
        assert (annotation.boxes >= 0).all()
        assert (annotation.boxes[:, :2] + annotation.boxes[:, 2:] <= 1 + 1e-6).all()
        assert (annotation.labels < 80).all()
    names = [records.categories[i] for i in records.annotations[0].labels]
    assert {"person", "chair", "tv"} <= set(names)  # 000000000139.jpg: a living room
