"""Splits, pairs and classes in the folders that people have them in: found by many names, in step, or refused."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from datafiles import KINDS, flat, known, noise, records_of, refused, save
from PIL import Image as PIL

from zoo_data.layouts import Listing, holds, seek, split_folder, split_folders
from zoo_data.paired import seam

pytestmark = pytest.mark.usefixtures("own_cache")
paired, voxels = partial(records_of, "paired"), partial(records_of, "voxels")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "val"),
        ("Train", "Validation"),
        ("training", "valid"),
        ("TRAIN", "dev"),
        ("train2017", "val2017"),
        ("train_set", "testing"),
    ],
)
def test_the_folders_of_splits_have_many_names(tmp_path: Path, train: str, test: str) -> None:
    for name in (train, test, "training_labels", "prevalent"):
        (tmp_path / "images" / name).mkdir(parents=True)
    assert split_folders(tmp_path) == {"train": tmp_path / "images" / train, "test": tmp_path / "images" / test}
    (tmp_path / "images/Test").mkdir()
    assert split_folder(tmp_path / "images", "test") == tmp_path / "images" / "Test" or test == "testing"


def test_two_folders_of_one_split_are_refused(tmp_path: Path) -> None:
    for name in ("train2014", "train2017", "val"):
        (tmp_path / name).mkdir()
    with refused("train2014/, train2017/, and one folder is needed for the split train"):
        split_folders(tmp_path)
    for name in ("x/list.txt", "y/LIST.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    with refused(r"x/list\.txt and y/LIST\.txt; name the folder of one"):
        seek(tmp_path, r"list\.txt")
    assert seek(tmp_path, r"list\.csv") is None
    (tmp_path / "x/loop").symlink_to(tmp_path / "x/loop")
    (tmp_path / "x/up").symlink_to(tmp_path)
    (tmp_path / "y/LIST.txt").rename(tmp_path / "y/._list.txt")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX/list.txt").touch()
    assert seek(tmp_path, r"list\.txt") == tmp_path / "x/list.txt"
    assert holds(tmp_path / "x") == "up/, list.txt, loop"


def test_a_listing_finds_one_file_or_none() -> None:
    listing = Listing(["a/1.jpg", "b/1.jpg", "b/2.PNG"])
    assert [listing.find(name) for name in ("a/1.jpg", "x/a/1.png", "1.jpg", "2.jpg", "c/2.png", "../2.png", "")] == [
        *("a/1.jpg", "a/1.jpg", None, "b/2.PNG", None, None, None)
    ]


@pytest.mark.parametrize(
    "ways", [("train/A", "train/B"), ("A/Train", "B/Train"), ("trainA", "trainB"), ("train/a", "train/b")]
)
def test_the_two_folders_of_pairs_lie_in_several_ways(tmp_path: Path, ways: tuple[str, str]) -> None:
    for way, level, side in zip(ways, (3, 90), "AB", strict=True):
        save(tmp_path / way / f"1_{side}.png", flat(level))
    train = paired(tmp_path)
    assert (train.image(0).max(), train.source(0).max()) == (3, 90)


def test_pairs_out_of_step_are_left_out(tmp_path: Path) -> None:
    for name, size in (("1", (20, 24)), ("2", (24, 20)), ("3", (40, 48))):
        save(tmp_path / f"train/A/{name}.png", np.zeros((20, 24, 3), np.uint8))
        save(tmp_path / f"train/B/{name}.png", np.zeros((*size, 3), np.uint8))
    save(tmp_path / "train/A/1.bmp", flat(3))
    data = KINDS["paired"](str(tmp_path))
    with pytest.warns(UserWarning, match="left out 2 of 7 pictures"):
        assert data.read("train").names == ["1.bmp", "3.png"]
    assert data.skipped == {
        "train/A/1.png": "another picture has its name",
        "train/A/2.png": "it has 24 x 20 pixels, and its partner 20 x 24: another shape",
    }
    for path in (tmp_path / "train/B").iterdir():
        path.rename(path.with_stem(f"label {path.stem}"))
    with refused(r"no picture in A/ has the name of one in B/ \(A/ holds 1\.bmp, .* B/ holds label 1\.png"):
        paired(tmp_path)


def smooth(seed: int, width: int, height: int) -> np.ndarray:
    """A picture without edges."""
    small = PIL.fromarray(noise(seed)[:5, :6])
    return np.asarray(small.resize((width, height), PIL.Resampling.BICUBIC))


def test_photos_that_are_no_pairs_are_refused_or_it_is_said_what_they_were_taken_for(tmp_path: Path) -> None:
    for i in range(4):
        save(tmp_path / f"photos/train/{i}.png", smooth(i, 60, 40))
        save(tmp_path / f"wide/train/{i}.png", smooth(i, 80, 40))
        save(tmp_path / f"pairs/train/{i}.png", np.hstack([smooth(i, 30, 40), 255 - smooth(i, 30, 40)]))
    with refused(
        "the 4 pictures in train/ look like single ones, .* 60 x 40 pixels, and nothing sets its halves apart; DIR has"
    ):
        paired(tmp_path / "photos")
    with pytest.warns(
        UserWarning, match="took the 4 pictures in train/ of paired:.* for pairs side by side, each half 40 x 40"
    ):
        paired(tmp_path / "wide")
    assert len(paired(tmp_path / "pairs")) == 4
    assert seam(np.full((20, 40, 3), 255, np.uint8)) is None


def shape(path: Path, seed: int, side: int = 8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.random.default_rng(seed).random((side, side, side)) < 0.3)


@pytest.mark.parametrize("layout", ["{1}/{0}", "{0}/{1}", "{0}"])
def test_classes_and_splits_of_shapes_lie_in_several_ways(tmp_path: Path, layout: str) -> None:
    for i in range(10):
        for name in ("bed", "sofa"):
            shape(tmp_path / layout.format(name, "Train" if i < 8 else "Val") / f"{i}.npy", i)
    train, test = voxels(tmp_path), voxels(tmp_path, "test")
    assert (train.names[0], test.names[-1]) == ("bed/0", "sofa/9")
    assert known(train).values.sum(0).tolist() == [8, 8]
    assert known(test).values.sum(0).tolist() == [2, 2]


def test_classes_that_differ_in_odd_characters_stay_apart(tmp_path: Path) -> None:
    for name in ("night stand", "night_stand"):
        shape(tmp_path / f"{name}/train/1.npy", len(name))
    assert known(voxels(tmp_path)).names == ("night_stand", "night_stand_2")


def test_one_broken_shape_beside_good_ones_is_left_out(tmp_path: Path) -> None:
    for i in range(6):
        shape(tmp_path / f"bed/train/{i}.npy", i, side=4 if i == 5 else 8)
    (tmp_path / "bed/train/6.npy").touch()
    os.mkfifo(tmp_path / "bed/train/7.binvox")
    (tmp_path / "bed/train/8.BINVOX").write_bytes(b"#binvox 1\ndim 99999 99999 99999\ndata\n\1\xff")
    data = KINDS["voxels"](str(tmp_path))
    with pytest.warns(UserWarning, match="left out 4 of 9 shapes"):
        assert len(data.read("train")) == 5
    assert {name[-8:]: reason.partition(",")[0] for name, reason in data.skipped.items()} == {
        "in/5.npy": "it is 4 x 4 x 4",
        "in/6.npy": data.skipped["bed/train/6.npy"],
        "7.binvox": "it is a named pipe",
        "8.BINVOX": "its runs do not fill the announced 99999 x 99999 x 99999",
    }


def test_what_is_there_instead_of_shapes_is_said(tmp_path: Path) -> None:
    (tmp_path / "bed/train").mkdir(parents=True)
    (tmp_path / "bed/train/bed_0001.off").touch()
    with refused("no shapes for the split train"):
        voxels(tmp_path)
    shutil.rmtree(tmp_path / "bed")
    (tmp_path / "chair.mat").touch()
    with refused(r"there are no shapes, but chair\.mat; DIR has"):
        voxels(tmp_path)
