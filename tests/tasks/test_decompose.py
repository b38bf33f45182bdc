"""Decomposition: exact products, known shading recovered, no NaN, and the LMSE on real objects."""

from __future__ import annotations

import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
from shared import shared_data

from zoo.utils.errors import RequestError
from zoo_tasks.relight import decompose, integrate

RNG = np.random.default_rng(0)
BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks/decompose.py"))
lmse, local_error = BENCHMARK["lmse"], BENCHMARK["local_error"]


def patches(height: int = 96, width: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """Smooth shading (H, W) over flat coloured patches (H, W, 3)."""
    colours = np.array([[0.9, 0.3, 0.2], [0.2, 0.6, 0.3], [0.3, 0.3, 0.9], [0.8, 0.8, 0.3]], np.float32)
    y, x = np.mgrid[:height, :width]
    albedo = colours[(y // 24 + 2 * (x // 32)) % 4]
    shading = 0.6 + 0.35 * np.sin(2 * x / width + 1) * np.cos(1.5 * y / height)
    return shading.astype(np.float32), albedo


def test_the_product_of_albedo_and_shading_is_the_photo() -> None:
    photos = RNG.integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)
    shading, albedo = decompose(photos)
    assert shading.dtype == albedo.dtype == np.float32
    assert 0 < shading.min() <= shading.max() <= 1
    assert 0 <= albedo.min() <= albedo.max() <= 1 + 1e-6
    np.testing.assert_allclose(albedo * shading[..., None], photos / 255, atol=1e-6)
    for i, photo in enumerate(photos):  # a batch is what its photos are one by one
        for whole, alone in zip((shading, albedo), decompose(photo), strict=True):
            np.testing.assert_allclose(whole[i], alone, atol=1e-5)


def test_smooth_shading_over_coloured_patches_is_recovered() -> None:
    shading, albedo = patches()
    found, colours = decompose(albedo * shading[..., None])
    error = np.log(found) - np.log(shading)
    assert np.std(error) < 0.02 < 0.1 < np.std(np.log(shading))
    assert np.corrcoef(colours.ravel(), albedo.ravel())[0, 1] > 0.995


def test_a_dark_edge_without_a_change_of_colour_is_reflectance_only_when_strong() -> None:
    weak, strong = np.full((32, 32, 3), 0.6, np.float32), np.full((32, 32, 3), 0.6, np.float32)
    weak[:, 16:], strong[:, 16:] = 0.5, 0.2
    for photo, low, high in ((weak, 0.15, 0.21), (strong, -0.01, 0.01)):
        shading = np.log(decompose(photo)[0])
        assert low < shading[:, :16].mean() - shading[:, 16:].mean() < high


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (1, 2, 3), (128, 128, 128)])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (20, 30)])
def test_flat_photos_of_any_colour_have_flat_fields(colour: tuple[int, int, int], shape: tuple[int, int]) -> None:
    photo = np.tile(np.array(colour, np.uint8), (*shape, 1))
    shading, albedo = decompose(photo)
    assert np.ptp(shading) < 1e-5
    np.testing.assert_allclose(albedo * shading[..., None], photo / 255, atol=1e-6)


def test_what_lies_outside_the_mask_changes_nothing_inside() -> None:
    shading, albedo = patches()
    photo = albedo * shading[..., None]
    mask = np.zeros(shading.shape, bool)
    mask[10:80, 20:110] = True
    other = np.where(mask[..., None], photo, RNG.random(photo.shape, np.float32))
    first, second = decompose(photo, mask)[0], decompose(other, mask)[0]
    np.testing.assert_allclose(first[mask], second[mask], atol=1e-4)
    assert (first[~mask] == 1).all()


@pytest.mark.parametrize("image", [np.zeros((4, 4)), np.zeros((4, 4, 4)), np.zeros((0, 4, 3)), np.full((4, 4, 3), 2.0)])
def test_what_is_no_photo_is_refused(image: np.ndarray) -> None:
    with pytest.raises(RequestError, match="image has"):
        decompose(image.astype(np.float32))


def test_steps_of_a_field_integrate_to_it() -> None:
    field = RNG.normal(size=(2, 17, 23)).astype(np.float32)
    found = integrate(np.diff(field, axis=-1), np.diff(field, axis=-2))
    np.testing.assert_allclose(found, field - field.mean(axis=(1, 2), keepdims=True), atol=1e-4)


def test_local_error_forgives_a_factor_and_not_a_shape() -> None:
    truth = 0.2 + RNG.random((40, 60))
    mask = np.ones(truth.shape, bool)
    assert local_error(3 * truth, truth, mask) == pytest.approx(0, abs=1e-9)
    assert local_error(np.zeros_like(truth), truth, mask) == pytest.approx(1)
    # One window: what is left of the truth after its projection on a constant.
    flat = local_error(np.ones((20, 20)), truth[:20, :20], mask[:20, :20])
    part = truth[:20, :20]
    assert flat == pytest.approx(1 - part.mean() ** 2 / (part**2).mean())


def test_lmse_on_real_objects_is_at_most_seven_tenths_of_the_better_trivial_answer() -> None:
    rows = []
    for folder in sorted(path for path in shared_data("mit-intrinsic").iterdir() if path.is_dir()):
        image, shading, reflectance, mask = (
            cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_UNCHANGED).astype(np.float32) / 65535
            for name in ("diffuse", "shading", "reflectance", "mask")
        )
        inside = mask > 0
        truth = shading, reflectance.mean(axis=-1), inside
        grey, flat = image.mean(axis=-1), np.ones_like(shading)
        light, albedo = decompose(image[..., ::-1] ** (1 / 2.2), inside)
        ours = lmse(light**2.2, (albedo**2.2).mean(axis=-1), *truth)
        rows.append((lmse(grey, flat, *truth), lmse(flat, grey, *truth), ours))
    all_shading, all_reflectance, ours = np.mean(rows, axis=0)
    assert ours <= 0.7 * min(all_shading, all_reflectance)
