"""paired:DIR: side by side and in two folders, in both directions."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from datafiles import calls, flat, mean, records_of, refused, save
from shared import shared_data

from zoo import Fields, Image

read = partial(records_of, "paired")
pytestmark = pytest.mark.usefixtures("own_cache")


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
    train, test = read(f"{root}{suffix}"), read(f"{root}{suffix}", "test", seed=2)
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
        there, back = read(f"{root}@AtoB"), read(f"{root}@BtoA")
        assert np.array_equal(there.map_pairs(both, "m")["source"], back.map_pairs(both, "m")["image"])
        assert np.array_equal(there.map(mean, "m")["mean"] + 1, back.map(mean, "m")["mean"] + 101)
    assert len(calls) == 6 * 3
    assert there.digest != back.digest
    folder = records_of("folder", root)
    assert not np.array_equal(folder.map(mean, "m")["mean"][:3], there.map(mean, "m")["mean"])


def test_other_sources_are_other_data(folders: Path) -> None:
    before = read(folders)
    old = before.map_pairs(both, "m")
    save(folders / "train/B/1.bmp", flat(77))
    after = read(folders)
    assert after.digest != before.digest
    assert after.map_pairs(both, "m")["source"][:, 0].tolist() == [100, 77, 102]
    assert np.array_equal(after.map_pairs(both, "m")["image"], old["image"])


def test_pictures_without_a_partner_are_named_and_left_out(folders: Path) -> None:
    save(folders / "train/A/7.png", flat(7))
    save(folders / "train/B/9.png", flat(9))
    with pytest.warns(UserWarning, match=r"left out 2 pictures .*7\.png \(only in A\), 9\.png \(only in B\)"):
        assert len(read(folders)) == 3
    for i in range(3, 5):
        (folders / f"test/B/{i}.bmp").rename(folders / f"test/B/x{i}.bmp")
    with refused("no picture in A/ has the name of one in B/"):
        read(folders, "test")


def test_val_stands_in_for_test_only_where_there_is_none(beside: Path) -> None:
    save(beside / "val/8.png", np.hstack([flat(8), flat(108)]))
    assert read(beside, "test").names == ["3.png", "4.png"]
    (beside / "test").rename(beside / "kept")
    assert read(beside, "test").names == ["8.png"]


def test_the_middle_of_an_odd_width_belongs_to_neither(tmp_path: Path) -> None:
    save(tmp_path / "train/a.png", np.hstack([flat(1), flat(50, 1), flat(2)]))
    (tmp_path / "test").mkdir()
    train = read(tmp_path)
    assert np.unique(train.source(0)).tolist() == [2]
    assert np.unique(train.image(0)).tolist() == [1]
    with refused("test/ has no picture; DIR has train/"):
        read(tmp_path, "test")


def test_a_folder_may_have_an_at_in_its_name(beside: Path) -> None:
    odd = beside.rename(beside.parent / "me@home")
    assert len(read(odd)) == 3
    assert read(f"{odd}@AtoB").source(0).max() == 0
    with refused("a direction is @AtoB or @BtoA"):
        read(f"{odd}@left")


def test_what_is_missing_is_said(tmp_path: Path, beside: Path) -> None:
    with refused("no folder train/; DIR has train/ and test/"):
        read(tmp_path)
    with refused("paired:DIR has pairs"):
        records_of("folder", beside).source(0)


def test_the_real_facades_go_from_labels_to_photos() -> None:
    test = read(shared_data("facades"), "test")
    assert len(test) == 50
    assert test.image(0).shape == test.source(0).shape == (256, 256, 3)

    def blue(image: Image) -> float:  # the label map's background is pure blue
        return float((image[..., 2].astype(int) - image[..., 0] > 120).mean())

    assert np.mean([blue(test.source(i)) for i in range(10)]) > 0.4
    assert np.mean([blue(test.image(i)) for i in range(10)]) < 0.1
