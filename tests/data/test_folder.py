"""folder:DIR, its splits, its cache, and what it does about files that cannot be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datafiles import KINDS, calls, mean, noise, records_of, refused, save
from shared import shared_data

from zoo import ZooError, cache_folder
from zoo.contracts import make

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
    with pytest.warns(UserWarning, match=r"left out 1 of 3 images of .*: train/\.hidden\.png \(a hidden file\)$"):
        assert read(tmp_path / "d").names == ["b.PNG", "deep/er/a.jpeg"]
    assert read(tmp_path / "d", "test", seed=5).names == ["c.bmp"]


def test_pipes_sockets_devices_loops_and_archives_leftovers_stop_nobody(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(photos / "live.jpg")
    (photos / "zero.png").symlink_to("/dev/zero")
    (photos / "self.png").symlink_to("self.png")
    (photos / "round").symlink_to(photos, target_is_directory=True)
    (photos / "._0.png").write_bytes(b"resources")
    save(photos / "__MACOSX/._1.png", noise(1))
    save(photos / "@eaDir/00.jpg/small.jpg", noise(1))
    save(photos / "$RECYCLE.BIN/00.png", noise(2))
    (photos / "IMG.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (photos / "Thumbs.db").write_bytes(b"x")
    (photos / "locked").mkdir()
    scandir = os.scandir

    def locked(path: str) -> Any:
        if str(path).rstrip("/").endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    monkeypatch.setattr(os, "listdir", lambda path: list(locked(path)))
    data = KINDS["folder"](str(photos))
    with pytest.warns(UserWarning, match="left out 6 of 66 images") as caught:
        found = [*data.read("train").names, *data.read("test").names]
    assert sorted(found) == sorted(f"{i % 3}/{i:02}.png" for i in range(60))
    assert len(caught) == 1
    assert data.skipped == {
        "live.jpg": "it is a named pipe, not a file",
        "locked/": "Permission denied",
        "self.png": "Too many levels of symbolic links",
        "zero.png": "it is a device, not a file",
        "._0.png": "a hidden file",
        "IMG.HEIC": "heic is not read",
    }


def test_folders_may_lie_deeper_than_python_calls_itself(tmp_path: Path) -> None:
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        save(Path("b.png"), noise(2))
        for _ in range(1200):
            os.mkdir("d")
            os.chdir("d")
        save(Path("a.png"), noise(1))
    finally:
        os.chdir(here)
    names = [name for split in ("train", "test") for name in read(tmp_path, split).names]
    assert sorted(names) == ["b.png", "d/" * 1200 + "a.png"]
    subprocess.run(["rm", "-r", str(tmp_path / "d")], check=True)  # which pytest could not do


def test_seeded_split_is_a_partition_that_is_the_same_for_every_seed_of_a_run(photos: Path) -> None:
    train, test = read(photos, seed=1), read(photos, "test", seed=1)
    assert sorted([*train.names, *test.names]) == sorted(f"{i % 3}/{i:02}.png" for i in range(60))
    assert 1 <= len(test) <= 15
    assert list(train.names) == sorted(train.names)
    assert read(photos, "test", seed=2).digest == test.digest
    other = make.data(f"folder:{photos}", 2).read("test")
    assert other.names != test.names
    apart = make.data(f"folder:{photos} -> folder:{photos}", 2)
    assert apart.read("test").digest == other.digest


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
    (tmp_path / "broken/b.avif").write_text("x")
    with refused(r"tif or tiff\): b\.avif \(avif is not read\)"):
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
