"""Both photo tasks: pairs from photos and from known fields, photos put together again, and the guide of annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from shared import shared_data

from zoo.data.cache import Fields
from zoo.data.items import Annotation, Image
from zoo.data.pictures import photo_of
from zoo.data.records import Data, Records, Split
from zoo.testing.subjects.task import FewRecords, photo
from zoo.utils.errors import RequestError
from zoo_tasks.guided import Guided
from zoo_tasks.photo import LABELS, LAYOUT, PhotoTask, guide, guide_mirror
from zoo_tasks.relight import Relight
from zoo_tasks.resaturate import Resaturate

RNG = np.random.default_rng(0)
PHOTO = np.clip(photo(120, 160, 1) + RNG.normal(scale=12, size=(120, 160, 3)), 0, 255).astype(np.uint8)


class Memory(FewRecords):
    """Photos in memory; remembers the keys it was asked for."""

    def __init__(self, photos: list[Image], annotations: list[Annotation] | None = None) -> None:
        self.photos, self.annotations, self.categories = photos, annotations, ("cat", "dog") if annotations else ()
        self.names, self.digest, self.keys = [f"photo {i}" for i in range(len(photos))], "abc", []

    def map(self, function: Callable[[Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        self.keys.append(key)
        return super().map(function, key)


class Known(Memory):
    """Scenes whose fields are known."""

    def known(self, *names: str, size: int = 32) -> Fields:
        return {name: np.full((3, 1, size, size), len(name) / 10, np.float32) for name in names}

    def pool(self, name: str, draws: int, *, size: int = 32) -> NDArray[np.float32]:
        return np.full((3, draws, 1, size, size), len(name) / 10, np.float32)


class Given(Data):
    def __init__(self, records: Records) -> None:
        super().__init__()
        self.records = records

    def read(self, split: Split, *, seed: int = 0) -> Records:
        return self.records


@pytest.fixture(params=[Relight, Resaturate])
def task(request: pytest.FixtureRequest) -> type[PhotoTask]:
    return request.param


def test_pairs_of_photos(task: type[PhotoTask]) -> None:
    photos = [PHOTO, photo(97, 41)]
    pairs = task().pairs(Given(Memory(photos)), "train")
    assert all(w.shape == (2, 1, 48, 48) and w.dtype == torch.float16 for w in pairs.wide)
    assert pairs.guide is pairs.pool is None
    assert task().pairs(Given(Memory(photos)), "test").wide is None
    assert task(crops=False).pairs(Given(Memory(photos)), "train").wide is None
    for i, image in enumerate(photos):
        for small, wide, full in zip((pairs.x, pairs.y), pairs.wide, task.fields(image), strict=True):
            means = (small[i].mean().item(), wide[i].float().mean().item())
            assert means == pytest.approx([full.mean()] * 2, abs=2e-3)


def test_what_differs_is_cached_under_different_keys() -> None:
    records = Memory([PHOTO])
    for task in (
        Relight(),
        Resaturate(),
        Relight(size=16),
        Relight(crops=False),
        Relight(see="photo"),
        Resaturate(see="photo"),
    ):
        task.pairs(Given(records), "train")
    assert len(set(records.keys)) == 6


def test_value_and_saturation_are_those_of_hsv() -> None:
    hsv = cv2.cvtColor(PHOTO.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    value, saturation = Resaturate.fields(PHOTO)
    np.testing.assert_allclose(value, hsv[..., 2], atol=1e-5)
    np.testing.assert_allclose(saturation, hsv[..., 1], atol=1e-4)


def test_fields_that_the_data_knows_are_taken_as_they_are(task: type[PhotoTask]) -> None:
    data = Given(Known([PHOTO] * 3))
    pairs = task().pairs(data, "train", pool=7)
    assert torch.equal(pairs.x, torch.full((3, 1, 32, 32), len(task.x_name) / 10))
    assert torch.equal(pairs.y, torch.full((3, 1, 32, 32), len(task.y_name) / 10))
    assert (pairs.wide, pairs.pool.shape) == (None, (3, 7, 1, 32, 32))
    assert task().pairs(data, "test").pool is None
    small = task(size=16).pairs(data, "test", pool=2)
    assert (small.x.shape, small.pool.shape) == ((3, 1, 16, 16), (3, 2, 1, 16, 16))


def test_annotated_photos_have_a_guide() -> None:
    annotations = [Annotation(np.array([[0.1, 0.2, 0.3, 0.4]], np.float32), np.array([1]))] * 2
    pairs = Resaturate().pairs(Given(Memory([PHOTO] * 2, annotations)), "train")
    assert torch.equal(pairs.guide, guide(annotations, 2))
    assert torch.equal(pairs.guide_mirror, guide_mirror(2))


def test_the_own_field_gives_the_photo_back(task: type[PhotoTask]) -> None:
    for path in sorted(shared_data("coco").glob("val2017/*.jpg"))[:3]:
        image = photo_of(path)
        _, context = task().condition(image)
        made = task().compose(context, task().pairs(Given(Memory([image])), "test").y)
        assert np.abs(made[0].numpy().astype(int) - image).mean() < 0.1


def test_half_the_light_is_half_the_photo() -> None:
    _, context = Relight(detail="none").condition(PHOTO)
    flat = torch.full((2, 1, 32, 32), 0.4)
    flat[1] = 0.2
    bright, dark = Relight(detail="none").compose(context, flat).numpy().astype(float)
    dim = PHOTO.min(-1) < 100
    np.testing.assert_allclose(bright[dim] / 2, dark[dim], atol=1)
    albedo = PHOTO / context.layers.y[..., None]
    np.testing.assert_allclose(bright[dim], 0.4 * albedo[dim], rtol=0.01, atol=0.6)


def test_a_longer_exposure_is_that_much_more_light_and_the_own_shading_still_gives_the_photo_back() -> None:
    longer, plain = Relight(exposure=1.6), Relight()
    _, context = longer.condition(PHOTO)
    light = torch.linspace(0.1, 0.6, 32).expand(1, 1, 32, 32)
    assert torch.equal(longer.compose(context, light), plain.compose(context, light * 1.6))
    assert not torch.equal(longer.compose(context, light), plain.compose(context, light))
    back = longer.compose(context, longer.own_y(context)[None])[0].numpy()
    assert np.abs(back.astype(int) - PHOTO).max() <= 1
    with pytest.raises(RequestError, match="exposure"):
        Relight(exposure=0)


def test_white_paper_stays_white_in_any_light_and_what_is_darker_does_not() -> None:
    page = np.full((96, 80, 3), 255, np.uint8)
    page[::6, 10:70] = 20
    page[40:60, 20:50] = (180, 60, 60)
    page[70:90, 20:50] = np.arange(100, 250, 5, dtype=np.uint8)[None, :, None]
    dark = Relight().compose(Relight().condition(page)[1], torch.full((1, 1, 32, 32), 0.4))[0].numpy()
    assert dark[page.min(-1) == 255].min() >= 250
    assert dark[45, 30, 0] < 110
    assert (np.diff(dark[75, 20:50, 0].astype(int)) >= 0).all()  # what was brighter is


def test_a_cloud_over_an_even_wall_goes_and_an_edge_of_the_photo_stays() -> None:
    wall = np.full((64, 64, 3), 90, np.uint8)
    wall[:, 40:] = (40, 60, 140)
    smooth = Guided(wall, 32, *Relight.even).smooth
    cloud = (RNG.random((2, 32, 32)) < 0.5).astype(np.float32)
    edge = np.repeat(np.where(np.arange(32) < 20, 0.3, 0.7)[None], 32, axis=0).astype(np.float32)
    assert smooth(cloud)[:, 8:24, 4:14].std() < 0.1 * cloud.std()
    np.testing.assert_allclose(smooth(edge)[:, (17, 22)], edge[:, (17, 22)], atol=0.1)
    np.testing.assert_allclose(smooth(np.full((32, 32), 0.7, np.float32)), 0.7, atol=1e-5)


def test_new_saturation_keeps_hue_and_value() -> None:
    image = np.clip(PHOTO.astype(int), 60, 255).astype(np.uint8)
    task = Resaturate(detail="none")
    _, context = task.condition(image)
    made = task.compose(context, torch.full((1, 1, 32, 32), 0.5))[0].numpy()
    before, after = (cv2.cvtColor(i.astype(np.float32) / 255, cv2.COLOR_RGB2HSV) for i in (image, made))
    coloured = before[..., 1] * before[..., 2] > 0.15
    assert coloured.mean() > 0.3
    np.testing.assert_allclose(after[..., 2], before[..., 2], atol=1e-3)
    np.testing.assert_allclose(after[..., 1][coloured], 0.5, atol=0.02)
    turn = np.abs(after[..., 0] - before[..., 0])[coloured]
    assert np.minimum(turn, 360 - turn).max() < 5


def test_without_saturation_a_photo_is_its_value() -> None:
    image = np.tile(np.array([[[200, 60, 20], [30, 90, 180]]], np.uint8), (40, 20, 1))
    task = Resaturate(detail="none")
    made = task.compose(task.condition(image)[1], torch.zeros(1, 1, 32, 32))[0].numpy()
    np.testing.assert_array_equal(made, np.broadcast_to(image.max(axis=-1, keepdims=True), image.shape))


@pytest.mark.parametrize("noise", [0, 2])
def test_a_grey_photo_stays_grey(noise: int) -> None:
    image = np.repeat(PHOTO[..., :1] // 2 + 60, 3, axis=-1)
    image += RNG.integers(0, noise + 1, image.shape, dtype=np.uint8)
    made = Resaturate().compose(Resaturate().condition(image)[1], torch.ones(1, 1, 32, 32))[0].numpy()
    assert np.abs(made.astype(int) - image).max() <= noise


def test_the_three_details() -> None:
    flat = torch.full((1, 1, 32, 32), 0.6)
    made: dict[str, Any] = {}
    for detail in ("generated", "conditioning", "none"):
        task = Relight(detail=detail)
        x, context = task.condition(PHOTO)
        made[detail] = task.compose(context, flat)[0].numpy().astype(float)
        layers, up = context.layers, context.upsampler
        added = {
            "generated": layers.y - up.enlarge(up.solve(context.smooth(context.y))[0]),
            "conditioning": layers.x() - up.enlarge(up.solve(context.x)[0]),
            "none": np.zeros_like(layers.y),
        }[detail]
        new = np.clip(0.6 + added, 0, 1)
        change = (new - layers.y)[..., None] * layers.gain(slice(None))
        np.testing.assert_allclose(made[detail], np.clip(PHOTO + change, 0, 255), atol=0.6)
    assert all(np.abs(made["generated"] - made[other]).max() > 3 for other in ("none", "conditioning"))
    task = Relight(detail="conditioning")
    x, context = task.condition(PHOTO)
    rendered = task.compose(context, flat, x_hat=x * 0)[0].numpy().astype(float)
    assert (rendered >= made["conditioning"] - 1).all()  # a reconstruction of black leaves all of x as detail
    assert rendered.mean() > made["conditioning"].mean() + 5


@pytest.mark.parametrize("values", [{"size": 0}, {"size": 1000}, {"detail": "all"}, {"crops": 3}])
def test_settings_that_make_no_sense_are_refused(task: type[PhotoTask], values: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        task(**values)


def annotation(*objects: tuple[int, float, float, float, float]) -> Annotation:
    rows = np.array(objects, np.float32).reshape(-1, 5)
    return Annotation(rows[:, 1:], rows[:, 0].astype(np.int64))


def test_a_hand_computed_image() -> None:
    # Category 0: the left 30 % of the top fifth. Category 2: twice the whole image, which counts once.
    # Category 1: half the height of the middle cell of the lowest row.
    objects = ((0, 0, 0, 0.3, 0.2), (2, 0, 0, 1, 1), (2, 0, 0, 1, 1), (1, 0.4, 0.8, 0.2, 0.1))
    made = guide([annotation(*objects), annotation()], 3)
    torch.testing.assert_close(made[0, :3], LABELS * torch.tensor([0.25, 0.25, 0.5]))
    expected = torch.zeros(3, 5, 5)
    expected[0, 0, :2], expected[1, 4, 2], expected[2] = torch.tensor([1, 0.5]), 0.5, 1
    torch.testing.assert_close(made[0, 3:].reshape(3, 5, 5), LAYOUT * expected)
    assert made.shape == (2, 3 + 75)
    assert not made[1].any()
    assert guide([], 4).shape == (0, 104)


def test_mirroring_the_columns_is_mirroring_the_boxes() -> None:
    random = np.random.default_rng(1)
    annotations, mirrored = [], []
    for count in random.integers(0, 6, 40):
        corner, labels = random.random((count, 2)) * 0.7, random.integers(0, 5, count)
        boxes = np.hstack((corner, random.random((count, 2)) * (1 - corner))).astype(np.float32)
        annotations.append(Annotation(boxes.copy(), labels))
        boxes[:, 0] = 1 - boxes[:, 0] - boxes[:, 2]
        mirrored.append(Annotation(boxes, labels))
    order = guide_mirror(5)
    assert order.dtype == torch.int64
    torch.testing.assert_close(guide(annotations, 5)[:, order], guide(mirrored, 5), atol=1e-5, rtol=0)
    assert not torch.equal(guide(annotations, 5), guide(mirrored, 5))


def test_a_photo_in_strips_is_the_photo_at_once(task: type[PhotoTask], monkeypatch: pytest.MonkeyPatch) -> None:
    y = torch.from_numpy(RNG.random((2, 1, 32, 32), np.float32))
    x, context = task().condition(PHOTO)
    whole = [x, *(task(detail=detail).compose(context, y) for detail in ("generated", "conditioning"))]
    monkeypatch.setattr("zoo_tasks.fields.STRIP", 1000)
    x, context = task().condition(PHOTO)
    strips = [x, *(task(detail=detail).compose(context, y) for detail in ("generated", "conditioning"))]
    for one, other in zip(whole, strips, strict=True):
        assert torch.equal(one, other)
