"""Data sets as people have them: CelebA, MNIST and CUB as they are downloaded."""

from __future__ import annotations

import gzip
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datafiles import KINDS, known, noise, records_of, refused, save
from PIL import Image as PIL

from zoo_data.attributes import _inside
from zoo_data.folder import Photo

pytestmark = pytest.mark.usefixtures("own_cache")
celeba, mnist = partial(records_of, "celeba"), partial(records_of, "mnist")
FACES = [(f"{i:06d}.jpg", 1 if i % 2 else -1, 1 if i % 3 else -1) for i in range(1, 21)]
TEXT = "20\nMale Young\n" + "".join(f"{name} {male:2d} {young:2d}\n" for name, male, young in FACES)
CSV = "image_id,Male,Young\n" + "".join(f"{name},{male},{young}\n" for name, male, young in FACES)
LIST = "list_attr_celeba"


def faces(root: Path, folder: str, file: str, text: str, ending: str = ".jpg") -> Path:
    for name, _, _ in FACES:
        save(root / folder / f"{Path(name).stem}{ending}", noise(int(Path(name).stem)))
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_bytes(text.encode("utf-8"))
    return root


@pytest.mark.parametrize(
    ("folder", "file", "text", "ending"),
    [
        ("img_align_celeba/img_align_celeba", f"{LIST}.csv", CSV, ".jpg"),
        ("img_align_celeba", f"{LIST}.txt", "\ufeff" + TEXT, ".jpg"),
        ("img_align_celeba", f"{LIST}.txt", TEXT.replace("\n", " \r\n").replace("jpg ", "jpg\t"), ".jpg"),
        ("img_align_celeba_png", f"{LIST}.txt", TEXT, ".png"),
        ("celeba/Img/img_align_celeba", f"celeba/Anno/{LIST.upper()}.TXT", TEXT + "\n\n", ".JPG"),
        ("archive/img_align_celeba", f"archive/{LIST}.csv", CSV.replace(",", '","').replace("\n", '"\n"')[:-1], ".jpg"),
    ],
)
def test_celeba_is_read_as_it_is_downloaded(tmp_path: Path, folder: str, file: str, text: str, ending: str) -> None:
    train = celeba(faces(tmp_path, folder, file, text, ending))
    assert known(train).names == ("Male", "Young")
    assert known(train).values.tolist() == [[float(male > 0), float(young > 0)] for _, male, young in FACES[:18]]
    assert len(train) == 18


def test_the_partition_may_be_csv_and_may_have_no_test_part(tmp_path: Path) -> None:
    faces(tmp_path, "img_align_celeba", f"{LIST}.csv", CSV)
    lines = [f"{name},{int(i >= 15)}" for i, (name, _, _) in enumerate(FACES[:-1])]
    (tmp_path / "list_eval_partition.csv").write_text("image_id,partition\n" + "\n".join(lines))
    data = KINDS["celeba"](str(tmp_path))
    with pytest.warns(
        UserWarning, match=r"left out 1 of 20 listed faces .*: 000020\.jpg \(it is not in list_eval_partition\.csv\)"
    ):
        assert data.read("test").names == [name for name, _, _ in FACES[15:-1]]
    assert len(data.read("train")) == 15


def test_a_list_and_faces_that_do_not_belong_together_are_said(tmp_path: Path) -> None:
    faces(tmp_path, "img_align_celeba", f"{LIST}.txt", TEXT.replace("0000", "1000"))
    with refused(r"no readable image that is listed: .* names 100001\.jpg, \.\.\., and it holds 000001\.jpg"):
        celeba(tmp_path)
    shutil.rmtree(tmp_path / "img_align_celeba")
    (tmp_path / "img_align_celeba.zip").touch()
    with refused("no img_align_celeba .*; unpack img_align_celeba.zip first"):
        celeba(tmp_path)


DIGITS = np.arange(40) % 10
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)


def idx(values: np.ndarray) -> bytes:
    return bytes((0, 0, 8, values.ndim)) + np.array(values.shape, ">u4").tobytes() + values.astype(np.uint8).tobytes()


def lines(take: slice, labels: bool = True, head: bool = True) -> str:
    rows = [
        [*([digit] if labels else []), *pixels.reshape(-1)] for digit, pixels in zip(DIGITS[take], PIXELS[take], strict=True)
    ]
    first = [*(["label"] if labels else []), *(f"pixel{i}" for i in range(784))]
    return "\n".join(",".join(map(str, row)) for row in ([first] if head else []) + rows) + "\n"


def digit_files(root: Path, kind: str) -> None:
    train, test = slice(0, 30), slice(30, 40)
    if kind == "npz":
        np.savez(root / "mnist.npz", x_train=PIXELS[train], y_train=DIGITS[train], x_test=PIXELS[test], y_test=DIGITS[test])
    elif kind == "csv":
        (root / "mnist_train.csv").write_text(lines(train, head=False))
        (root / "mnist_test.csv").write_text(lines(test).replace("\n", "\r\n"))
    elif kind == "folders":
        for i in range(40):
            save(root / f"png/{'Training' if i < 30 else 'testing'}/{DIGITS[i]}/{i:03d}.PNG", PIXELS[i])
    else:
        for prefix, take in (("train", train), ("t10k", test)):
            for name, values in ((f"{prefix}-images.idx3-ubyte", PIXELS[take]), (f"{prefix}-labels.idx1-ubyte", DIGITS[take])):
                place = root / (name.replace(".", "-") if kind == "a folder a file" else "deep/MNIST/raw")
                place.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(idx(values))


@pytest.mark.parametrize("kind", ["npz", "csv", "folders", "a folder a file", "deep"])
def test_mnist_is_read_as_it_is_downloaded(tmp_path: Path, kind: str) -> None:
    (tmp_path / "d").mkdir()
    digit_files(tmp_path / "d", kind)
    for split, take in (("train", slice(0, 30)), ("test", slice(30, 40))):
        records = mnist(tmp_path / "d", split)
        shown = {(int(row.argmax()), records.image(i)[..., 0].tobytes()) for i, row in enumerate(known(records).values)}
        assert shown == {(int(digit), pixels.tobytes()) for digit, pixels in zip(DIGITS[take], PIXELS[take], strict=True)}


def test_where_the_tests_have_no_labels_the_last_tenth_is_for_testing_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(lines(slice(0, 40)))
    (tmp_path / "test.csv").write_text(lines(slice(0, 5), labels=False))
    data = KINDS["mnist"](str(tmp_path))
    with pytest.warns(UserWarning, match=r"test\.csv \(it has no labels: the last tenth of train\.csv is for testing\)"):
        test = data.read("test")
    assert test.names == ["00036", "00037", "00038", "00039"]
    assert len(data.read("train")) == 36


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("train.csv", "label,a,b\n1,2\n", r"train\.csv needs lines LABEL,PIXEL"),
        ("train.csv", lines(slice(0, 2)).replace(",255", ",256").replace(",7,", ",nan,"), "needs lines LABEL,PIXEL.*; line "),
        ("train.csv", "\0" * 100, r"train\.csv needs lines LABEL,PIXEL"),
        ("train.csv", "1,2,3\n", "it has 3 columns"),
        (
            "train-images-idx3-ubyte",
            bytes((0, 0, 8, 3)) + b"\xff" * 12,
            "4294967295 x 4294967295 x 4294967295 bytes that .* announces",
        ),
        (
            "train-images-idx3-ubyte.gz",
            gzip.compress(idx(np.zeros((1, 2, 2)))[:-1] + bytes(9_000_000)),
            "holds more, but announces 1 x 2 x 2",
        ),
        ("mnist.npz", b"PK\3\4 junk", r"cannot read .*mnist\.npz"),
        ("deep/photos/a.png", b"", r"no digits for the split train, but deep/, train-labels-idx1-ubyte; DIR has train-images"),
    ],
)
def test_what_is_no_mnist_is_refused_in_one_line(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(1)))
    with refused(said):
        mnist(tmp_path)


def test_boxes_of_birds_are_of_stored_pixels(tmp_path: Path) -> None:
    pixels = np.full((30, 40, 3), 20, np.uint8)
    pixels[2:20, 3:23] = 200  # the bird
    exif = PIL.Exif()
    exif[0x0112] = 6
    root = tmp_path / "data/CUB_200_2011"
    (root / "images/001.Bird").mkdir(parents=True)
    PIL.fromarray(pixels).save(root / "images/001.Bird/a.png", exif=exif.tobytes())
    (root / "attributes").mkdir()
    told: dict[str, Any] = {
        "images.txt": "1 001.Bird/a.jpg\r\n",
        "classes.txt": "1 001.Bird\n",
        "image_class_labels.txt": "1 1\n",
        "train_test_split.txt": "1 1\n",
        "bounding_boxes.txt": "1 3.0 2.0 20.0 18.0\n",
        "attributes/attributes.txt": "\ufeff1 has_bill::long\n",
        "attributes/image_attribute_labels.txt": "1 1 1 3 0.5\n",
    }
    for name, text in told.items():
        (root / name).write_bytes(text.encode())
    image = records_of("cub", f"{tmp_path}@box").image(0)
    assert image.shape == (20, 18, 3)
    assert image.min() == 200


@pytest.mark.parametrize(
    ("kind", "name", "size"),
    [
        ("celeba", f"{LIST}.txt", 5 << 30),
        ("mnist", "train.csv", 5 << 30),
        ("mnist", "train-images-idx3-ubyte", 5 << 30),
        ("coco", "annotations/instances_train2017.json", 5 << 30),
        ("voxels", "a.npz", 5 << 30),
        ("voxels", "a/train/1.binvox", 1 << 29),
    ],
)
def test_files_of_gigabytes_and_pipes_are_refused_unread(tmp_path: Path, kind: str, name: str, size: int) -> None:
    for folder in ("img_align_celeba", Path(name).parent):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / "train-labels-idx1-ubyte").touch()
    with (tmp_path / name).open("wb") as file:
        file.truncate(size)
    with refused("."):
        records_of(kind, tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with refused("named pipe"):
        records_of(kind, tmp_path)


def test_a_box_follows_a_photo_that_is_read_at_a_smaller_size() -> None:
    image = np.zeros((30, 40, 3), np.uint8)
    image[5:25, 10:30] = 200
    photo = Photo(Path("a.jpg"), "a.jpg", b"", frame=(80, 60, 1))
    assert (_inside(image, np.array([20.0, 10, 40, 40]), photo) == 200).all()


def test_digits_for_testing_that_nobody_has_sorted_are_no_test(tmp_path: Path) -> None:
    for i in range(40):
        save(tmp_path / f"trainingSet/trainingSet/{i // 4}/img_{i}.jpg", noise(i))
    save(tmp_path / "testSet/testSet/img_1.jpg", noise(99))
    with pytest.warns(UserWarning, match="testSet .its pictures lie in no folders 0 to 9: every tenth in trainingSet/"):
        train, test = mnist(tmp_path), mnist(tmp_path, "test")
    assert (len(train), len(test), {*train.names} & {*test.names}) == (36, 4, set())
