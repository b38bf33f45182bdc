"""Classes of arrays: mnist:DIR as idx files and as folders, the embedded digits, and voxels:DIR as npz, npy and binvox."""

from __future__ import annotations

import gzip
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datafiles import known, mean, records_of, refused, save
from shared import shared_data

mnist, digits = partial(records_of, "mnist"), partial(records_of, "digits")
voxels = partial(records_of, "voxels", seed=9)  # which changes nothing
pytestmark = pytest.mark.usefixtures("own_cache")
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
DIGITS = np.arange(12, dtype=np.uint8) % 10
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def idx(values: np.ndarray) -> bytes:
    return bytes((0, 0, 8, values.ndim)) + np.array(values.shape, ">u4").tobytes() + values.tobytes()


def write(root: Path, packed: bool = False, dot: bool = False) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for prefix, take in (("train", slice(0, 9)), ("t10k", slice(9, 12))):
        for stem, values in (("images-idx3", PIXELS[take]), ("labels-idx1", DIGITS[take])):
            name = f"{prefix}-{stem.replace('-', '.') if dot else stem}-ubyte{'.gz' if packed else ''}"
            (root / name).write_bytes(gzip.compress(idx(values)) if packed else idx(values))
    return root


def test_idx_files_are_mnist(tmp_path: Path) -> None:
    train, test = mnist(write(tmp_path)), mnist(tmp_path, "test", seed=4)
    assert (len(train), len(test)) == (9, 3)
    assert np.array_equal(train.image(3), np.repeat(PIXELS[3][..., None], 3, 2))
    assert known(test).exclusive
    assert known(test).names == WORDS
    assert known(test).values.argmax(1).tolist() == [9, 0, 1]
    assert known(test).values.sum(1).tolist() == [1, 1, 1]
    for _ in range(2):  # computed, then from the cache
        assert np.allclose(train.map(mean, "m")["mean"][:, 1], PIXELS[:9].mean((1, 2)), atol=1e-3)


def test_all_the_places_and_packings_give_the_same(tmp_path: Path) -> None:
    roots = [write(tmp_path / "a"), write(tmp_path / "b", packed=True), write(tmp_path / "c", dot=True)]
    write(tmp_path / "d" / "MNIST" / "raw", packed=True)
    write(tmp_path / "e" / "raw")
    for file in write(tmp_path / "f", packed=True).iterdir():  # unpacked on the way, under its old name
        file.write_bytes(gzip.decompress(file.read_bytes()))
    assert len({mnist(root).digest for root in (*roots, *(tmp_path / name for name in "def"))}) == 1


def test_the_digest_covers_pixels_and_labels(tmp_path: Path) -> None:
    digests = {mnist(write(tmp_path)).digest}
    for name, values in ((LABELS, DIGITS), (IMAGES, PIXELS)):
        (tmp_path / name).write_bytes(idx(values[1:10]))
        digests.add(mnist(tmp_path).digest)
    assert len(digests) == 3


def test_folders_of_digits_are_mnist(tmp_path: Path) -> None:
    for i in range(12):
        save(tmp_path / f"{'train' if i < 9 else 'test'}/{DIGITS[i]}/{i:03d}.png", PIXELS[i])
    test = mnist(tmp_path, "test")
    assert test.names == ["0/010.png", "1/011.png", "9/009.png"]
    assert known(test).names == WORDS
    assert known(test).values.argmax(1).tolist() == [0, 1, 9]
    assert np.array_equal(test.image(2), np.repeat(PIXELS[9][..., None], 3, 2))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        (LABELS, None, "but not its labels; DIR has"),
        (IMAGES, b"no such file", "is not an idx file of bytes in 3 dimensions"),
        (IMAGES, idx(PIXELS[:9])[:-1], "announces 9 x 28 x 28"),
        (LABELS, idx(DIGITS[:8]), "has 9 images and train-labels-idx1-ubyte 8 labels"),
        (LABELS, idx(DIGITS[:9] + 4), "has the label 12; labels are 0 to 9"),
    ],
)
def test_what_is_wrong_with_idx_files_is_said(tmp_path: Path, name: str, data: bytes | None, said: str) -> None:
    write(tmp_path)
    (tmp_path / name).unlink()
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with refused(said):
        mnist(tmp_path)


def test_broken_gzip_and_other_folders_are_said(tmp_path: Path) -> None:
    path = write(tmp_path, packed=True) / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:100])
    with refused(r"cannot read .*train-images-idx3-ubyte\.gz"):
        mnist(tmp_path)
    (tmp_path / "x/train/cat").mkdir(parents=True)
    with refused("no folders 0 to 9"):
        mnist(tmp_path / "x")


def test_the_real_subset_is_mnist() -> None:
    test = mnist(shared_data("mnist"), "test")
    assert len(test) == 1000
    assert known(test).values.sum(0).tolist() == [100] * 10
    assert test.image(0).shape == (28, 28, 3)


def test_the_embedded_digits_are_split_by_seed() -> None:
    train, test = digits(), digits(split="test")
    assert (len(train), len(test)) == (1438, 359)
    assert len({*train.names, *test.names}) == 1797
    assert (known(test).names, known(test).exclusive) == (WORDS, True)
    assert digits(100, "test").digest == test.digest
    with refused("digits:5000: there are 1438 training digits"):
        digits(5000)


def test_the_embedded_digits_look_as_mnist_does() -> None:
    from sklearn.datasets import load_digits

    train = digits()
    stack = np.stack([train.image(i) for i in range(len(train))])
    assert stack.shape == (1438, 28, 28, 3)
    assert stack.dtype == np.uint8
    margin = np.ones((28, 28), bool)
    margin[2:-2, 2:-2] = False
    assert stack[:, margin].max() <= 4  # the last swing of the cubic
    assert np.array_equal(stack[..., 0], stack[..., 2])
    number = int(train.names[0].split()[1])
    assert known(train).values[0].argmax() == load_digits().target[number]
    cells = stack[0, 4:24, 4:24, 0].reshape(4, 5, 4, 5).mean((1, 3))  # 5 x 5 pixels for 2 x 2 of the 8 x 8
    small = load_digits().images[number].reshape(4, 2, 4, 2).mean((1, 3)) * 255 / 16
    assert np.abs(cells - small).max() < 30
    assert np.corrcoef(cells.ravel(), small.ravel())[0, 1] > 0.98


def shapes(count: int, seed: int = 0, s: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).random((count, s, s, s)) < 0.3


def binvox(shape: np.ndarray) -> bytes:
    """By the format's own words: y runs fastest, then z, then x."""
    s = len(shape)
    flat = [bool(shape[x, y, z]) for x in range(s) for z in range(s) for y in range(s)]
    lengths = [(value, len(list(run))) for value, run in groupby(flat)]
    runs = [bytes((value, min(255, length - cut))) for value, length in lengths for cut in range(0, length, 255)]
    return f"#binvox 1\ndim {s} {s} {s}\ntranslate 0 0 0\nscale 1\ndata\n".encode() + b"".join(runs)


def test_the_first_four_fifths_of_each_class_are_for_training(tmp_path: Path) -> None:
    chair, desk = shapes(10), shapes(5, 1)
    np.savez_compressed(tmp_path / "chair.npz", voxels=chair)
    np.savez(tmp_path / "night stand.npz", voxels=desk[:, None].astype(np.uint8))  # with an axis for a channel
    train, test = voxels(tmp_path), voxels(tmp_path, "test")
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
    assert np.array_equal(voxels(tmp_path).voxels, all_shapes[:3])
    assert np.array_equal(voxels(tmp_path, "test").voxels, all_shapes[3:])


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
    train, test = voxels(tmp_path), voxels(tmp_path, "test")
    assert np.array_equal(train.voxels, all_shapes[[0, 2, 1]])
    assert train.names == ["bed/0", "bed/2", "sofa/1"]
    assert np.array_equal(test.voxels, all_shapes[[4, 3]])
    assert known(test).values.tolist() == [[1, 0], [0, 1]]


def test_the_digest_covers_shapes_and_classes(tmp_path: Path) -> None:
    all_shapes = shapes(10)
    np.savez(tmp_path / "a.npz", voxels=all_shapes)
    digests = {voxels(tmp_path).digest, voxels(tmp_path, "test").digest}
    all_shapes[0, 0, 0, 0] ^= True
    np.savez(tmp_path / "a.npz", voxels=all_shapes)
    digests.add(voxels(tmp_path).digest)
    (tmp_path / "a.npz").rename(tmp_path / "b.npz")
    digests.add(voxels(tmp_path).digest)
    assert len(digests) == 4


def test_empty_shapes_are_left_out_and_named(tmp_path: Path) -> None:
    all_shapes = shapes(10)
    all_shapes[[0, 9]] = False
    np.savez(tmp_path / "a.npz", voxels=all_shapes)
    with pytest.warns(UserWarning, match=r"left out 1 of 8 shapes of .*: a 0 \(nothing solid\)"):
        train = voxels(tmp_path)
    assert np.array_equal(train.voxels, all_shapes[1:8])
    assert train.names[0] == "a 1"
    assert len(known(train).values) == 7
    np.savez(tmp_path / "a.npz", voxels=all_shapes & False)
    with refused("every shape of the split test is empty"):
        voxels(tmp_path, "test")


def test_a_picture_shows_the_shape_upright(tmp_path: Path) -> None:
    lamp = np.zeros((10, 16, 16, 16), bool)
    lamp[:, 7:9, 7:9] = True
    lamp[:, 2:14, 2:14, 13:] = True  # wide at its upper end
    np.savez(tmp_path / "a.npz", voxels=lamp)
    image = voxels(tmp_path).image(0)
    assert (image.ndim, image.shape[2], image.dtype) == (3, 3, np.uint8)
    shown = (image != image[0, 0]).any(-1)
    rows = np.flatnonzero(shown.any(1))
    middle = (rows[0] + rows[-1]) // 2
    assert shown[:middle].sum() > 2 * shown[middle:].sum() > 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"other": shapes(4)}, "has neither voxels nor train and test; it has other"),
        ({"voxels": shapes(4)[0]}, r"a.npz has an array of \(8, 8, 8\); it must be \(N, s, s, s\)"),
        ({"voxels": shapes(4)[:, :5]}, r"it must be \(N, s, s, s\)"),
        ({"voxels": shapes(4) * 0.5}, "values besides true and false"),
        ({"voxels": np.array([object()])}, "cannot read"),
        ({"voxels": shapes(0)}, "no shapes for the split train"),
        (b"PK junk", r"cannot read .*a\.npz"),
        (b"", r"cannot read .*a\.npz"),
        (b"OFF\n8 8 8", "not a binvox file"),
        (binvox(shapes(1)[0])[:-2], "do not fill the announced 8 x 8 x 8"),
        (binvox(shapes(1)[0])[:-1], "do not fill"),
    ],
)
def test_what_is_wrong_with_a_file_of_shapes_is_said_in_one_line(tmp_path: Path, content: Any, said: str) -> None:
    if isinstance(content, bytes):
        file = tmp_path / ("a.npz" if "npz" in said else "a/train/x.binvox")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    else:
        np.savez(tmp_path / "a.npz", **content)
    with refused(said):
        voxels(tmp_path)


def test_shapes_of_two_sizes_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", voxels=shapes(5))
    np.savez(tmp_path / "b.npz", voxels=shapes(5, s=4))
    with refused("b has shapes of 4 x 4 x 4, a of 8 x 8 x 8"):
        voxels(tmp_path)


@pytest.mark.filterwarnings("ignore:left out")
def test_the_real_shapes_are_read() -> None:
    test = voxels(shared_data("modelnet10"), "test")
    assert test.voxels.shape == (142 + 74, 32, 32, 32)
    assert known(test).names == ("chair", "monitor")
    assert known(test).values.sum(0).tolist() == [142, 74]
    assert 0.05 < (test.image(0) < 255).any(-1).mean() < 0.9
