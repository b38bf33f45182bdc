"""Fields as pictures: grey, R, G, B, and vectors by the colour wheel; and the pictures of a run on vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from zoo import colour_wheel
from zoo.contracts import make
from zoo.reporting.pictures import ITEMS, SAMPLES, field_image, reach_of, take_pictures


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
    own = field_image(field)
    assert own is not None
    assert own.size == (8, 8)
    assert own.getpixel((7, 0)) == (255, 0, 0)
    assert own.getpixel((0, 0)) == (255, 255, 255)
    wide = field_image(field, 6.0)
    assert wide is not None
    assert wide.getpixel((7, 0)) == (255, 128, 128)
    assert reach_of([field, 2 * field]) == 6
    assert reach_of([torch.zeros(2, 4, 4)]) == 0
    assert field_image(torch.zeros(2, 4, 4)) is not None


def test_other_fields_are_as_they_were() -> None:
    ramp = torch.linspace(0, 1, 16).view(1, 4, 4)
    grey, colour = field_image(ramp), field_image(ramp.expand(3, 4, 4))
    assert grey is not None
    assert colour is not None
    assert (grey.mode, colour.mode) == ("L", "RGB")
    np.testing.assert_array_equal(np.asarray(grey), (ramp[0] * 255).round().numpy().astype(np.uint8))
    assert field_image(torch.zeros(4, 8, 8)) is None
    assert field_image(torch.zeros(9)) is None


def test_a_run_on_motion_shows_the_true_motion_on_the_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    task, data = make.task("motion"), make.data("scenes:60")
    model = make.model("nn", task.x_shape, task.y_shape)
    model.fit(task.pairs(data, "train"))
    test = task.pairs(data, "test", pool=2)
    pictures = take_pictures(model, task, data, 0, test)
    assert len(pictures) == ITEMS
    records = data.read("test")
    index = {name: i for i, name in enumerate(records.names)}
    changed = 0
    for picture in pictures:
        assert picture.x is not None
        assert picture.x.mode == "RGB"
        assert picture.y is not None
        assert (len(picture.fields), len(picture.samples), len(picture.draws)) == (SAMPLES, SAMPLES, 2)
        assert picture.photo is not None
        changed += not np.array_equal(np.asarray(picture.photo), records.image(index[picture.name]))
    assert changed > 0  # arrows of the true motion
