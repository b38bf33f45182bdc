"""Colorization: CIE Lab there and back, photos that keep their lightness, and the cost of dull colours."""

from __future__ import annotations

import math
import pickle

import cv2
import numpy as np
import pytest
import torch
from shared import shared_data

from zoo.contracts import make
from zoo.data.pictures import photo_of
from zoo.reporting.pictures import SAMPLES, take_pictures
from zoo.testing.subjects.task import FewPhotos, photo
from zoo_tasks.colorize import BINS, Colorize, Even, to_lab, to_rgb

CUBE = np.stack(np.meshgrid(*[np.linspace(0, 1, 18, dtype=np.float32)] * 3), -1).reshape(-1, 54, 3)


def test_lab_is_opencvs_holds_all_colours_and_goes_back() -> None:
    lab = cv2.cvtColor(CUBE, cv2.COLOR_RGB2LAB)
    made = to_lab(CUBE)
    np.testing.assert_allclose(made[..., 0] * 100, lab[..., 0], atol=1e-3)
    np.testing.assert_allclose(made[..., 1:] * 220 - 110, lab[..., 1:], atol=1e-3)
    assert 0.005 < made[..., 1:].min() < made[..., 1:].max() < 0.995
    np.testing.assert_allclose(to_lab(np.full((1, 1, 3), 119, np.uint8))[0, 0, 1:], 0.5, atol=1e-3)
    lab = torch.from_numpy(made).permute(2, 0, 1)[None]
    back = to_rgb(lab[:, :1], lab[:, 1:])[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(back, CUBE, atol=1e-2)


def test_every_field_has_colours_with_finite_slopes() -> None:
    light = torch.linspace(0, 1, 11).view(1, 1, 11, 1).expand(1, 1, 11, 11).contiguous().requires_grad_()
    colour = torch.linspace(0, 1, 11).view(1, 1, 1, 11).expand(1, 2, 11, 11).contiguous().requires_grad_()
    rgb = Colorize(size=11).render(light, colour)
    assert 0 <= rgb.min() <= rgb.max() <= 1
    slopes = torch.autograd.grad(rgb.sum(), [light, colour])
    assert all(torch.isfinite(slope).all() and slope.abs().sum() > 0 for slope in slopes)


def test_pairs_show_the_squashed_photo() -> None:
    pairs = Colorize().pairs(FewPhotos(), "test")
    rgb = Colorize().render(pairs.x, pairs.y)
    for made, image in zip(rgb, FewPhotos().read("test").photos, strict=True):
        small = cv2.resize(image.astype(np.float32), (32, 32), interpolation=cv2.INTER_AREA) / 255
        np.testing.assert_allclose(made.permute(1, 2, 0).numpy(), small, atol=1e-2)
    train = Colorize().pairs(FewPhotos(), "train")
    assert train.penalty == Even(Colorize().config.uniform)
    assert Colorize(uniform=0).pairs(FewPhotos(), "train").penalty is None
    assert [tuple(part.shape[1:]) for part in train.wide] == [(1, 48, 48), (2, 48, 48)]
    assert Colorize(crops=False).pairs(FewPhotos(), "train").wide is None


def test_a_photo_keeps_its_lightness_and_is_grey_without_colour() -> None:
    task = Colorize()
    image = photo(70, 90)
    _, context = task.condition(image)
    made = task.compose(context, torch.full((1, 2, 32, 32), 0.5))[0].numpy()
    assert np.ptp(made.astype(int), axis=-1).max() <= 1
    np.testing.assert_allclose(to_lab(made)[..., 0], to_lab(image)[..., 0], atol=5e-3)
    warm = task.compose(context, torch.full((1, 2, 32, 32), 0.55))[0].numpy().astype(int)
    assert (warm[..., 0] >= warm[..., 2]).mean() > 0.99


def test_a_colour_that_no_screen_has_is_made_duller_and_keeps_its_lightness() -> None:
    image = np.tile(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], (40, 1, 3))
    bold = torch.tensor([0.1, 0.95]).view(1, 2, 1, 1).expand(1, 2, 32, 32)
    made = Colorize().compose(Colorize().condition(image)[1], bold)[0].numpy()
    np.testing.assert_allclose(to_lab(made)[..., 0], to_lab(image)[..., 0], atol=0.01)
    assert (made[:, -1] == 255).all()
    assert (made[20, 32, 1] > made[20, 32, [0, 2]].astype(int) + 40).all()


def test_nothing_of_the_photos_own_colours_is_used() -> None:
    task = Colorize()
    image = photo(70, 90)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    grey[..., 1:] = 128
    grey = cv2.cvtColor(grey, cv2.COLOR_LAB2RGB)
    y = task.pairs(FewPhotos(), "test").y[:1]
    made = [task.compose(task.condition(one)[1], y)[0].numpy().astype(int) for one in (image, grey)]
    assert np.abs(made[0] - made[1]).mean() < 2
    assert (task.condition(image)[0] - task.condition(grey)[0]).abs().mean() < 0.02


def test_even_colours_cost_nothing_and_dull_ones_most() -> None:
    cost = Even(0.01)
    even = ((torch.arange(1024) + 0.5) / 1024).view(1, 1, 32, 32).expand(1, 2, 32, 32)
    dull = torch.full((1, 2, 32, 32), (BINS / 2 + 0.5) / BINS)
    grey = 0.5 + 0.02 * torch.randn(1, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    values = cost(torch.cat([even, grey, dull]))
    assert values[0] < 1e-3 * values[2]
    assert values[0] < values[1] < values[2]
    assert values[2].item() == pytest.approx(0.01 * 2 * (math.log(BINS) - 0.7356), rel=1e-3)
    assert torch.equal(cost(grey), values[1:2])  # an item alone as among others
    assert torch.isfinite(cost(torch.tensor([-5.0, 9.0]).view(1, 2, 1, 1).expand(1, 2, 4, 4))).all()
    assert pickle.loads(pickle.dumps(cost)) == cost


def test_no_single_colour_is_cheaper_than_another_by_where_it_lies_between_two_bins() -> None:
    """Grey, half way between two, is not; only at the rim of what can be is there a bin less to spread over."""
    colours = torch.linspace(1.5 / BINS, 1 - 1.5 / BINS, 101).view(-1, 1, 1, 1).expand(-1, 2, 4, 4)
    values = Even(0.01)(torch.cat([colours, torch.full((1, 2, 4, 4), 0.5)]))
    assert values.max() < 1.03 * values.min()
    assert values[-1] > values.mean()


def test_its_slope_makes_colours_stronger() -> None:
    y = (0.5 + 0.05 * torch.randn(2, 2, 32, 32, generator=torch.Generator().manual_seed(0))).requires_grad_()
    (slope,) = torch.autograd.grad(Even(0.002)(y).sum(), y)
    assert torch.isfinite(slope).all()
    outwards = -slope * (y - 0.5)
    assert outwards.sum() > 0
    # An L1 error's slope is 1 / 2048 a number: the cost is felt, and does not win everywhere.
    assert 0.02 < slope.abs().mean() * 2048 < 0.5
    before, after = Even(0.002)(y), Even(0.002)(y - 10 * slope)
    assert (after < before).all()


def test_a_report_shows_colours_and_no_vectors() -> None:
    task, data = Colorize(), FewPhotos()
    model = make.model("nn", task.x_shape, task.y_shape)
    model.fit(task.pairs(data, "train"))
    for picture in take_pictures(model, task, data, 0, task.pairs(data, "test")):
        image = data.read("test").image(int(picture.name.split()[-1]))
        small = cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA)
        assert np.abs(np.asarray(picture.y).astype(int) - small).mean() < 3
        assert len(picture.fields) == len(picture.samples) == SAMPLES


def test_real_photos_come_back_with_their_own_colours() -> None:
    folder = shared_data("photos") / "test"
    task, off = Colorize(), []
    for path in sorted(folder.iterdir())[:6]:
        image = photo_of(path)
        small = cv2.resize(image.astype(np.float32) / 255, (32, 32), interpolation=cv2.INTER_AREA)
        y = torch.from_numpy(to_lab(small)).permute(2, 0, 1)[None, 1:]
        made = task.compose(task.condition(image)[1], y)[0].numpy()
        off.append(np.abs(made.astype(int) - image).mean())
    assert np.mean(off) < 4
    assert max(off) < 10
