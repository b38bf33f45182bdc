"""folder:DIR, its splits, its cache, and what it does about files that cannot be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import shared_data
from PIL import Image as PIL

from zoo.data.records import Fields, Image
from zoo.utils.errors import RequestError, ZooError
from zoo_data.folder import Folder

calls: list[int] = []


def mean(image: Image) -> Fields:
    calls.append(1)
    return {"mean": image.mean((0, 1), dtype=np.float32)[:, None, None] / 255}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    calls.clear()
    return tmp_path / "cache"


def photo(path: Path, seed: int, side: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for i in range(60):
        photo(tmp_path / "photos" / f"{i % 3}" / f"{i:02}.png", i)
    return tmp_path / "photos"


def test_own_train_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    for i, name in enumerate(("train/b.PNG", "train/deep/er/a.jpeg", "test/c.bmp", "other/d.png", "train/.hidden.png")):
        photo(tmp_path / "d" / name, i)
    (tmp_path / "d/train/notes.txt").write_text("no photo")
    data = Folder(str(tmp_path / "d"))
    assert data.read("train").names == ["b.PNG", "deep/er/a.jpeg"]
    assert data.read("test", seed=5).names == ["c.bmp"]


def test_seeded_split_is_a_partition_that_depends_on_the_seed_alone(photos: Path) -> None:
    train, test = Folder(str(photos)).read("train", seed=1), Folder(str(photos)).read("test", seed=1)
    assert sorted([*train.names, *test.names]) == sorted(f"{i % 3}/{i:02}.png" for i in range(60))
    assert 1 <= len(test) <= 15
    assert list(train.names) == sorted(train.names)
    assert Folder(str(photos)).read("test", seed=1).digest == test.digest
    assert Folder(str(photos)).read("test", seed=2).names != test.names


def test_copies_stay_on_one_side_and_newcomers_move_nobody(photos: Path) -> None:
    before = set(Folder(str(photos)).read("test").names)
    for i in range(60):
        shutil.copy(photos / f"{i % 3}/{i:02}.png", photos / f"copy{i:02}.png")
    photo(photos / "new.png", 999)
    after = set(Folder(str(photos)).read("test").names)
    assert before <= after
    assert {f"copy{name[2:]}" for name in before} == {name for name in after if name.startswith("copy")}


def test_two_photos_give_one_each_and_one_is_refused(tmp_path: Path) -> None:
    photo(tmp_path / "d/a.png", 0)
    with pytest.raises(RequestError, match="at least two"):
        Folder(str(tmp_path / "d")).read("train")
    photo(tmp_path / "d/b.png", 1)
    for seed in range(5):
        assert [len(Folder(str(tmp_path / "d")).read(s, seed=seed)) for s in ("train", "test")] == [1, 1]


def test_unreadable_files_are_named_in_one_warning_and_left_out(photos: Path) -> None:
    (photos / "0/empty.jpg").touch()
    (photos / "0/text.png").write_text("no photo")
    photo(photos / "0/tiny.png", 0, side=8)
    for i in range(5):
        (photos / f"z{i}.jpg").write_bytes(b"junk")
    (photos / "0/nowhere.png").symlink_to(photos / "gone.png")
    with pytest.warns(UserWarning, match="skipped") as caught:
        train = Folder(str(photos)).read("train")
    assert len(caught) == 1
    line = str(caught[0].message)
    assert "skipped 9 of 69" in line
    assert "0/empty.jpg (the file is empty)" in line
    assert "and 4 more" in line
    assert "\n" not in line
    assert len(train.map(mean, "mean-1")["mean"]) == len(train)
    with pytest.warns(UserWarning, match="skipped 9"):  # remembered, and still said
        Folder(str(photos)).read("train")


@pytest.mark.parametrize("path", ["", "absent", "file", "empty", "broken"])
def test_bad_requests_are_one_line(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/a.jpg").write_text("x")
    with pytest.raises(RequestError) as caught:
        Folder(path and str(tmp_path / path)).read("train")
    assert "\n" not in str(caught.value)
    assert "folder:DIR" in str(caught.value) or path in str(caught.value)


def test_split_must_be_one(photos: Path) -> None:
    with pytest.raises(RequestError, match="train"):
        Folder(str(photos)).read("val")  # type: ignore[arg-type]


def test_map_is_in_order_computed_once_and_grows_by_what_is_new(photos: Path) -> None:
    train = Folder(str(photos)).read("train")
    first = train.map(mean, "mean-1")["mean"]
    assert len(calls) == len(train)
    expected = np.stack([train.image(i).mean((0, 1)) / 255 for i in range(len(train))])
    assert np.allclose(first[:, :, 0, 0], expected, atol=1e-6)
    assert np.array_equal(Folder(str(photos)).read("train").map(mean, "mean-1")["mean"], first)
    assert len(calls) == len(train)
    photo(photos / "a_new.png", 5000)
    both = sum(len(Folder(str(photos)).read(s).map(mean, "mean-1")["mean"]) for s in ("train", "test"))
    assert both == 61
    assert len(calls) == 61
    train.map(mean, "mean-2")
    assert len(calls) == 61 + len(train)


def test_copies_are_computed_once(tmp_path: Path) -> None:
    for split in ("train", "test"):
        photo(tmp_path / "d" / split / "a.png", 1)
        photo(tmp_path / "d" / split / "b.png", 2)
        shutil.copy(tmp_path / "d" / split / "a.png", tmp_path / "d" / split / "c.png")
    values = Folder(str(tmp_path / "d")).read("train").map(mean, "m")["mean"]
    assert len(calls) == 2
    assert np.array_equal(values[0], values[2])
    assert not np.array_equal(values[0], values[1])


def test_a_changed_photo_is_computed_again(photos: Path) -> None:
    old = Folder(str(photos)).read("train")
    photo(photos / old.names[0], 777)
    with pytest.raises(ZooError, match="changed"):
        old.map(mean, "m")
    new = Folder(str(photos)).read("train")
    assert new.digest != old.digest
    assert len(new.map(mean, "m")["mean"]) == len(new)


@pytest.mark.parametrize("damage", ["cut", "flip", "junk"])
def test_a_corrupt_cache_is_computed_again(photos: Path, cache: Path, damage: str) -> None:
    train = Folder(str(photos)).read("train")
    first = train.map(mean, "m")["mean"]
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".safetensors"}
    for path in files:
        data = bytearray(path.read_bytes())
        if damage == "flip":
            data[-5] ^= 0x55
        path.write_bytes({"cut": data[: len(data) // 2], "flip": data, "junk": b"junk"}[damage])
    again = Folder(str(photos)).read("train")
    assert again.digest == train.digest
    assert np.array_equal(again.map(mean, "m")["mean"], first)
    assert len(calls) == 2 * len(train)


def test_work_goes_on_without_a_cache(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("where the cache folder should be")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="without the cache") as caught:
        train = Folder(str(photos)).read("train")
    assert len(train.map(mean, "m")["mean"]) == len(train)
    assert len(caught) == 1
    assert (tmp_path / "file").read_text().startswith("where")


def test_two_processes_may_fill_one_cache_at_once(photos: Path) -> None:
    code = (
        "import sys; from zoo_data.folder import Folder; r = Folder(sys.argv[1]).read('train');"
        "print(r.digest, r.map(lambda i: {'a': i.mean((0, 1))}, 'm')['a'].sum())"
    )
    runs = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code, str(photos)], stdout=subprocess.PIPE) for _ in range(2)
    ]
    printed = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert printed[0] == printed[1] != b""


def test_fields_that_do_not_stack_or_are_not_finite_are_refused(photos: Path, cache: Path) -> None:
    train = Folder(str(photos)).read("train")
    with pytest.raises(ZooError, match="shapes"):
        train.map(lambda image: {"a": np.zeros(int(image[0, 0, 0]), np.float32)}, "shapes")
    with pytest.raises(ZooError, match="not finite"):
        train.map(lambda image: {"a": np.full(3, np.nan, np.float32)}, "nan")
    assert not list(cache.rglob("*.safetensors"))


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from zoo.data.cache import cache_folder

    monkeypatch.delenv("ZOO_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "zoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "zoo"


def test_real_photos_are_read_without_a_warning() -> None:
    folder = Folder(str(shared_data("photos")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        test = folder.read("test")
    assert len(test) == len(os.listdir(shared_data("photos") / "test"))
    assert test.map(mean, "m")["mean"].shape == (len(test), 3, 1, 1)
    assert np.array_equal(test.image(3).mean((0, 1), dtype=np.float32) / 255, test.map(mean, "m")["mean"][3, :, 0, 0])


def turned(image: Image) -> Fields:
    calls.append(1)
    return {"turned": image.astype(np.float32).transpose(2, 0, 1)}


def test_fields_of_any_memory_order_are_found_again(photos: Path) -> None:
    records = Folder(str(photos)).read("test")
    first = records.map(turned, "turned")["turned"]
    np.testing.assert_array_equal(first[0], records.image(0).transpose(2, 0, 1))
    calls.clear()
    np.testing.assert_array_equal(records.map(turned, "turned")["turned"], first)
    assert not calls


def classed(root: Path, train: str, test: str) -> Folder:
    for part, names in (("train", train), ("test", test)):
        for i, name in enumerate(names.split()):
            photo(root / part / name / f"{i}.png", seed=i + 10 * (part == "test"))
    return Folder(str(root))


def test_class_folders_are_attributes_with_the_same_names_in_both_splits(tmp_path: Path) -> None:
    folder = classed(tmp_path, "dog cat dog polar+bear", "dog cat")
    train, test = folder.read("train").attributes, folder.read("test").attributes
    assert train is not None
    assert test is not None
    assert train.names == test.names == ("cat", "dog", "polar_bear")
    assert train.exclusive
    assert train.values.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]  # sorted by path
    assert test.values.tolist() == [[1, 0, 0], [0, 1, 0]]
    before = folder.read("test").digest
    (tmp_path / "test/dog").rename(tmp_path / "test/polar+bear")
    assert folder.read("test").digest != before


@pytest.mark.parametrize(("train", "test"), [("cat cat", "cat"), ("cat dog .", "cat dog"), ("cat dog", "cat/old dog")])
def test_photos_that_do_not_all_lie_in_class_folders_have_no_attributes(tmp_path: Path, train: str, test: str) -> None:
    assert classed(tmp_path, train, test).read("train").attributes is None


def test_the_ten_classes_of_real_photos_are_found() -> None:
    known = Folder(str(shared_data("cifar10"))).read("test").attributes
    assert known is not None
    assert known.names[:3] == ("airplane", "automobile", "bird")
    assert known.values.sum(0).tolist() == [200] * 10
