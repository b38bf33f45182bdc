"""cub:DIR, proved on files of the official layout: attributes, species, boxes, and rows with columns too many."""

from __future__ import annotations

import shutil
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from datafiles import known, mean, records_of, refused, save

read = partial(records_of, "cub")
pytestmark = pytest.mark.usefixtures("own_cache")
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
def root(tmp_path: Path) -> Path:
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


def test_attributes_are_the_binary_ones_and_then_the_species(root: Path) -> None:
    train = read(root)
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
    test = read(root, "test", seed=5)
    assert known(test).values.tolist() == [[0, 0, 1, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0, 0]]


def test_the_photo_is_whole_unless_the_box_is_asked_for(root: Path) -> None:
    whole, boxed = read(root), read(f"{root}@box")
    assert whole.image(0).shape == (SIZE[1], SIZE[0], 3)
    assert boxed.image(0).shape == (24, 20, 3)
    assert boxed.image(0)[3:-3, 3:-3].min() > 190
    means = [records.map(mean, "m")["mean"] for records in (whole, boxed)]
    assert (means[1] > means[0] + 50).all()  # the cache knows the two views apart
    assert whole.digest != boxed.digest
    (root / "bounding_boxes.txt").write_text("".join(f"{i} 11.0 4.0 17.0 24.0\n" for i in range(1, 6)))
    moved = read(f"{root}@box")
    assert moved.digest != boxed.digest
    assert moved.image(0).shape == (24, 17, 3)
    assert moved.map(lambda image: {"m": np.ones((1, 1, 3)) * image.shape[1]}, "m")["m"].max() == 17  # nothing old of it


def test_a_box_beside_the_photo_or_too_small_still_shows_something(root: Path) -> None:
    (root / "bounding_boxes.txt").write_text("1 38 28 1 1\n2 -5 -5 500 500\n3 0 0 1 1\n4 0 0 9 9\n5 100 100 5 5\n")
    train = read(f"{root}@box")
    assert [train.image(i).shape for i in range(3)] == [(16, 16, 3), (30, 40, 3), (16, 16, 3)]


def test_attributes_txt_may_lie_beside_and_the_folder_above_be_named(root: Path) -> None:
    inside = read(root)
    shutil.move(root / "attributes/attributes.txt", root.parent / "attributes.txt")
    assert read(root.parent).digest == inside.digest


def test_the_digest_covers_the_attributes(root: Path) -> None:
    before = read(root).digest
    labels = root / "attributes/image_attribute_labels.txt"
    labels.write_text(labels.read_text().replace("1 2 0 3", "1 2 1 3", 1))
    assert read(root).digest != before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("images.txt", None, "there is no images.txt; DIR has"),
        ("attributes/image_attribute_labels.txt", None, "there is no attributes/image_attribute_labels.txt"),
        ("attributes/image_attribute_labels.txt", "1 1 yes 3 0\n", "IMAGE ATTRIBUTE PRESENT"),
        ("image_class_labels.txt", "1 1\n2 9\n", "gives image 2 no class"),
        ("classes.txt", "1\n", "has one word"),
        ("train_test_split.txt", "1 0\n", "no image of images.txt for the split train"),
        ("bounding_boxes.txt", "1 0 0 5\n", "no box LEFT TOP WIDTH HEIGHT for image 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(root: Path, name: str, text: str | None, said: str) -> None:
    (root / name).unlink()
    if text is not None:
        (root / name).write_text(text)
    with refused(said):
        read(f"{root}@box")


def test_as_many_labels_as_the_release_has_are_read_in_seconds(root: Path) -> None:
    with (root / "attributes/image_attribute_labels.txt").open("w") as file:
        file.writelines(f"{i // 312 + 1} {i % 312 + 1} {i % 3 == 0:d} 3 1.5\n" for i in range(312 * 1000))
    (root / "attributes/attributes.txt").write_text("".join(f"{i} has_part::kind_{i}\n" for i in range(1, 313)))
    start = time.process_time()
    train = read(root)
    spent = time.process_time() - start
    assert known(train).values[:, :312].sum(1).tolist() == [104, 104, 104]
    assert spent < 5  # seconds of a core for a twelfth of the release's rows; measured: 0.3
