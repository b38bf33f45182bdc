"""Fields as pictures: grey, R, G, B, and vectors by the colour wheel; and the pictures of a run on vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from zoo import colour_wheel
from zoo.contracts import make
from zoo.reporting.pictures import ITEMS, SAMPLES, images_of, in_colour, take_pictures


def test_the_wheel_shows_direction_as_hue_and_length_as_saturation() -> None:
    vectors = torch.tensor([[2.0, 0, -2, 0, 0, 1, 8], [0, 0, 0, 2, -2, 0, 0]])
    wheel = colour_wheel(vectors, 2.0).T
    expected = [[1, 0, 0], [1, 1, 1], [0, 1, 1], [0.5, 1, 0], [0.5, 0, 1], [1, 0.5, 0.5], [1, 0, 0]]
    torch.testing.assert_close(wheel, torch.tensor(expected).float(), atol=1e-5, rtol=0)
    many = colour_wheel(torch.randn(2, 500, generator=torch.Generator().manual_seed(0)), 1.0)
    assert 0 <= many.min() <= many.max() <= 1
    assert torch.equal(colour_wheel(torch.zeros(2, 3), 0.0), torch.ones(3, 3))


def test_vectors_are_pictures_of_one_scale() -> None:
    field = torch.zeros(2, 8, 8)
    field[0, :, 4:] = 3
    (own,) = images_of(in_colour(field[None]))
    assert (own.size, own.getpixel((7, 0)), own.getpixel((0, 0))) == ((8, 8), (255, 0, 0), (255, 255, 255))
    assert images_of(in_colour(torch.stack([field, 2 * field])))[0].getpixel((7, 0)) == (255, 128, 128)
    assert torch.equal(in_colour(torch.zeros(1, 2, 4, 4)), torch.ones(1, 3, 4, 4))


def test_other_fields_are_as_they_were() -> None:
    ramp = torch.linspace(0, 1, 16).view(1, 1, 4, 4)
    (grey,), (colour,) = images_of(ramp), images_of(ramp.expand(1, 3, 4, 4))
    assert (grey.mode, colour.mode) == ("L", "RGB")
    np.testing.assert_array_equal(np.asarray(grey), (ramp[0, 0] * 255).round().numpy().astype(np.uint8))
    assert images_of(torch.zeros(1, 2, 8, 8)) == images_of(torch.zeros(1, 4, 8, 8)) == images_of(torch.zeros(1, 9)) == []


@pytest.fixture(scope="module")
def motion() -> tuple[Any, ...]:
    """The arguments of take_pictures: a fitted model, its task and data, the seed, and test pairs with true draws."""
    task, data = make.task("motion"), make.data("scenes:60")
    model = make.model("nn", task.x_shape, task.y_shape)
    model.fit(task.pairs(data, "train"))
    return model, task, data, 0, task.pairs(data, "test", pool=2)


def test_a_run_on_motion_shows_the_true_motion_on_the_photo(motion: tuple[Any, ...]) -> None:
    pictures = take_pictures(*motion)
    assert len(pictures) == ITEMS
    records = motion[2].read("test")
    photos = [records.image(records.names.index(picture.name)) for picture in pictures]
    assert any(not np.array_equal(picture.photo, photo) for picture, photo in zip(pictures, photos, strict=True)), "arrows"
    for picture in pictures:
        assert {image and image.mode for image in (picture.x, picture.y, picture.photo)} == {"RGB"}
        assert (len(picture.fields), len(picture.samples), len(picture.draws)) == (SAMPLES, SAMPLES, 2)


def test_samples_that_are_drawn_already_are_shown(motion: tuple[Any, ...]) -> None:
    test = motion[-1]
    y = test.y[test.spread(ITEMS)]
    pictures = take_pictures(*motion, samples=y[:, None].expand(-1, SAMPLES + 3, -1, -1, -1))
    assert all(len(picture.fields) == SAMPLES for picture in pictures)
    assert all(np.array_equal(field, picture.y) for picture in pictures for field in picture.fields)
