"""celeba:DIR and cub:DIR, on files of the official layouts: attributes, splits, what the image is, and what is wrong."""

from __future__ import annotations

import shutil
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from datafiles import known, mean, records_of, refused, save
from shared import shared_data

celeba, cub = partial(records_of, "celeba"), partial(records_of, "cub")
pytestmark = pytest.mark.usefixtures("own_cache")
NAMES = ("5_o_Clock_Shadow", "Eyeglasses", "Young")
ROWS = [[1, -1, 1], [-1, -1, -1], [1, 1, -1]] * 7
"""Of 21 faces."""
LIST, PARTITION = "list_attr_celeba.txt", "list_eval_partition.txt"


@pytest.fixture
def faces(tmp_path: Path) -> Path:
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


def test_without_a_partition_the_first_nine_tenths_are_for_training(faces: Path) -> None:
    train, test = celeba(faces), celeba(faces, "test", seed=3)
    assert (known(train).names, known(train).exclusive) == (NAMES, False)
    assert known(train).values[:3].tolist() == [[1, 0, 1], [0, 0, 0], [1, 1, 0]]
    assert train.names == files(*range(1, 20))
    assert test.names == files(20, 21)
    (faces / "img_align_celeba/000003.jpg").unlink()
    with pytest.warns(UserWarning, match=r"left out 1 of 19 .*/000003\.jpg"):
        fewer = celeba(faces)
    assert fewer.names == files(1, 2, *range(4, 20))
    assert known(fewer).values[2].tolist() == [1, 0, 1]  # of face 4, not 3
    assert celeba(faces, "test").digest == test.digest


def test_the_partition_file_decides_where_it_is_there(faces: Path) -> None:
    (faces / PARTITION).write_text("".join(f"{i:06d}.jpg {(i % 3)}\n" for i in range(1, 22)))
    assert celeba(faces).names == files(*range(3, 22, 3))
    assert celeba(faces, "test").names == files(*range(2, 22, 3))
    (faces / PARTITION).write_text("".join(f"{i:06d}.jpg 0\n" for i in range(1, 22)))
    with refused(r"no face for the split test: list_eval_partition\.txt puts"):
        celeba(faces, "test")
    (faces / PARTITION).write_text("000001.jpg 3\n")
    with refused("line 1"):
        celeba(faces, "test")


def test_the_image_is_the_square_in_the_middle_in_map_too(faces: Path) -> None:
    train = celeba(faces)
    assert train.image(4).shape == (44, 44, 3)
    assert abs(train.image(4).astype(int) - 5).max() < 4  # nothing white of the margins
    means = train.map(mean, "m")["mean"]
    assert means.shape == (19, 3)
    assert np.abs(means - np.arange(1, 20)[:, None]).max() < 1
    photos = records_of("folder", faces / "img_align_celeba")  # the same files, whole: other rows of the cache
    assert photos.map(mean, "m")["mean"].min() > 20


def test_the_digest_covers_attributes_and_images(faces: Path) -> None:
    digests = {celeba(faces).digest}
    for old, new in (("000002.jpg -1 -1 -1", "000002.jpg -1  1 -1"), ("Young", "Youthful")):
        (faces / LIST).write_text((faces / LIST).read_text().replace(old, new))
        digests.add(celeba(faces).digest)
    shutil.copy(faces / "img_align_celeba/000001.jpg", faces / "img_align_celeba/000002.jpg")
    assert len({*digests, celeba(faces).digest}) == 4


def test_both_splits_are_remembered(faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo_data.memory._FRESH", 0)
    celeba(faces), celeba(faces, "test")

    def judge(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("zoo_data.folder._judge", judge)
    assert len(celeba(faces)) + len(celeba(faces, "test")) == 21


def test_the_folders_of_the_release_are_found(faces: Path) -> None:
    flat = celeba(faces).digest
    for place, name in (("Anno", LIST), ("Img", "img_align_celeba")):
        (faces / place).mkdir()
        shutil.move(faces / name, faces / place / name)
    assert celeba(faces).digest == flat


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"there is no list_attr_celeba.txt \(DIR holds img_align_celeba/\); DIR has img_align_celeba/"),
        ("", "needs a line with the count"),
        ("2\nA B\n", "needs a line with the count"),
        ("x\nA B\n000001.jpg 1 1\n000002.jpg 1 1\n", "needs a line with the count"),
        ("9" * 5000 + "\nA B\n000001.jpg 1 1\n", "needs a line with the count"),
        ("2\nA B\n000001.jpg 1 Infinity\n", "needs a line with the count"),
        ("2\nA B\n000001.jpg 1 1\n000002.jpg 1 1 1\n", "the line of 000002.jpg has 3 of 2 values"),
        ("2\nA B\n000001.jpg 1 1\n000002.jpg 1\n", "needs a line with the count"),
        ("2\nA B\n000001.jpg 1 1\n000002.jpg 1 x\n", "needs a line with the count"),
        ("2\nA B\n000001.jpg 1 1\n000002.jpg 1 0\n", "line 4 has other values"),
        ("2\nA B\nq.jpg 1 1\nr.jpg 1 -1\n", "no readable image"),
    ],
)
def test_what_is_wrong_in_the_list_is_said(faces: Path, text: str | None, said: str) -> None:
    (faces / LIST).unlink()
    if text is not None:
        (faces / LIST).write_text(text)
    with refused(said):
        celeba(faces)


def test_the_real_faces_are_read() -> None:
    test = celeba(shared_data("celeba"), "test")
    assert len(test) == 500
    assert test.names[0] == "004501.jpg"
    assert len(known(test).names) == 40
    smiling = known(test).values[:, known(test).names.index("Smiling")]
    assert 0.4 < smiling.mean() < 0.6  # 48 % in all of CelebA
    listed = (shared_data("celeba") / LIST).read_text().splitlines()[2 + 4500].split()
    assert np.array_equal(known(test).values[0], np.array(listed[1:], int) > 0)
    assert test.image(0).shape == (89, 89, 3)


SPECIES = ["001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Chuck_will_Widow"]
ATTRIBUTES = [
    "has_bill_shape::curved_(up_or_down)",
    "has_size::large_(16_-_32_in)",
    "has_wing_color::blue",
    "has_bill_shape::all-purpose",
]
PRESENT = {(1, 1): 1, (1, 4): 1, (2, 2): 1, (3, 3): 1, (5, 1): 1}
SIZE = (40, 30)
"""Width and height of the photos."""


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    """Five photos: 1, 2, 5 for training, 3, 4 for testing; photo i is of species (i - 1) % 3."""
    root = tmp_path / "CUB_200_2011"
    (root / "attributes").mkdir(parents=True)
    images = {i: f"{SPECIES[(i - 1) % 3]}/Bird_{i:04d}.jpg" for i in range(1, 6)}
    for i, name in images.items():
        pixels = np.full((SIZE[1], SIZE[0], 3), 20, np.uint8)
        pixels[4:28, 10:30] = 200  # the bird
        pixels[0, 0] = i
        save(root / "images" / name, pixels)
    write = {
        "images.txt": [f"{i} {name}" for i, name in images.items()],
        "classes.txt": [f"{i} {name}" for i, name in enumerate(SPECIES, 1)],
        "image_class_labels.txt": [f"{i} {(i - 1) % 3 + 1}" for i in images],
        "train_test_split.txt": [f"{i} {int(i in (1, 2, 5))}" for i in images],
        "bounding_boxes.txt": [f"{i} 10.0 4.0 20.0 24.0" for i in images],
        "attributes/attributes.txt": [f"{i} {name}" for i, name in enumerate(ATTRIBUTES, 1)],
        "attributes/image_attribute_labels.txt": [
            # the columns of the release: image, attribute, is_present, certainty, seconds; of image 2 with some too many
            f"{i} {a} {PRESENT.get((i, a), 0)} {'3 0 ' if i == 2 else '3 '}{0.5 * a}{' 0 1' if (i, a) == (3, 2) else ''}"
            for i in images
            for a in range(1, 5)
        ],
    }
    for name, lines in write.items():
        (root / name).write_text("\n".join(lines) + "\n")
    return root


def test_attributes_are_the_binary_ones_and_then_the_species(birds: Path) -> None:
    train = cub(birds)
    assert train.names == [f"{SPECIES[s]}/Bird_000{i}.jpg" for i, s in ((1, 0), (2, 1), (5, 1))]
    assert not known(train).exclusive
    assert known(train).names == (
        "has_bill_shape_curved_up_or_down",
        "has_size_large_16_32_in",
        "has_wing_color_blue",
        "has_bill_shape_all_purpose",
        "Black_footed_Albatross",
        "Laysan_Albatross",
        "Chuck_will_Widow",
    )
    assert known(train).values.tolist() == [[1, 0, 0, 1, 1, 0, 0], [0, 1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 1, 0]]
    test = cub(birds, "test", seed=5)
    assert known(test).values.tolist() == [[0, 0, 1, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0, 0]]


def test_the_photo_is_whole_unless_the_box_is_asked_for(birds: Path) -> None:
    whole, boxed = cub(birds), cub(f"{birds}@box")
    assert whole.image(0).shape == (SIZE[1], SIZE[0], 3)
    assert boxed.image(0).shape == (24, 20, 3)
    assert boxed.image(0)[3:-3, 3:-3].min() > 190
    means = [records.map(mean, "m")["mean"] for records in (whole, boxed)]
    assert (means[1] > means[0] + 50).all()  # the cache knows the two views apart
    assert whole.digest != boxed.digest
    (birds / "bounding_boxes.txt").write_text("".join(f"{i} 11.0 4.0 17.0 24.0\n" for i in range(1, 6)))
    moved = cub(f"{birds}@box")
    assert moved.digest != boxed.digest
    assert moved.image(0).shape == (24, 17, 3)
    assert moved.map(lambda image: {"m": np.ones((1, 1, 3)) * image.shape[1]}, "m")["m"].max() == 17  # nothing old of it


def test_a_box_beside_the_photo_or_too_small_still_shows_something(birds: Path) -> None:
    (birds / "bounding_boxes.txt").write_text("1 38 28 1 1\n2 -5 -5 500 500\n3 0 0 1 1\n4 0 0 9 9\n5 100 100 5 5\n")
    train = cub(f"{birds}@box")
    assert [train.image(i).shape for i in range(3)] == [(16, 16, 3), (30, 40, 3), (16, 16, 3)]


def test_attributes_txt_may_lie_beside_and_the_folder_above_be_named(birds: Path) -> None:
    inside = cub(birds)
    shutil.move(birds / "attributes/attributes.txt", birds.parent / "attributes.txt")
    assert cub(birds.parent).digest == inside.digest


def test_the_digest_covers_the_attributes_of_birds(birds: Path) -> None:
    before = cub(birds).digest
    labels = birds / "attributes/image_attribute_labels.txt"
    labels.write_text(labels.read_text().replace("1 2 0 3", "1 2 1 3", 1))
    assert cub(birds).digest != before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("images.txt", None, r"there is no images.txt \(DIR holds .*\); DIR has"),
        ("attributes/image_attribute_labels.txt", None, "there is no attributes/image_attribute_labels.txt"),
        ("attributes/image_attribute_labels.txt", "1 1 yes 3 0\n", "IMAGE ATTRIBUTE PRESENT"),
        ("image_class_labels.txt", "1 1\n2 9\n", "gives image 2 no class"),
        ("classes.txt", "1\n", "has one word"),
        ("train_test_split.txt", "1 0\n", "no image of images.txt for the split train"),
        ("bounding_boxes.txt", "1 0 0 5\n", "no box LEFT TOP WIDTH HEIGHT for image 1"),
    ],
)
def test_what_is_wrong_with_birds_is_said_in_one_line(birds: Path, name: str, text: str | None, said: str) -> None:
    (birds / name).unlink()
    if text is not None:
        (birds / name).write_text(text)
    with refused(said):
        cub(f"{birds}@box")


def test_as_many_labels_as_the_release_has_are_read_in_seconds(birds: Path) -> None:
    with (birds / "attributes/image_attribute_labels.txt").open("w") as file:
        file.writelines(f"{i // 312 + 1} {i % 312 + 1} {i % 3 == 0:d} 3 1.5\n" for i in range(312 * 1000))
    (birds / "attributes/attributes.txt").write_text("".join(f"{i} has_part::kind_{i}\n" for i in range(1, 313)))
    start = time.process_time()
    train = cub(birds)
    spent = time.process_time() - start
    assert known(train).values[:, :312].sum(1).tolist() == [104, 104, 104]
    assert spent < 5  # seconds of a core for a twelfth of the release's rows; measured: 0.3
