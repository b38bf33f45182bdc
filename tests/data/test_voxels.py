"""voxels:DIR: npz by class, folders of npy and binvox, pictures, and what is wrong with them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datafiles import calls, known, mean, records_of, refused
from shared import shared_data

read = partial(records_of, "voxels", seed=9)  # which changes nothing
pytestmark = pytest.mark.usefixtures("own_cache")
S = 8


def shapes(count: int, seed: int = 0, s: int = S) -> np.ndarray:
    return np.random.default_rng(seed).random((count, s, s, s)) < 0.3


def binvox(shape: np.ndarray) -> bytes:
    """By the format's own words: y runs fastest, then z, then x."""
    s = len(shape)
    flat = [bool(shape[x, y, z]) for x in range(s) for z in range(s) for y in range(s)]
    runs = bytearray()
    for value in flat:
        if runs and runs[-2] == value and runs[-1] < 255:
            runs[-1] += 1
        else:
            runs += bytes((value, 1))
    return f"#binvox 1\ndim {s} {s} {s}\ntranslate 0 0 0\nscale 1\ndata\n".encode() + bytes(runs)


def test_the_first_four_fifths_of_each_class_are_for_training(tmp_path: Path) -> None:
    chair, desk = shapes(10), shapes(5, 1)
    np.savez_compressed(tmp_path / "chair.npz", voxels=chair)
    np.savez(tmp_path / "night stand.npz", voxels=desk[:, None].astype(np.uint8))  # with an axis for a channel
    train, test = read(tmp_path), read(tmp_path, "test")
    assert train.array("voxels").dtype == bool
    assert np.array_equal(train.array("voxels"), np.concatenate([chair[:8], desk[:4]]))
    assert np.array_equal(test.voxels, np.concatenate([chair[8:], desk[4:]]))
    assert test.names == ["chair 8", "chair 9", "night stand 4"]
    assert known(test).names == ("chair", "night_stand")
    assert known(test).exclusive
    assert known(test).values.tolist() == [[1, 0], [1, 0], [0, 1]]
    assert test.array("x") is None


def test_own_train_and_test_keys_are_the_splits(tmp_path: Path) -> None:
    all_shapes = shapes(7)
    np.savez(tmp_path / "a.npz", train=all_shapes[:3], test=all_shapes[3:], voxels=all_shapes)
    assert np.array_equal(read(tmp_path).voxels, all_shapes[:3])
    assert np.array_equal(read(tmp_path, "test").voxels, all_shapes[3:])


def test_folders_of_npy_and_binvox_are_read(tmp_path: Path) -> None:
    all_shapes = shapes(5, s=16)
    all_shapes[0] = False
    all_shapes[0, 3:14, 2:9] = True
    assert len(binvox(all_shapes[0])) > 60 + 2 * 16  # runs of more than 255 had to be cut
    for i, shape in enumerate(all_shapes):
        folder = tmp_path / ("sofa" if i % 2 else "bed") / ("train" if i < 3 else "test")
        folder.mkdir(parents=True, exist_ok=True)
        if i == 2:
            np.save(folder / f"{i}.npy", shape)
        else:
            (folder / f"{i}.binvox").write_bytes(binvox(shape))
    train, test = read(tmp_path), read(tmp_path, "test")
    assert np.array_equal(train.voxels, all_shapes[[0, 2, 1]])
    assert train.names == ["bed/0", "bed/2", "sofa/1"]
    assert np.array_equal(test.voxels, all_shapes[[4, 3]])
    assert known(test).values.tolist() == [[1, 0], [0, 1]]


def test_the_digest_covers_shapes_and_classes(tmp_path: Path) -> None:
    all_shapes = shapes(10)
    np.savez(tmp_path / "a.npz", voxels=all_shapes)
    digests = {read(tmp_path).digest, read(tmp_path, "test").digest}
    all_shapes[0, 0, 0, 0] ^= True
    np.savez(tmp_path / "a.npz", voxels=all_shapes)
    digests.add(read(tmp_path).digest)
    (tmp_path / "a.npz").rename(tmp_path / "b.npz")
    digests.add(read(tmp_path).digest)
    assert len(digests) == 4


def test_empty_shapes_are_left_out_and_named(tmp_path: Path) -> None:
    all_shapes = shapes(10)
    all_shapes[[0, 9]] = False
    np.savez(tmp_path / "a.npz", voxels=all_shapes)
    with pytest.warns(UserWarning, match=r"left out 1 of 8 shapes in .*: a 0 \(nothing solid\)"):
        train = read(tmp_path)
    assert np.array_equal(train.voxels, all_shapes[1:8])
    assert train.names[0] == "a 1"
    assert len(known(train).values) == 7
    np.savez(tmp_path / "a.npz", voxels=all_shapes & False)
    with refused("every shape of the split test is empty"):
        read(tmp_path, "test")


def test_a_picture_shows_the_shape_upright(tmp_path: Path) -> None:
    lamp = np.zeros((10, 16, 16, 16), bool)
    lamp[:, 7:9, 7:9] = True
    lamp[:, 2:14, 2:14, 13:] = True  # wide at its upper end
    np.savez(tmp_path / "a.npz", voxels=lamp)
    image = read(tmp_path).image(0)
    assert (image.ndim, image.shape[2], image.dtype) == (3, 3, np.uint8)
    shown = (image != image[0, 0]).any(-1)
    rows = np.flatnonzero(shown.any(1))
    middle = (rows[0] + rows[-1]) // 2
    assert shown[:middle].sum() > 2 * shown[middle:].sum() > 0


def test_pictures_are_mapped_and_kept(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", voxels=shapes(10))
    train = read(tmp_path)
    calls.clear()
    first = train.map(mean, "m")["mean"]
    assert np.allclose(first[3], train.image(3).mean((0, 1)), atol=1e-3)
    assert np.array_equal(read(tmp_path).map(mean, "m")["mean"], first)
    assert len(calls) == 8


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"other": shapes(4)}, "has neither voxels nor train and test; it has other"),
        ({"voxels": shapes(4)[0]}, r"a.npz has an array of \(8, 8, 8\); it must be \(N, s, s, s\)"),
        ({"voxels": shapes(4)[:, :5]}, r"it must be \(N, s, s, s\)"),
        ({"voxels": shapes(4) * 0.5}, "values besides true and false"),
        ({"voxels": np.array([object()])}, "cannot read"),
        ({"voxels": shapes(0)}, "no shapes for the split train"),
        (b"PK junk", "cannot read"),
        (b"", "cannot read"),
    ],
)
def test_what_is_wrong_with_an_npz_is_said_in_one_line(tmp_path: Path, content: Any, said: str) -> None:
    if isinstance(content, bytes):
        (tmp_path / "a.npz").write_bytes(content)
    else:
        np.savez(tmp_path / "a.npz", **content)
    with refused(said):
        read(tmp_path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"OFF\n8 8 8", "not a binvox file"),
        (binvox(shapes(1)[0])[:-2], "do not fill the announced 8 x 8 x 8"),
        (binvox(shapes(1)[0])[:-1], "do not fill"),
    ],
)
def test_what_is_wrong_with_a_binvox_is_said(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "a/train").mkdir(parents=True)
    (tmp_path / "a/train/x.binvox").write_bytes(data)
    with refused(said):
        read(tmp_path)


def test_shapes_of_two_sizes_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with refused(r"there are no shapes; DIR has <class>\.npz"):
        read(tmp_path)
    np.savez(tmp_path / "a.npz", voxels=shapes(5))
    np.savez(tmp_path / "b.npz", voxels=shapes(5, s=4))
    with refused(r"b\.npz has shapes of 4 x 4 x 4, a of 8 x 8 x 8"):
        read(tmp_path)


@pytest.mark.filterwarnings("ignore:left out")
def test_the_real_shapes_are_read() -> None:
    test = read(shared_data("modelnet10"), "test")
    assert test.voxels.shape == (142 + 74, 32, 32, 32)
    assert known(test).names == ("chair", "monitor")
    assert known(test).values.sum(0).tolist() == [142, 74]
    assert 0.05 < (test.image(0) < 255).any(-1).mean() < 0.9
