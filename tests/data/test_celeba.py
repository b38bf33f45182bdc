"""celeba:DIR in its official layout: attributes, splits, the square, and what is wrong or missing in it."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import shared_data
from datafiles import known, mean, records_of, refused, save

read = partial(records_of, "celeba")
pytestmark = pytest.mark.usefixtures("own_cache")
NAMES = ("5_o_Clock_Shadow", "Eyeglasses", "Young")
ROWS = [[1, -1, 1], [-1, -1, -1], [1, 1, -1]] * 7
"""Of 21 faces."""
LIST, PARTITION = "list_attr_celeba.txt", "list_eval_partition.txt"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lines = [str(len(ROWS)), " ".join(NAMES) + " "]
    for i, row in enumerate(ROWS, 1):
        pixels = np.full((54, 44, 3), i, np.uint8)
        pixels[:5] = pixels[-5:] = 255  # above and below the square
        save(tmp_path / f"celeba/img_align_celeba/{i:06d}.jpg", pixels)
        lines.append(f"{i:06d}.jpg " + " ".join(f"{value:2d}" for value in row))
    (tmp_path / "celeba" / LIST).write_text("\n".join(lines) + "\n")
    return tmp_path / "celeba"


def files(*numbers: int) -> list[str]:
    return [f"{i:06d}.jpg" for i in numbers]


def test_attributes_are_those_of_each_face(root: Path) -> None:
    attributes = known(read(root))
    assert attributes.names == NAMES
    assert not attributes.exclusive
    assert attributes.values[:3].tolist() == [[1, 0, 1], [0, 0, 0], [1, 1, 0]]


def test_without_a_partition_the_first_nine_tenths_are_for_training(root: Path) -> None:
    test = read(root, "test", seed=3)
    assert read(root).names == files(*range(1, 20))
    assert test.names == files(20, 21)
    (root / "img_align_celeba/000003.jpg").unlink()
    with pytest.warns(UserWarning, match=r"skipped 1 of 19 .*000003\.jpg"):
        fewer = read(root)
    assert fewer.names == files(1, 2, *range(4, 20))
    assert known(fewer).values[2].tolist() == [1, 0, 1]  # of face 4, not 3
    assert read(root, "test").digest == test.digest


def test_the_partition_file_decides_where_it_is_there(root: Path) -> None:
    (root / PARTITION).write_text("".join(f"{i:06d}.jpg {(i % 3)}\n" for i in range(1, 22)))
    assert read(root).names == files(*range(3, 22, 3))
    assert read(root, "test").names == files(*range(2, 22, 3))
    (root / PARTITION).write_text("".join(f"{i:06d}.jpg 0\n" for i in range(1, 22)))
    with refused(r"no face for the split test: list_eval_partition\.txt puts"):
        read(root, "test")
    (root / PARTITION).write_text("000001.jpg 3\n")
    with refused("line 1"):
        read(root, "test")


def test_the_image_is_the_square_in_the_middle_in_map_too(root: Path) -> None:
    train = read(root)
    assert train.image(4).shape == (44, 44, 3)
    assert abs(train.image(4).astype(int) - 5).max() < 4  # nothing white of the margins
    means = train.map(mean, "m")["mean"]
    assert means.shape == (19, 3)
    assert np.abs(means - np.arange(1, 20)[:, None]).max() < 1
    photos = records_of("folder", root / "img_align_celeba")  # the same files, whole: other rows of the cache
    assert photos.map(mean, "m")["mean"].min() > 20


def test_the_digest_covers_attributes_and_images(root: Path) -> None:
    digests = {read(root).digest}
    for old, new in (("000002.jpg -1 -1 -1", "000002.jpg -1  1 -1"), ("Young", "Youthful")):
        (root / LIST).write_text((root / LIST).read_text().replace(old, new))
        digests.add(read(root).digest)
    shutil.copy(root / "img_align_celeba/000001.jpg", root / "img_align_celeba/000002.jpg")
    assert len({*digests, read(root).digest}) == 4


def test_both_splits_are_remembered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(root), read(root, "test")

    def judge(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("zoo_data.folder._judge", judge)
    assert len(read(root)) + len(read(root, "test")) == 21


def test_the_folders_of_the_release_are_found(root: Path) -> None:
    flat = read(root).digest
    for place, name in (("Anno", LIST), ("Img", "img_align_celeba")):
        (root / place).mkdir()
        shutil.move(root / name, root / place / name)
    assert read(root).digest == flat


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no list_attr_celeba.txt; DIR has img_align_celeba/"),
        ("", "needs a line with the count"),
        ("2\nA B\n", "needs a line with the count"),
        ("A B\n000001.jpg 1 1\n000002.jpg 1 1\n", "needs a line with the count"),
        ("2\nA B\n000001.jpg 1 1\n000002.jpg 1\n", "needs a line with the count"),
        ("2\nA B\n000001.jpg 1 1\n000002.jpg 1 x\n", "needs a line with the count"),
        ("2\nA B\n000001.jpg 1 1\n000002.jpg 1 0\n", "line 4 has other values"),
        ("2\nA B\nq.jpg 1 1\nr.jpg 1 -1\n", "no readable image"),
    ],
)
def test_what_is_wrong_in_the_list_is_said(root: Path, text: str | None, said: str) -> None:
    (root / LIST).unlink()
    if text is not None:
        (root / LIST).write_text(text)
    with refused(said):
        read(root)


def test_the_real_subset_is_read() -> None:
    test = read(shared_data("celeba"), "test")
    assert len(test) == 500
    assert test.names[0] == "004501.jpg"
    assert len(known(test).names) == 40
    smiling = known(test).values[:, known(test).names.index("Smiling")]
    assert 0.4 < smiling.mean() < 0.6  # 48 % in all of CelebA
    listed = (shared_data("celeba") / LIST).read_text().splitlines()[2 + 4500].split()
    assert np.array_equal(known(test).values[0], np.array(listed[1:], int) > 0)
    assert test.image(0).shape == (89, 89, 3)
