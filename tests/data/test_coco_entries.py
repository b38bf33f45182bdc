"""Lists in COCO's format as people have them: entries that cannot be used, other layouts, and photos that EXIF turns."""

from __future__ import annotations

import contextlib
import io
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datafiles import KINDS, flat, refused, save
from PIL import Image as PIL

from zoo import Records
from zoo_data.turned import frame_of, on_its_side, turned

pytestmark = pytest.mark.usefixtures("own_cache")
LIST = "annotations/instances_train2017.json"
GOOD = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [6, 5, 12, 10]}


def write(
    root: Path, annotations: list[Any], images: list[Any] | None = None, where: str = "annotations/instances_train2017.json"
) -> Any:
    """The kind on a folder of one photo of 24 x 20, or of those in the list, and the objects in it."""
    names = [image["file_name"] for image in images or () if isinstance(image, dict) and "file_name" in image]
    for name in names or ["a.png"]:
        save(root / "train2017" / name, flat(9))
    listed = [{"id": 1, "file_name": "a.png", "width": 24, "height": 20}] if images is None else images
    made = {"images": listed, "annotations": annotations, "categories": [{"id": 1, "name": "cat"}]}
    (root / where).parent.mkdir(parents=True, exist_ok=True)
    (root / where).write_text(json.dumps(made))
    return KINDS["coco"](str(root))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        *(({"bbox": box}, "its bbox is empty") for box in ([1, 1, 0, 0], [1, 1, 5, -2])),
        ({"bbox": [100, 100, 5, 5]}, "its box lies outside the image"),
        *(
            ({"bbox": box}, "its bbox is not finite")
            for box in ([math.nan, 1, 2, 3], [1, 1, math.inf, 3], [1, 2, 3, "x"], [1, 2, 3, None])
        ),
        *(({"bbox": box}, "it has no bbox of four numbers") for box in ([], [1, 2, 3], None, "1 2 3 4", {"x": 1})),
        ({"image_id": None}, "it has no image_id"),
        ({"image_id": [1]}, "it has no image_id"),
        ({"image_id": 9}, "there is no image 9"),
        ({"category_id": True}, "it has no category_id"),
        ({"category_id": 77}, "unknown category 77"),
        ({"iscrowd": 1}, "it is a crowd"),
    ],
)
def test_an_object_that_cannot_be_used_is_left_out_and_named(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    data = write(tmp_path, [GOOD, GOOD | {"id": 2} | changed])
    with pytest.warns(UserWarning, match="left out 1 of 2 objects"):
        records = data.read("train")
    assert list(data.skipped.values()) == [reason]
    assert np.allclose(records.annotations[0].boxes, [[0.25, 0.25, 0.5, 0.5]])


@pytest.mark.filterwarnings("ignore:left out")
@pytest.mark.parametrize("entry", [None, 5, "x", [], {}, math.nan])
def test_an_entry_of_another_type_is_left_out(tmp_path: Path, entry: Any) -> None:
    data = write(tmp_path, [GOOD, entry], [{"id": 1, "file_name": "a.png", "width": 24, "height": 20}, entry])
    assert [len(found.labels) for found in data.read("train").annotations] == [1]
    assert {f"{LIST}/image number 1", f"{LIST}/annotation number 1"} <= {*data.skipped}


def test_ids_and_numbers_may_be_text_and_masks_of_any_kind(tmp_path: Path) -> None:
    images = [{"id": "0001", "file_name": "a.png", "width": "24", "height": 20.0, "license": {}}]
    mask = {"segmentation": {"counts": "abc", "size": [20, 24]}, "area": None, "keypoints": "none"}
    data = write(tmp_path, [GOOD | mask | {"image_id": 1.0, "category_id": "1", "bbox": ["6", 5, "12", 10]}], images)
    assert np.allclose(data.read("train").annotations[0].boxes, [[0.25, 0.25, 0.5, 0.5]])
    assert not data.skipped


@pytest.mark.filterwarnings("ignore:left out")
def test_what_is_listed_twice_counts_once_and_what_cannot_be_told_apart_not_at_all(tmp_path: Path) -> None:
    size = {"width": 24, "height": 20}
    images = [
        {"id": i, "file_name": f"{name}.png"} | size
        for i, name in ((1, "a"), (1, "a"), (2, "b"), (2, "c"), (3, "d"), (4, "d"))
    ]
    objects = [GOOD, GOOD, GOOD | {"id": 5, "image_id": 2}, GOOD | {"id": 6, "image_id": 3}]
    data = write(tmp_path, [*objects, GOOD | {"id": 7, "image_id": 4, "bbox": [0, 0, 6, 5]}], images)
    records = data.read("train")
    assert records.names == ["a.png", "d.png"]
    assert [len(found.labels) for found in records.annotations] == [1, 2]
    assert data.skipped[f"{LIST}/b.png"] == data.skipped[f"{LIST}/c.png"] == "another image has its id, 2"
    assert data.skipped[f"{LIST}/annotation 1 (again)"] == "it is listed twice"
    assert data.skipped[f"{LIST}/annotation 5"] == "its image is left out"


@pytest.mark.filterwarnings("ignore:left out")
@pytest.mark.parametrize("name", ["images/train2017/a.png", "train2017\\a.png", "/home/someone/a.PNG", "../../a.png", "a.jpg"])
def test_a_file_is_found_by_whatever_path_the_list_gives_it(tmp_path: Path, name: str) -> None:
    data = write(tmp_path, [GOOD])
    file = tmp_path / "annotations/instances_train2017.json"
    file.write_text(
        json.dumps(json.loads(file.read_text()) | {"images": [{"id": 1, "file_name": name, "width": 24, "height": 20}]})
    )
    assert data.read("train").names == ["a.png"]


@pytest.mark.parametrize(
    ("where", "folder"),
    [
        ("instances_train2017.json", "images/train2017"),
        ("annotations/instances_Train.json", "images/train"),
        ("annotations/instances_train2014.json", "train2014/train2014"),
        ("coco/annotations/instances_train2017.json", "coco/images/Train"),
        ("labels/train.json", "data"),
        ("train/_annotations.coco.json", "train"),
    ],
)
def test_lists_and_images_are_found_where_people_have_them(tmp_path: Path, where: str, folder: str) -> None:
    data = write(tmp_path, [GOOD], where=where)
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / "train2017/a.png").rename(tmp_path / folder / "a.png")
    if (tmp_path / "train2017") not in (tmp_path / folder).parents:
        (tmp_path / "train2017").rmdir()
    assert len(data.read("train").annotations[0].labels) == 1


def test_what_is_left_out_of_two_lists_is_kept_apart(tmp_path: Path) -> None:
    data = write(tmp_path, [GOOD, GOOD | {"id": 2, "bbox": [1, 1, 0, 0]}])
    shutil.copytree(tmp_path / "train2017", tmp_path / "val2017")
    shutil.copy(tmp_path / LIST, tmp_path / LIST.replace("train", "val"))
    for split in ("train", "test", "train"):
        with pytest.warns(UserWarning, match="left out 1 of 2 objects") if len(data.skipped) < 2 else contextlib.nullcontext():
            data.read(split)
    assert [*data.skipped] == [f"{LIST}/annotation 2", f"{LIST.replace('train', 'val')}/annotation 2"]


def test_a_label_means_the_same_in_both_splits(tmp_path: Path) -> None:
    data = write(tmp_path, [GOOD])
    file = tmp_path / "annotations/instances_train2017.json"
    told = json.loads(file.read_text())
    other = {**told, "categories": [{"id": 3, "name": "dog"}, {"id": 0, "name": "ant"}]}
    (tmp_path / "annotations/instances_val2017.json").write_text(json.dumps(other))
    records = data.read("train")
    assert records.categories == ["ant", "cat", "dog"]
    assert records.annotations[0].labels.tolist() == [1]
    other["categories"][0]["id"] = 1
    (tmp_path / "annotations/instances_val2017.json").write_text(json.dumps(other))
    with refused("instances_train2017.json and instances_val2017.json name one category cat and dog"):
        data.read("train")


def test_a_name_of_two_lines_is_refused_in_one(tmp_path: Path) -> None:
    data = write(tmp_path, [GOOD])
    file = tmp_path / "annotations/instances_train2017.json"
    file.write_text(file.read_text().replace("a.png", "\\n\\u001b[2J"))
    with refused(r"that names \\x1b\[2J, it holds a\.png"):
        data.read("train")


def test_a_list_that_lies_elsewhere_is_said_with_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations_trainval2017.zip").touch()
    with refused(
        r"no annotations/instances_val2017\.json \(DIR holds images/, annotations_trainval2017\.zip; unpack annotations_"
    ):
        KINDS["coco"](str(tmp_path)).read("test")


def upright(root: Path, turns: list[int], shown: bool, swap: bool = False) -> Records:
    """A photo for each orientation, grey with a red thing in the box that the list gives, of pixels as stored or as shown."""
    images, objects = [], []
    for i, turn in enumerate(turns, 1):
        pixels = np.full((80, 120, 3), 200, np.uint8)
        pixels[10:30, 80:110] = (250, 20, 20)
        exif = PIL.Exif()
        exif[0x0112] = turn
        (root / "train2017").mkdir(parents=True, exist_ok=True)
        PIL.fromarray(pixels).save(root / f"train2017/{i}.png", exif=exif.tobytes())
        box, size = [80.0, 10.0, 30.0, 20.0], (120, 80)
        if shown:
            box = turned(np.array([box]), turn, *size)[0].tolist()
            size = size[::-1] if turn >= 5 else size
        size = size[::-1] if swap else size
        images.append({"id": i, "file_name": f"{i}.png", "width": size[0], "height": size[1]})
        objects.append({"id": i, "image_id": i, "category_id": 1, "bbox": box})
    made = {"images": images, "annotations": objects, "categories": [{"id": 1, "name": "thing"}]}
    (root / "annotations").mkdir()
    (root / "annotations/instances_train2017.json").write_text(json.dumps(made))
    return KINDS["coco"](str(root)).read("train")  # type: ignore[no-any-return]


@pytest.mark.parametrize("shown", [False, True])
def test_boxes_lie_on_what_they_were_drawn_around_whichever_way_exif_turns(tmp_path: Path, shown: bool) -> None:
    records = upright(tmp_path, [1, 2, 3, 4, 5, 6, 7, 8], shown)
    assert records.annotations is not None
    for i, annotation in enumerate(records.annotations):
        image = records.image(i).astype(int)
        red = image[..., 0] - image[..., 1] > 120
        left, top, width, height = (annotation.boxes[0] * np.tile(image.shape[1::-1], 2)).round().astype(int)
        assert red[top : top + height, left : left + width].mean() == 1, records.names[i]
        assert width * height == red.sum() == 600


def test_where_nothing_tells_boxes_are_of_stored_pixels(tmp_path: Path) -> None:
    records = upright(tmp_path, [3], shown=False)
    assert records.annotations is not None
    assert np.allclose(records.annotations[0].boxes, [[10 / 120, 50 / 80, 30 / 120, 20 / 80]])


def test_an_image_of_another_shape_than_listed_is_left_out(tmp_path: Path) -> None:
    with refused("no image of the size that .* says: the list says 80 x 120 pixels, and the file has 120 x 80"):
        upright(tmp_path, [1], shown=False, swap=True)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_box_is_turned_as_the_pixels_are(turn: int) -> None:
    pixels = np.zeros((6, 9), np.uint8)
    pixels[1:3, 4:9] = 1
    exif = PIL.Exif()
    exif[0x0112] = turn
    image = PIL.fromarray(pixels)
    image.getexif()[0x0112] = turn
    from PIL import ImageOps

    after = np.asarray(ImageOps.exif_transpose(image))
    left, top, width, height = turned(np.array([[4.0, 1, 5, 2]]), turn, 9, 6)[0].astype(int)
    assert after[top : top + height, left : left + width].sum() == 10


def test_the_largest_photos_are_turned_too() -> None:
    exif = PIL.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    PIL.new("1", (16_000, 12_500)).save(file, "TIFF", compression="group4", exif=exif)
    assert frame_of(file.getvalue()) == (16_000, 12_500, 6)
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        PIL.new("RGB", (40, 20)).save(file := io.BytesIO(), kind, exif=exif.tobytes())
        assert frame_of(file.getvalue()) == (40, 20, 6)
    assert frame_of(b"\xff\xd8\xff junk") == frame_of(b"") == (0, 0, 1)


def test_only_clear_shapes_tell_which_way_is_up() -> None:
    assert on_its_side((4000, 3000), (600, 800)) is True
    assert on_its_side((4000, 3000), (800, 600)) is False
    assert on_its_side((4000, 4000), (800, 800)) is None
    assert on_its_side((4000, 3000), (256, 256)) is None
