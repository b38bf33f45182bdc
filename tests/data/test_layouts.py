"""coco:DIR and paired:DIR: boxes and labels, sources and images, and what is missing or odd."""

from __future__ import annotations

import copy
import json
from functools import partial, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datafiles import KINDS, calls, flat, mean, records_of, refused, save
from shared import shared_data

from zoo import Fields, Image, RequestError, registry
from zoo.contracts import make
from zoo.contracts.describe import describe

coco, paired = partial(records_of, "coco"), partial(records_of, "paired")
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
    made = KINDS["coco"](str(layout(tmp_path, INSTANCES, part, year)))
    with pytest.warns(
        UserWarning,
        match=rf"left out 3 of 6 objects of coco:.*: annotations/instances_{part}{year}\.json/annotation 3 \(it is",
    ):
        records = made.read(split)
    made.read(split)
    assert len(made.skipped) == 3
    assert capsys.readouterr().out == ""
    assert records.categories == ["person", "dog"]
    assert records.names == ["a.jpg", "b.jpg", "c.jpg"]  # by id
    a, b, c = records.annotations
    assert a.boxes.shape == (0, 4)  # its only box lies outside
    assert a.labels.shape == (0,)
    assert np.allclose(b.boxes, [[0.25, 0.25, 0.5, 0.5], [0, 0.5, 0.5, 0.5]])  # the second one is cut, the crowd is out
    assert b.labels.tolist() == [1, 0]
    assert np.allclose(c.boxes, [[0, 0, 0.1, 0.25]])  # a box without area is out
    assert list(made.skipped.values()) == ["it is a crowd", "its bbox is empty", "its box lies outside the image"]
    assert b.boxes.dtype == np.float32
    assert b.labels.dtype == np.int64
    assert records.image(1).shape == (20, 40, 3)


def test_the_digest_covers_the_annotations(tmp_path: Path) -> None:
    changed = copy.deepcopy(INSTANCES)
    changed["annotations"][0]["category_id"] = 1
    digests = {coco(layout(tmp_path / n, i)).digest for n, i in (("a", INSTANCES), ("b", changed))}
    assert len(digests) == 2
    assert coco(tmp_path / "a", seed=9).digest in digests


def test_missing_images_are_named_and_their_annotations_left_out(tmp_path: Path) -> None:
    root = layout(tmp_path, INSTANCES)
    (root / "train2017/a.jpg").unlink()
    with pytest.warns(UserWarning, match=r"left out 1 of 3 listed images of .*/a\.jpg \(there is no such file"):
        records = coco(root)
    assert [len(a.labels) for a in records.annotations] == [2, 1]


def altered(value: Any, *path: Any) -> dict[str, Any]:
    """The instances with another value at ``path``; without any there for None."""
    changed = copy.deepcopy(INSTANCES)
    inner: Any = reduce(getitem, path[:-1], changed)
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("instances", "said"),
    [
        *((altered(None, part), part) for part in INSTANCES),
        (altered([], "images"), "has no image that can be used"),
        (altered([{"id": 1}], "categories"), "has no category that can be used: category 1: it has no id and name"),
        (
            altered([{"id": 3, "image_id": 7}], "annotations"),
            "no object that can be used: annotation 3: it has no category_id",
        ),
        (altered({"id": 1, "name": "bird"}, "categories", 0), "two categories of the id 1: bird and person"),
        (altered({"id": 3}, "images"), r"instances_train2017\.json is no list of COCO's"),
        ("[" * 100_000, r"cannot read .*instances_train2017\.json: it is nested too deeply"),
        ("\0", r"cannot read .*instances_train2017\.json"),
        ("[1, 2]", "instances_train2017.json"),
        ('{"images": [', "instances_train2017.json"),
    ],
)
def test_what_is_wrong_in_the_annotations_is_said_in_one_line(tmp_path: Path, instances: Any, said: str) -> None:
    with refused(said):
        coco(layout(tmp_path, instances))


def test_missing_photos_of_coco_are_said(tmp_path: Path) -> None:
    root = layout(tmp_path, INSTANCES)
    for image in (root / "train2017").iterdir():
        image.unlink()
    with refused("no readable image"):
        coco(root)
    (root / "train2017").rmdir()
    with refused("no folder train2017/ beside annotations/; DIR has"):
        coco(root)


def test_the_real_subset_is_coco() -> None:
    root = shared_data("coco")
    records = coco(root, "test")
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


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """Picture i shows i on the left (A) and 100 + i on the right (B)."""
    for i in range(5):
        save(tmp_path / "pairs" / ("train" if i < 3 else "test") / f"{i}.png", np.hstack([flat(i), flat(100 + i)]))
    return tmp_path / "pairs"


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """The same pictures, each in its own file."""
    for i in range(5):
        part = tmp_path / "folders" / ("train" if i < 3 else "test")
        save(part / "A" / f"{i}.png", flat(i))
        save(part / "B" / f"{i}.bmp", flat(100 + i))
    return tmp_path / "folders"


@pytest.fixture(params=["beside", "folders"])
def root(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def both(source: Image, image: Image) -> Fields:
    return {"source": mean(source)["mean"], "image": mean(image)["mean"]}


@pytest.mark.parametrize(("suffix", "source"), [("", 100), ("@BtoA", 100), ("@btoa", 100), ("@AtoB", 0)])
def test_the_direction_says_which_is_made_from_which(root: Path, suffix: str, source: int) -> None:
    train, test = paired(f"{root}{suffix}"), paired(f"{root}{suffix}", "test", seed=2)
    assert (len(train), len(test)) == (3, 2)
    assert test.source(1).shape == test.image(1).shape == (20, 24, 3)
    assert np.unique(test.source(1)).tolist() == [4 + source]
    assert np.unique(test.image(1)).tolist() == [104 - source]
    for _ in range(2):  # computed, then from the cache
        pairs = train.map_pairs(both, "m")
        assert pairs["source"][:, 0].tolist() == [source, source + 1, source + 2]
        assert pairs["image"][:, 0].tolist() == [100 - source, 101 - source, 102 - source]
        assert train.map(mean, "m")["mean"][:, 0].tolist() == [100 - source, 101 - source, 102 - source]


def test_what_is_computed_of_pairs_is_kept_for_each_direction(root: Path) -> None:
    calls.clear()
    for _ in range(2):
        there, back = paired(f"{root}@AtoB"), paired(f"{root}@BtoA")
        assert np.array_equal(there.map_pairs(both, "m")["source"], back.map_pairs(both, "m")["image"])
        assert np.array_equal(there.map(mean, "m")["mean"] + 1, back.map(mean, "m")["mean"] + 101)
    assert len(calls) == 6 * 3
    assert there.digest != back.digest
    folder = records_of("folder", root)
    assert not np.array_equal(folder.map(mean, "m")["mean"][:3], there.map(mean, "m")["mean"])


def test_other_sources_are_other_data(folders: Path) -> None:
    before = paired(folders)
    old = before.map_pairs(both, "m")
    save(folders / "train/B/1.bmp", flat(77))
    after = paired(folders)
    assert after.digest != before.digest
    assert after.map_pairs(both, "m")["source"][:, 0].tolist() == [100, 77, 102]
    assert np.array_equal(after.map_pairs(both, "m")["image"], old["image"])


def test_pictures_without_a_partner_are_named_and_left_out(folders: Path) -> None:
    save(folders / "train/A/7.png", flat(7))
    save(folders / "train/B/9.png", flat(9))
    with pytest.warns(
        UserWarning, match=r"left out 2 of 8 pictures .*: train/A/7\.png \(.* in B/\), train/B/9\.png \(.* in A/\)"
    ):
        assert len(paired(folders)) == 3
    for i in range(3, 5):
        (folders / f"test/B/{i}.bmp").rename(folders / f"test/B/x{i}.bmp")
    with refused("no picture in A/ has the name of one in B/"):
        paired(folders, "test")


def test_val_stands_in_for_test_only_where_there_is_none(beside: Path) -> None:
    save(beside / "val/8.png", np.hstack([flat(8), flat(108)]))
    assert paired(beside, "test").names == ["3.png", "4.png"]
    (beside / "test").rename(beside / "kept")
    assert paired(beside, "test").names == ["8.png"]


def test_the_middle_of_an_odd_width_belongs_to_neither(tmp_path: Path) -> None:
    save(tmp_path / "train/a.png", np.hstack([flat(1), flat(50, 1), flat(2)]))
    (tmp_path / "test").mkdir()
    train = paired(tmp_path)
    assert np.unique(train.source(0)).tolist() == [2]
    assert np.unique(train.image(0)).tolist() == [1]
    with refused(r"test/ has no picture \(it holds nothing\); DIR has train/"):
        paired(tmp_path, "test")


def test_a_folder_may_have_an_at_in_its_name(beside: Path) -> None:
    odd = beside.rename(beside.parent / "me@home")
    assert len(paired(odd)) == 3
    assert paired(f"{odd}@AtoB").source(0).max() == 0
    with refused("a direction is @AtoB or @BtoA"):
        paired(f"{odd}@left")


def test_the_real_facades_go_from_labels_to_photos() -> None:
    test = paired(shared_data("facades"), "test")
    assert len(test) == 50
    assert test.image(0).shape == test.source(0).shape == (256, 256, 3)

    def blue(image: Image) -> float:  # the label map's background is pure blue
        return float((image[..., 2].astype(int) - image[..., 0] > 120).mean())

    assert np.mean([blue(test.source(i)) for i in range(10)]) > 0.4
    assert np.mean([blue(test.image(i)) for i in range(10)]) < 0.1


def test_every_kind_of_data_says_what_has_to_lie_there(tmp_path: Path) -> None:
    """In ``zoo show``, and where nothing of the kind does."""
    for name in registry.names("data"):
        layout = dict(describe("data", name).facts)["layout"]
        assert layout
        if layout.startswith("DIR"):
            with pytest.raises(RequestError) as caught:
                make.data(f"{name}:{tmp_path}").read("train")
            assert str(caught.value).endswith(layout)
    with pytest.raises(RequestError, match=r"; FILE is a \.npz or a \.safetensors with x and y, or x_train, "):
        make.data(f"arrays:{tmp_path}/none.npz").read("train")
