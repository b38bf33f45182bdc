"""celeba:DIR in its official layout: attributes, splits, the square, and what is wrong or missing in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import shared_data
from PIL import Image as PIL

from zoo.utils.errors import RequestError
from zoo_data.celeba import CelebA

NAMES = ("5_o_Clock_Shadow", "Eyeglasses", "Young")
ROWS = [[1, -1, 1], [-1, -1, -1], [1, 1, -1]] * 7
"""Of 21 faces."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "celeba"
    (root / "img_align_celeba").mkdir(parents=True)
    lines = [str(len(ROWS)), " ".join(NAMES) + " "]
    for i, row in enumerate(ROWS, 1):
        pixels = np.full((54, 44, 3), i, np.uint8)
        pixels[:5] = pixels[-5:] = 255  # above and below the square
        PIL.fromarray(pixels).save(root / f"img_align_celeba/{i:06d}.jpg", quality=100, subsampling=0)
        lines.append(f"{i:06d}.jpg " + " ".join(f"{value:2d}" for value in row))
    (root / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    return root


def mean(image: np.ndarray) -> dict[str, np.ndarray]:
    return {"mean": image.mean((0, 1), dtype=np.float32)}


def test_attributes_are_those_of_each_face(root: Path) -> None:
    train = CelebA(str(root)).read("train")
    assert train.attributes is not None
    assert train.attributes.names == NAMES
    assert not train.attributes.exclusive
    assert train.attributes.values.dtype == np.float32
    assert train.attributes.values[:3].tolist() == [[1, 0, 1], [0, 0, 0], [1, 1, 0]]
    assert train.attributes.values.shape == (len(train), 3)


def test_without_a_partition_the_first_nine_tenths_are_for_training(root: Path) -> None:
    train, test = CelebA(str(root)).read("train"), CelebA(str(root)).read("test", seed=3)
    assert train.names == [f"{i:06d}.jpg" for i in range(1, 20)]
    assert test.names == ["000020.jpg", "000021.jpg"]
    (root / "img_align_celeba/000003.jpg").unlink()
    with pytest.warns(UserWarning, match=r"skipped 1 of 19 .*000003\.jpg"):
        fewer = CelebA(str(root)).read("train")
    assert fewer.names == [f"{i:06d}.jpg" for i in range(1, 20) if i != 3]
    assert fewer.attributes is not None
    assert fewer.attributes.values[2].tolist() == [1, 0, 1]  # of face 4, not 3
    assert CelebA(str(root)).read("test").digest == test.digest


def test_the_partition_file_decides_where_it_is_there(root: Path) -> None:
    (root / "list_eval_partition.txt").write_text("".join(f"{i:06d}.jpg {(i % 3)}\n" for i in range(1, 22)))
    assert CelebA(str(root)).read("train").names == [f"{i:06d}.jpg" for i in range(3, 22, 3)]
    assert CelebA(str(root)).read("test").names == [f"{i:06d}.jpg" for i in range(2, 22, 3)]
    (root / "list_eval_partition.txt").write_text("".join(f"{i:06d}.jpg 0\n" for i in range(1, 22)))
    with pytest.raises(RequestError, match=r"no face for the split test: list_eval_partition\.txt puts"):
        CelebA(str(root)).read("test")
    (root / "list_eval_partition.txt").write_text("000001.jpg 3\n")
    with pytest.raises(RequestError, match="line 1"):
        CelebA(str(root)).read("test")


def test_the_image_is_the_square_in_the_middle_in_map_too(root: Path) -> None:
    train = CelebA(str(root)).read("train")
    assert train.image(4).shape == (44, 44, 3)
    assert abs(train.image(4).astype(int) - 5).max() < 4  # nothing white of the margins
    means = train.map(mean, "m")["mean"]
    assert means.shape == (19, 3)
    assert np.abs(means - np.arange(1, 20)[:, None]).max() < 1
    from zoo_data.folder import Folder

    photos = Folder(str(root / "img_align_celeba")).read("train")  # the same files, whole: other rows of the cache
    assert photos.map(mean, "m")["mean"].min() > 20


def test_the_digest_covers_attributes_and_images(root: Path) -> None:
    digests = {CelebA(str(root)).read("train").digest}
    attributes = root / "list_attr_celeba.txt"
    attributes.write_text(attributes.read_text().replace("000002.jpg -1 -1 -1", "000002.jpg -1  1 -1"))
    digests.add(CelebA(str(root)).read("train").digest)
    attributes.write_text(attributes.read_text().replace("Young", "Youthful"))
    digests.add(CelebA(str(root)).read("train").digest)
    shutil.copy(root / "img_align_celeba/000001.jpg", root / "img_align_celeba/000002.jpg")
    digests.add(CelebA(str(root)).read("train").digest)
    assert len(digests) == 4


def test_both_splits_are_remembered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for split in ("train", "test"):
        CelebA(str(root)).read(split)  # type: ignore[arg-type]

    def judge(path: Path) -> tuple[str, str]:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("zoo_data.photos._judge", judge)
    assert len(CelebA(str(root)).read("train")) + len(CelebA(str(root)).read("test")) == 21


def test_the_folders_of_the_release_are_found(root: Path) -> None:
    flat = CelebA(str(root)).read("train").digest
    for place, name in (("Anno", "list_attr_celeba.txt"), ("Img", "img_align_celeba")):
        (root / place).mkdir()
        shutil.move(root / name, root / place / name)
    assert CelebA(str(root)).read("train").digest == flat


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
def test_what_is_wrong_in_the_list_is_said_in_one_line(root: Path, text: str | None, said: str) -> None:
    (root / "list_attr_celeba.txt").unlink()
    if text is not None:
        (root / "list_attr_celeba.txt").write_text(text)
    with pytest.raises(RequestError, match=said) as caught:
        CelebA(str(root)).read("train")
    assert "\n" not in str(caught.value)


def test_a_folder_is_needed(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"write celeba:DIR, where DIR has"):
        CelebA("")
    with pytest.raises(RequestError, match="there is no img_align_celeba"):
        CelebA(str(tmp_path)).read("train")


def test_the_real_subset_is_read() -> None:
    root = shared_data("celeba")
    test = CelebA(str(root)).read("test")
    assert len(test) == 500
    assert test.names[0] == "004501.jpg"
    assert test.attributes is not None
    assert len(test.attributes.names) == 40
    smiling = test.attributes.values[:, test.attributes.names.index("Smiling")]
    assert 0.4 < smiling.mean() < 0.6  # 48 % in all of CelebA
    listed = (root / "list_attr_celeba.txt").read_text().splitlines()[2 + 4500].split()
    assert np.array_equal(test.attributes.values[0], np.array(listed[1:], int) > 0)
    assert test.image(0).shape == (89, 89, 3)
