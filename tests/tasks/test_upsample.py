"""Coarse fields at a photo's size: they average to the samples, stay flat where flat, and stop at edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from shared import shared_data

from zoo.data.pictures import photo_of
from zoo_tasks.fields import resize, within
from zoo_tasks.interpolate import Interpolation
from zoo_tasks.upsample import Upsampler, segment

RNG = np.random.default_rng(0)


def two_sides(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo of two flat sides with a slanting edge between them, and which side each pixel is on."""
    y, x = np.mgrid[:height, :width]
    side = x > 0.35 * width + 0.3 * y
    photo = np.where(side[..., None], np.array([200, 180, 90]), np.array([60, 90, 130])).astype(np.uint8)
    noise = RNG.integers(-2, 3, photo.shape)
    return np.clip(photo + noise, 0, 255).astype(np.uint8), side


def real_photos() -> list[np.ndarray]:
    files = sorted(shared_data("coco").glob("val2017/*.jpg"))
    return [photo_of(path) for path in files[:: len(files) // 4][:4]]


def test_segments_are_the_regions_between_edges() -> None:
    photo, side = two_sides(120, 160)
    labels = segment(photo)
    assert len(np.unique(labels)) == 2
    left, right = np.bincount(labels[~side]).argmax(), np.bincount(labels[side]).argmax()
    assert left != right
    assert ((labels == right) == side).mean() > 0.99
    assert not segment(RNG.integers(0, 256, (60, 50, 3), dtype=np.uint8)).any(), "no flat region: one segment"


@pytest.mark.parametrize("shape", [(480, 640), (100, 37), (20, 300), (1, 1)])
def test_a_flat_sample_stays_flat(shape: tuple[int, int]) -> None:
    photo = RNG.integers(0, 256, (*shape, 3), dtype=np.uint8)
    up = Upsampler(cv2.blur(photo, (9, 9)).reshape(photo.shape), 32)
    field = up.enlarge(up.solve(np.full((1, 32, 32), 0.37, np.float32))[0])
    assert field.shape == shape
    np.testing.assert_allclose(field, 0.37, atol=1e-5)


def test_a_step_between_two_sides_does_not_bleed() -> None:
    photo, side = two_sides(480, 640)
    truth = np.where(side, 0.8, 0.2).astype(np.float32)
    up = Upsampler(photo, 32)
    field = up.enlarge(up.solve(resize(truth, 32, 32)[None])[0])
    near = cv2.dilate(cv2.morphologyEx(side.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3))), np.ones((3, 3))) > 0
    assert np.abs(field - truth)[~near].max() < 0.05
    smooth = cv2.resize(resize(truth, 32, 32), (640, 480), interpolation=cv2.INTER_LINEAR)
    assert np.abs(field - truth).mean() < 0.1 * np.abs(smooth - truth).mean()


def test_a_change_on_one_side_leaves_the_other_alone() -> None:
    photo, side = two_sides(256, 256)
    up = Upsampler(photo, 32)
    left = resize((~side).astype(np.float32), 32, 32)
    before, after = up.solve(np.stack((np.full_like(left, 0.5), 0.5 - 0.4 * left)))
    inner = cv2.erode(side.astype(np.uint8), np.ones((5, 5))) > 0
    assert np.abs(after - before)[inner].max() < 0.02
    assert np.abs(after - before)[cv2.erode((~side).astype(np.uint8), np.ones((5, 5))) > 0].min() > 0.38


@pytest.mark.parametrize("size", [16, 32])
def test_averaged_down_the_field_is_the_sample_on_real_photos(size: int) -> None:
    for photo in real_photos():
        up = Upsampler(photo, size)
        grey = resize(photo.astype(np.float32).mean(axis=-1) / 255, size, size)
        ramp = np.broadcast_to(np.linspace(0.1, 0.9, size, dtype=np.float32), (size, size))
        y = np.stack((grey, 1 - grey, ramp))
        fields = up.solve(y)
        cell = up.interpolation.cell
        means = fields.reshape(3, size, cell[0], size, cell[1]).mean(axis=(2, 4))
        assert np.abs(means - y).max() < 0.02
        full = np.stack([resize(up.enlarge(field), size, size) for field in fields])
        assert np.abs(full - y).max() < 0.05
        assert np.abs(full - y).mean() < 0.004


def test_edges_of_a_real_photo_come_back_better_than_by_smooth_enlarging() -> None:
    ours, smooth = 0.0, 0.0
    for photo in real_photos():
        truth = photo.max(axis=-1).astype(np.float32) / 255
        small = resize(truth, 32, 32)
        up = Upsampler(photo, 32)
        ours += np.square(up.enlarge(up.solve(small[None])[0]) - truth).mean()
        smooth += np.square(cv2.resize(small, truth.shape[::-1], interpolation=cv2.INTER_CUBIC) - truth).mean()
    assert ours < 0.85 * smooth


def test_a_ramp_has_no_steps_inside_a_segment() -> None:
    up = Upsampler(np.full((320, 480, 3), 99, np.uint8), 32)
    ramp = np.broadcast_to(np.linspace(0, 1, 32, dtype=np.float32), (32, 32))
    field = up.enlarge(up.solve(ramp[None])[0])
    steps = np.diff(field[:, 30:-30], axis=1)
    assert 0.5 / 480 < steps.min() <= steps.max() < 1.5 / 480


def test_segments_without_a_sample_of_their_own_join_the_likest() -> None:
    image = np.full((64, 64, 3), 50, np.uint8)
    image[:, 32:] = 200
    labels = (image[..., 0] == 200).astype(np.int32)
    labels[20:22, 30:32], image[20:22, 30:32] = 2, 190  # four pixels, on the dark side, that look like the light side
    assert (labels == 2).mean() < 0.1 / 64
    field = Interpolation(labels, image, 8).solve(np.where(np.arange(8) < 4, 0.0, 1.0)[None, None].repeat(8, 1))[0]
    np.testing.assert_allclose(field[20:22, 30:32], 1, atol=0.05)


def test_resizing_keeps_means_and_takes_each_axis_for_itself() -> None:
    field = RNG.random((100, 90)).astype(np.float32)
    assert resize(field, 32, 32).mean() == pytest.approx(field.mean(), abs=1e-3)
    long = RNG.random((8, 640)).astype(np.float32)
    down = long.reshape(8, 32, 20).mean(axis=2)
    np.testing.assert_allclose(resize(long, 8, 32), down, atol=1e-5)
    assert resize(long, 32, 32).shape == (32, 32)
    assert np.abs(resize(long, 32, 32)[2::4] - down).max() < 0.1
    assert resize(np.zeros((2, 40_000, 3), np.uint8), 16, 16).shape == (16, 16, 3)


def test_within_bounds_the_area_and_never_enlarges() -> None:
    assert within(np.zeros((480, 640, 3), np.uint8), 128).shape == (111, 148, 3)
    assert within(np.zeros((10, 20, 3), np.uint8), 128).shape == (10, 20, 3)
    assert within(np.zeros((1, 30_000, 3), np.uint8), 128).shape == (1, 22170, 3)
