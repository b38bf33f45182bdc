"""The splits and the classes that the folders of photos tell of."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest
from datafiles import known, noise, records_of, refused, save
from shared import shared_data

pytestmark = pytest.mark.usefixtures("own_cache")
read = partial(records_of, "folder")


@pytest.mark.parametrize(
    ("files", "train", "test"),
    [
        ("train/a val/b", "a", "b"),
        ("Train/a VALIDATION/b", "a", "b"),
        ("training_set/a testing/b", "a", "b"),
        ("train2017/a val2017/b test2017/c", "a", "c"),
        ("train/a valid/b other/c", "a", "b"),
        ("set/train/a set/val/b", "a", "b"),
        ("cat/train/a cat/test/b dog/train/c dog/test/d", "cat/a dog/c", "cat/b dog/d"),
        ("train/train/a train/bus/b val/train/c", "bus/b train/a", "train/c"),
        ("train/a Train/a val/b", "a a", "b"),
        ("photos_train/a photos_val/b photos_test/c", "a", "c"),
        ("seg_train/seg_train/a seg_test/seg_test/b seg_pred/c", "a", "b"),
        ("train-hq/a Valid-HQ/b", "a", "b"),
        ("x/2K_train_HR/a x/2K_valid_HR/b train/y/c", "x/a y/c", "x/b"),
        ("Train/a Dev/b", "a", "b"),
    ],
)
def test_what_lies_in_a_folder_for_testing_is_never_trained_on(tmp_path: Path, files: str, train: str, test: str) -> None:
    for i, name in enumerate(files.split()):
        save(tmp_path / f"{name}.png", noise(i))
    assert sorted(read(tmp_path).names) == [f"{name}.png" for name in train.split()]
    assert read(tmp_path, "test", seed=3).names == [f"{name}.png" for name in test.split()]


def test_words_like_those_of_splits_are_names_like_others(tmp_path: Path) -> None:
    for i, name in enumerate(("train station/a", "test tube/b", "valve/c", "my_train/d", "their_val/e", "training day/f")):
        save(tmp_path / f"{name}.png", noise(i))
    assert len(read(tmp_path).names) + len(read(tmp_path, "test").names) == 6


def test_a_folder_for_testing_without_one_for_training_is_refused_or_split_itself(tmp_path: Path) -> None:
    for i, name in enumerate(("val/a", "val/b", "cat/c")):
        save(tmp_path / f"{name}.png", noise(i))
    with refused("has a folder val and none called train"):
        read(tmp_path)
    assert len(read(tmp_path / "val")) == 1
    shutil.rmtree(tmp_path / "cat")
    assert sorted([*read(tmp_path).names, *read(tmp_path, "test").names]) == ["val/a.png", "val/b.png"]
    save(tmp_path / "train/x.png", noise(5))
    shutil.rmtree(tmp_path / "val")
    (tmp_path / "test").mkdir()
    with refused("has no image for the split test"):
        read(tmp_path, "test")


def classed(root: Path, train: str, test: str) -> Path:
    for part, names in (("train", train), ("test", test)):
        for i, name in enumerate(names.split()):
            save(root / part / name / f"{i}.png", noise(i + 10 * (part == "test")))
    return root


def test_class_folders_are_attributes_with_the_same_names_in_both_splits(tmp_path: Path) -> None:
    root = classed(tmp_path, "dog cat dog polar+bear", "dog cat")
    train, test = known(read(root)), known(read(root, "test"))
    assert train.names == test.names == ("cat", "dog", "polar_bear")
    assert train.exclusive
    assert train.values.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]  # sorted by path
    assert test.values.tolist() == [[1, 0, 0], [0, 1, 0]]
    before = read(root, "test").digest
    (tmp_path / "test/dog").rename(tmp_path / "test/polar+bear")
    assert read(root, "test").digest != before


def test_classes_are_found_where_an_archive_holds_its_own_folder_again(tmp_path: Path) -> None:
    for part in ("training_set", "test_set"):
        for name in ("cat", "dog"):
            save(tmp_path / part / part / name / "a.png", noise(len(part + name)))
    assert (read(tmp_path).names, known(read(tmp_path)).names) == (["cat/a.png", "dog/a.png"], ("cat", "dog"))


def test_classes_whose_names_become_one_word_are_kept_apart(tmp_path: Path) -> None:
    root = classed(tmp_path, "a+b a_b a@b cat", "a_b")
    assert known(read(root)).names == ("a_b", "a_b_2", "a_b_3", "cat")
    assert known(read(root, "test")).values.tolist() == [[0, 0, 1, 0]]


@pytest.mark.parametrize(("train", "test"), [("cat cat", "cat"), ("cat dog .", "cat dog"), ("cat dog", "cat/old dog")])
def test_photos_that_do_not_all_lie_in_class_folders_have_no_attributes(tmp_path: Path, train: str, test: str) -> None:
    assert read(classed(tmp_path, train, test)).attributes is None


def test_the_ten_classes_of_real_photos_are_found() -> None:
    attributes = known(read(shared_data("cifar10"), "test"))
    assert attributes.names[:3] == ("airplane", "automobile", "bird")
    assert attributes.values.sum(0).tolist() == [200] * 10
