"""Every kind of data: what it says where nothing, a wrong number, no folder or no split is named; and cGML's branches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datafiles import KINDS, mean, records_of, refused

from zoo_data.kinds import FolderData, GeneratedData

FOLDERS = [name for name, kind in KINDS.items() if issubclass(kind, FolderData)]
GENERATED = [name for name, kind in KINDS.items() if issubclass(kind, GeneratedData)]


def test_every_kind_is_in_a_folder_or_generated() -> None:
    assert {*FOLDERS, *GENERATED} >= {"folder", "celeba", "coco", "cub", "mnist", "paired", "video", "voxels"}
    assert {*GENERATED} >= {"scenes", "solids", "digits", "branches"}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_needed(name: str, tmp_path: Path) -> None:
    where = "; DIR has" if KINDS[name].layout else "$"
    with refused(f"^{name} needs .* write {name}:DIR" + (".*, where DIR has" if KINDS[name].layout else "$")):
        KINDS[name]("")
    with refused(f"absent: there is no such folder{where}"):
        records_of(name, tmp_path / "absent")
    (tmp_path / "file").touch()
    with refused(f"file: this is a file; a folder is needed{where}"):
        records_of(name, tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with refused(f"empty.*{where}"):
        records_of(name, tmp_path / "empty", "test")


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("arrays", "hf", "memory")])
def test_split_must_be_one(name: str, tmp_path: Path) -> None:
    with refused("split is 'val'; it must be 'train' or 'test'"):
        records_of(name, tmp_path if name in FOLDERS else "", "val")


@pytest.mark.parametrize("name", GENERATED)
@pytest.mark.parametrize("path", ["abc", "0", "-5", "1.5", "²"])
def test_a_number_of_items_is_one(name: str, path: str) -> None:
    with refused(f"{name}:{path}: write {name}, or {name}:N for "):
        KINDS[name](path)


@pytest.mark.parametrize("name", GENERATED)
def test_what_is_generated_follows_from_seed_split_and_number(name: str) -> None:
    def told(count: int, split: str, seed: int) -> tuple[str, list[bytes]]:
        """The digest, and what is shown of the first items."""
        records = records_of(name, count, split, seed)
        shown = records.image if records.array("y") is None else records.array("y").__getitem__
        return records.digest, [shown(i).tobytes() for i in range(min(20, len(records)))]

    asked = [(20, "train", 1), (20, "train", 2), (20, "test", 1), (20, "test", -1), (19, "train", 1)]
    digests, contents = zip(*(told(*these) for these in asked), strict=True)
    np.random.seed(0)  # noqa: NPY002 (the global state must not matter)
    assert told(*asked[0]) == (digests[0], contents[0])
    assert len(set(digests)) == len(set(map(tuple, contents))) == 5
    assert not set(contents[0]) & set(contents[2])
    assert contents[4] == contents[0][:19]
    assert records_of(name, 19).names == records_of(name, 20).names[:19]
    assert len(records_of(name, 19, "test")) == len(records_of(name, "", "test"))


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("name", sorted({*GENERATED} - {"branches"}))
def test_map_runs_over_the_pictures_of_what_is_generated(name: str) -> None:
    records = records_of(name, 5, seed=4)
    expected = np.array([mean(records.image(i))["mean"] for i in range(5)])
    for _ in range(2):  # computed, then from the cache
        np.testing.assert_array_equal(records.map(mean, "mean")["mean"], expected)
    assert not np.isin(records_of(name, 5, seed=5).map(mean, "mean")["mean"], expected).all(1).any()


@pytest.mark.parametrize(("split", "count"), [("train", 4096), ("test", 512)])
def test_every_point_of_branches_lies_on_one_of_them(split: str, count: int) -> None:
    records = records_of("branches", split=split)
    x, y = records.array("x"), records.array("y")
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((count, 1), np.float32, (count, 3), np.float32)
    powers = np.concatenate([x, x**2, x**3], 1)
    sign = np.sign(y[:, 1:2])  # x^2 is positive
    assert np.allclose(y, 4 * sign * powers, atol=1e-6)
    assert abs(sign.mean()) < 4 / np.sqrt(count)
    assert np.abs(np.histogram(x, 8, (-1, 1))[0] / count - 1 / 8).max() < 4 * np.sqrt(0.11 / count)
    assert abs(np.corrcoef(sign[:, 0], x[:, 0])[0, 1]) < 4 / np.sqrt(count)
    assert len(records) == len(records.names) == count
    assert records.array("z") is None


def test_the_pool_of_branches_is_drawn_from_both_of_each_x() -> None:
    records = records_of("branches", 300)
    pool = records.pool("y", 64)
    assert np.array_equal(pool, records_of("branches", 300).pool("y", 64))
    assert (pool.shape, pool.dtype) == ((300, 64, 3), np.float32)
    powers = np.concatenate([records.x, records.x**2, records.x**3], 1)
    signs = np.sign(pool[..., 1])
    assert np.allclose(pool, 4 * signs[..., None] * powers[:, None], atol=1e-6)
    assert abs(signs.mean()) < 4 / np.sqrt(signs.size)
    assert np.abs(signs.mean(1)).max() < 0.7  # fair coins: 64 of them, 300 times
    assert signs.std(0).min() > 0.9  # not the same for all x
    assert records.pool("x", 4) is None


def test_branches_have_no_pictures_and_it_is_said() -> None:
    records = records_of("branches", split="test")
    with refused("numbers"):
        records.image(0)
    with refused("numbers"):
        records.map(lambda image: {"a": np.zeros(1)}, "a")
    assert records.known("albedo", "shading") is None
    assert records.attributes is None
