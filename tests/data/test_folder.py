"""folder:DIR, its splits, its cache, and what it does about files that cannot be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from datafiles import calls, known, mean, noise, records_of, refused, save
from shared import shared_data

from zoo import ZooError, cache_folder

read = partial(records_of, "folder")


@pytest.fixture(autouse=True)
def cache(own_cache: Path) -> Path:
    calls.clear()
    return own_cache


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for i in range(60):
        save(tmp_path / f"photos/{i % 3}/{i:02}.png", noise(i))
    return tmp_path / "photos"


def test_own_train_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    for i, name in enumerate(("train/b.PNG", "train/deep/er/a.jpeg", "test/c.bmp", "other/d.png", "train/.hidden.png")):
        save(tmp_path / "d" / name, noise(i))
    (tmp_path / "d/train/notes.txt").write_text("no photo")
    assert read(tmp_path / "d").names == ["b.PNG", "deep/er/a.jpeg"]
    assert read(tmp_path / "d", "test", seed=5).names == ["c.bmp"]


def test_seeded_split_is_a_partition_that_depends_on_the_seed_alone(photos: Path) -> None:
    train, test = read(photos, seed=1), read(photos, "test", seed=1)
    assert sorted([*train.names, *test.names]) == sorted(f"{i % 3}/{i:02}.png" for i in range(60))
    assert 1 <= len(test) <= 15
    assert list(train.names) == sorted(train.names)
    assert read(photos, "test", seed=1).digest == test.digest
    assert read(photos, "test", seed=2).names != test.names


def test_copies_stay_on_one_side_and_newcomers_move_nobody(photos: Path) -> None:
    before = set(read(photos, "test").names)
    for i in range(60):
        shutil.copy(photos / f"{i % 3}/{i:02}.png", photos / f"copy{i:02}.png")
    save(photos / "new.png", noise(999))
    after = set(read(photos, "test").names)
    assert before <= after
    assert {f"copy{name[2:]}" for name in before} == {name for name in after if name.startswith("copy")}


def test_two_photos_give_one_each_and_one_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "d/a.png", noise(0))
    with refused("at least two"):
        read(tmp_path / "d")
    save(tmp_path / "d/b.png", noise(1))
    for seed in range(5):
        assert [len(read(tmp_path / "d", split, seed)) for split in ("train", "test")] == [1, 1]


def test_unreadable_files_are_named_in_one_warning_and_left_out(photos: Path) -> None:
    (photos / "0/empty.jpg").touch()
    (photos / "0/text.png").write_text("no photo")
    save(photos / "0/tiny.png", noise(0, side=8))
    for i in range(5):
        (photos / f"z{i}.jpg").write_bytes(b"junk")
    (photos / "0/nowhere.png").symlink_to(photos / "gone.png")
    with pytest.warns(UserWarning, match="left out") as caught:
        train = read(photos)
    assert len(caught) == 1
    line = str(caught[0].message)
    assert "left out 9 of 69 images" in line
    assert "0/empty.jpg (the file is empty)" in line
    assert "and 4 more" in line
    assert "\n" not in line
    assert len(train.map(mean, "mean-1")["mean"]) == len(train)
    with pytest.warns(UserWarning, match="left out 9"):  # remembered, and still said
        read(photos)


def test_a_folder_without_a_readable_photo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    with refused(r"broken has no image \(jpg"):
        read(tmp_path / "broken")
    (tmp_path / "broken/a.jpg").write_text("x")
    with refused(r"broken has no readable image: a\.jpg \(not an image"):
        read(tmp_path / "broken")


def test_map_is_in_order_computed_once_and_grows_by_what_is_new(photos: Path) -> None:
    train = read(photos)
    fields = train.map(mean, "mean-1")
    first = fields["mean"]
    assert len(calls) == len(train)
    np.testing.assert_array_equal(fields["turned"][3], train.image(3)[:4, :4].transpose(2, 0, 1))
    assert np.allclose(first, [train.image(i).mean((0, 1)) for i in range(len(train))], atol=1e-3)
    for name, values in read(photos).map(mean, "mean-1").items():
        assert np.array_equal(values, fields[name])
    assert len(calls) == len(train)
    save(photos / "a_new.png", noise(5000))
    assert sum(len(read(photos, split).map(mean, "mean-1")["mean"]) for split in ("train", "test")) == 61
    assert len(calls) == 61
    train.map(mean, "mean-2")
    assert len(calls) == 61 + len(train)


def test_copies_are_computed_once(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for name, seed in (("a", 1), ("b", 2), ("c", 1)):
            save(tmp_path / "d" / split / f"{name}.png", noise(seed))
    values = read(tmp_path / "d").map(mean, "m")["mean"]
    assert len(calls) == 2
    assert np.array_equal(values[0], values[2])
    assert not np.array_equal(values[0], values[1])


def test_a_changed_photo_is_computed_again(photos: Path) -> None:
    old = read(photos)
    save(photos / old.names[0], noise(777))
    with pytest.raises(ZooError, match="changed"):
        old.map(mean, "m")
    new = read(photos)
    assert new.digest != old.digest
    assert len(new.map(mean, "m")["mean"]) == len(new)


@pytest.mark.parametrize("damage", ["cut", "flip", "junk"])
def test_a_corrupt_cache_is_computed_again(photos: Path, cache: Path, damage: str) -> None:
    train = read(photos)
    first = train.map(mean, "m")["mean"]
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".safetensors"}
    for path in files:
        data = bytearray(path.read_bytes())
        if damage == "flip":
            data[-5] ^= 0x55
        path.write_bytes({"cut": data[: len(data) // 2], "flip": data, "junk": b"junk"}[damage])
    again = read(photos)
    assert again.digest == train.digest
    assert np.array_equal(again.map(mean, "m")["mean"], first)
    assert len(calls) == 2 * len(train)


def test_work_goes_on_without_a_cache(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("where the cache folder should be")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="without the cache") as caught:
        train = read(photos)
    assert len(train.map(mean, "m")["mean"]) == len(train)
    assert len(caught) == 1
    assert (tmp_path / "file").read_text().startswith("where")


def test_photos_have_neither_sources_nor_moments(photos: Path) -> None:
    for ask in (partial(read(photos).source, 0), partial(read(photos).map_pairs, mean, "m")):
        with refused("paired:DIR has pairs"):
            ask()
    with refused("single photos, which show no motion"):
        read(photos).map_moments(mean, "m")


def test_two_processes_may_fill_one_cache_at_once(photos: Path) -> None:
    code = (
        "import sys; from zoo_data.folder import Folder; r = Folder(sys.argv[1]).read('train');"
        "print(r.digest, r.map(lambda i: {'a': i.mean((0, 1))}, 'm')['a'].sum())"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(photos)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    printed = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert printed[0] == printed[1] != b""


def test_fields_that_do_not_stack_or_are_not_finite_are_refused(photos: Path, cache: Path) -> None:
    train = read(photos)
    with pytest.raises(ZooError, match="shapes"):
        train.map(lambda image: {"a": np.zeros(int(image[0, 0, 0]), np.float32)}, "shapes")
    with pytest.raises(ZooError, match="not finite"):
        train.map(lambda image: {"a": np.full(3, np.nan, np.float32)}, "nan")
    assert not list(cache.rglob("*.safetensors"))


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ZOO_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "zoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "zoo"


def test_real_photos_are_read_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        test = read(shared_data("photos"), "test")
    assert len(test) == len(os.listdir(shared_data("photos") / "test"))
    means = test.map(mean, "m")["mean"]
    assert means.shape == (len(test), 3)
    assert np.array_equal(test.image(3).mean((0, 1), dtype=np.float32), means[3])


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


@pytest.mark.parametrize(("train", "test"), [("cat cat", "cat"), ("cat dog .", "cat dog"), ("cat dog", "cat/old dog")])
def test_photos_that_do_not_all_lie_in_class_folders_have_no_attributes(tmp_path: Path, train: str, test: str) -> None:
    assert read(classed(tmp_path, train, test)).attributes is None


def test_the_ten_classes_of_real_photos_are_found() -> None:
    attributes = known(read(shared_data("cifar10"), "test"))
    assert attributes.names[:3] == ("airplane", "automobile", "bird")
    assert attributes.values.sum(0).tolist() == [200] * 10
