"""mnist:DIR, as idx files and as folders, and the embedded digits."""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from datafiles import known, mean, records_of, refused, save
from shared import shared_data

read, digits = partial(records_of, "mnist"), partial(records_of, "digits")
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


def test_idx_files_are_read(tmp_path: Path) -> None:
    train, test = read(write(tmp_path)), read(tmp_path, "test", seed=4)
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
    assert len({read(root).digest for root in (*roots, tmp_path / "d", tmp_path / "e")}) == 1


def test_the_digest_covers_pixels_and_labels(tmp_path: Path) -> None:
    digests = {read(write(tmp_path)).digest}
    for name, values in ((LABELS, DIGITS), (IMAGES, PIXELS)):
        (tmp_path / name).write_bytes(idx(values[1:10]))
        digests.add(read(tmp_path).digest)
    assert len(digests) == 3


def test_folders_of_digits_are_read(tmp_path: Path) -> None:
    for i in range(12):
        save(tmp_path / f"{'train' if i < 9 else 'test'}/{DIGITS[i]}/{i:03d}.png", PIXELS[i])
    test = read(tmp_path, "test")
    assert test.names == ["0/010.png", "1/011.png", "9/009.png"]
    assert known(test).names == WORDS
    assert known(test).values.argmax(1).tolist() == [0, 1, 9]
    assert np.array_equal(test.image(2), np.repeat(PIXELS[9][..., None], 3, 2))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        (IMAGES, None, "no digits for the split train; DIR has train-images-idx3-ubyte"),
        (LABELS, None, "but not its labels; DIR has"),
        (IMAGES, b"no such file", "is not an idx file of bytes in 3 dimensions"),
        (IMAGES, idx(PIXELS[:9])[:-1], "announces 9 x 28 x 28"),
        (LABELS, idx(DIGITS[:8]), "has 9 images and train-labels-idx1-ubyte 8 labels"),
        (LABELS, idx(DIGITS[:9] + 4), "has the label 12; labels are 0 to 9"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, name: str, data: bytes | None, said: str) -> None:
    write(tmp_path)
    (tmp_path / name).unlink()
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with refused(said):
        read(tmp_path)


def test_broken_gzip_and_other_folders_are_said(tmp_path: Path) -> None:
    path = write(tmp_path, packed=True) / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:100])
    with refused(r"cannot read .*train-images-idx3-ubyte\.gz"):
        read(tmp_path)
    (tmp_path / "x/train/cat").mkdir(parents=True)
    with refused("no folders 0 to 9"):
        read(tmp_path / "x")


def test_the_real_subset_is_read() -> None:
    test = read(shared_data("mnist"), "test")
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
