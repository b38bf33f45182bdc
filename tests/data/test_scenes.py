"""Generated scenes: reproducible, consistent with their photos, and with pools that follow the stated p(. | scene)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo.data import scene_render as render
from zoo.data import scenes
from zoo.data.base import Fields, Image
from zoo.data.scene_world import LIGHTS, light_probabilities, saturation_probabilities
from zoo.data.scenes import SceneRecords, Scenes
from zoo.errors import RequestError

NAMES = ("albedo", "shading", "value", "saturation")


@pytest.fixture(scope="module")
def train() -> SceneRecords:
    return Scenes("200").read("train")


@pytest.fixture(scope="module")
def fields(train: SceneRecords) -> Fields:
    known = train.known(*NAMES)
    assert known is not None
    return known


def test_fields_are_fractions_of_the_asked_size(train: SceneRecords, fields: Fields) -> None:
    for name in NAMES:
        assert fields[name].shape == (200, 1, 32, 32)
        assert fields[name].dtype == np.float32
        assert 0 <= fields[name].min() < fields[name].max() <= 1
        assert fields[name].std((1, 2, 3)).min() > 0
    larger = Scenes("3").read("train").known("albedo", size=48)
    assert larger is not None
    assert larger["albedo"].shape == (3, 1, 48, 48)
    assert train.known("albedo", "depth") is None
    assert train.pool("albedo", 2) is None


def test_same_seed_same_bits_however_they_are_chunked(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "_RAYS", 3 * 4 * 32 * 32)
    again = Scenes("200").read("train")
    for name, field in (again.known(*NAMES) or {}).items():
        assert np.array_equal(field, fields[name]), name
    first = Scenes("7").read("train")
    assert np.array_equal((first.known("value") or {})["value"], fields["value"][:7])


def test_seeds_and_splits_share_nothing(fields: Fields) -> None:
    assert len(Scenes("5").read("test")) == 512
    others = [Scenes("200").read("train", seed=s) for s in (1, -1, 2**40)]
    seen = {row.tobytes() for row in fields["albedo"]}
    test = Scenes().read("test")
    assert len({r.digest for r in (*others, test, Scenes("200").read("train"), Scenes("199").read("train"))}) == 6
    assert len(seen) == 200
    for records in (*others, test):
        new = {row.tobytes() for row in (records.known("albedo") or {})["albedo"]}
        assert len(new) == len(records)
        assert not seen & new
        seen |= new


def test_fields_agree_with_the_photo(train: SceneRecords) -> None:
    cv2 = pytest.importorskip("cv2")
    few = Scenes("12").read("train")
    known = few.known(*NAMES, size=128) or {}
    for i in range(len(few)):
        photo = few.image(i)
        assert photo.shape == (128, 128, 3)
        hsv = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
        assert np.abs(hsv[..., 2] - known["value"][i, 0]).max() < 0.51 / 255
        bright = hsv[..., 2] > 0.2
        assert np.abs(hsv[..., 1] - known["saturation"][i, 0])[bright].max() < 0.02
        grey = photo @ np.array([0.299, 0.587, 0.114]) / 255
        assert np.abs(grey - (known["albedo"] * known["shading"])[i, 0]).max() < 0.51 / 255
    assert np.array_equal(few.image(-1), few.image(11))
    with pytest.raises(IndexError):
        few.image(12)


def test_sizes_show_the_same_scene(train: SceneRecords, fields: Fields) -> None:
    large = Scenes("20").read("train").known(*NAMES, size=128) or {}
    for name in NAMES:
        if name == "albedo":  # hues do not mix within a pixel, so at edges it is not quite a mean
            continue
        small = large[name].reshape(20, 1, 32, 4, 32, 4).mean((3, 5))
        assert np.abs(small - fields[name][:20]).mean() < 0.01


def test_light_leaves_albedo_and_saturation_leaves_value() -> None:
    first, second = Scenes("20").read("train"), Scenes("20").read("train")
    before = first.known(*NAMES) or {}
    second.light = second.pool_light(1)
    relit = second.known(*NAMES) or {}
    assert np.array_equal(relit["albedo"], before["albedo"])
    assert np.abs(relit["shading"] - before["shading"]).mean((1, 2, 3)).min() > 0.005
    second.light = first.light
    second.saturations = second.pool_saturation(1)[1][:, 0]
    resaturated = second.known(*NAMES) or {}
    assert np.array_equal(resaturated["value"], before["value"])
    assert np.abs(resaturated["saturation"] - before["saturation"]).mean((1, 2, 3)).min() > 0.001


def test_pools_are_the_fields_of_their_draws() -> None:
    records = Scenes("9").read("train", seed=3)
    shading, saturation = records.pool("shading", 4), records.pool("saturation", 4)
    assert shading is not None
    assert saturation is not None
    assert shading.shape == saturation.shape == (9, 4, 1, 32, 32)
    assert np.array_equal(shading, records.pool("shading", 4))
    light, (_, saturations) = records.pool_light(4), records.pool_saturation(4)
    for m in range(4):
        records.light = type(light)(*(part[:, m : m + 1] for part in (light.mode, light.towards, light.strength)))
        records.saturations = saturations[:, m]
        known = records.known("shading", "saturation") or {}
        assert np.array_equal(shading[:, m], known["shading"])
        assert np.array_equal(saturation[:, m], known["saturation"])


def chi_square(counts: np.ndarray, expected: np.ndarray) -> float:
    """The statistic divided by its degrees of freedom: about 1 where the counts follow what is expected."""
    enough = expected > 5
    return float(((counts - expected)[enough] ** 2 / expected[enough]).sum() / (enough.sum() - len(counts)))


def test_draws_follow_the_stated_probabilities(train: SceneRecords) -> None:
    draws = 2000
    light, stated = train.pool_light(draws).mode, light_probabilities(train.world)
    assert stated.shape == (200, 4)
    counts = np.stack([(light == m).sum(1) for m in range(4)], 1)
    assert 0.8 < chi_square(counts, stated * draws) < 1.2
    assert chi_square(counts, np.roll(stated, 1, 0) * draws) > 10  # another scene's probabilities do not fit
    modes, stated = train.pool_saturation(draws)[0].reshape(200, draws, 6), saturation_probabilities(train.world)
    for material in range(6):
        counts = np.stack([(modes[:, :, material] == m).sum(1) for m in range(3)], 1)
        assert 0.8 < chi_square(counts, stated[:, material] * draws) < 1.2


def test_probabilities_are_those_documented(train: SceneRecords) -> None:
    world = train.world.take(np.array([0]))
    world.panels[0] = [0.8, 0.4, 0.9, 0.6, 0.6, 0.6, 1.0]
    world.spheres[0, :, 3] = 0.5
    world.boxes[0, :, 3:6] = [0.2, 0.3, 0.4]
    light = np.exp([-4 * 0.5, 4 * 0.5, -5 * 0.2, 5 * 0.2])
    assert np.allclose(light_probabilities(world)[0], light / light.sum(), atol=1e-6)
    stated = saturation_probabilities(world)[0]
    assert np.allclose(stated[2], 1 / 3, atol=1e-6)
    floor, box = np.exp([-1 - 1, 0, 1]), np.exp([2 * 0.2 - 2, 0, 2])
    assert np.allclose(stated[0], floor / floor.sum(), atol=1e-6)
    assert np.allclose(stated[5], box / box.sum(), atol=1e-6)


def test_training_draws_follow_the_same_probabilities() -> None:
    records = Scenes("8192").read("train")
    for drawn, stated in (
        (records.light.mode[:, 0], light_probabilities(records.world)),
        (records.modes[:, 2], saturation_probabilities(records.world)[:, 2]),
    ):
        counts = np.bincount(drawn, minlength=stated.shape[1])
        spread = np.sqrt((stated * (1 - stated)).sum(0))
        assert (np.abs(counts - stated.sum(0)) < 4 * spread).all()
        own = np.log(stated[np.arange(len(drawn)), drawn]).mean()
        entropy = (stated * np.log(stated)).sum(1).mean()
        assert abs(own - entropy) < 0.03  # the draws know their own scene ...
        assert own > np.log(stated.mean(0))[drawn].mean() + 0.1  # ... and the scene tells much of the mode


def test_every_scene_has_several_modes(train: SceneRecords) -> None:
    likely = (light_probabilities(train.world) > 0.05).sum(1)
    assert likely.min() >= 2
    assert np.median(likely) >= 3


def test_modes_of_light_are_further_apart_than_draws_within_one(train: SceneRecords) -> None:
    draws = 40
    shading, mode = Scenes("40").read("train").pool("shading", draws), Scenes("40").read("train").pool_light(draws).mode
    assert shading is not None
    within, between = [], []
    for pool, modes in zip(shading.reshape(40, draws, -1), mode, strict=True):
        distance = ((pool[:, None] - pool[None]) ** 2).mean(-1)
        same = modes[:, None] == modes[None]
        within.append(distance[same & ~np.eye(draws, dtype=bool)].mean())
        between.append(distance[~same].mean())
    assert np.mean(between) > 3 * np.mean(within)


def test_light_falls_from_its_side_and_casts_shadows() -> None:
    """On the floor and on single spheres, where it is plain what must be bright."""
    records = Scenes("400").read("train")
    alone = np.flatnonzero((records.world.objects == [1, 0]).all(1))
    hits = render.trace(records.world.take(alone), 32)
    rays = hits.surface.reshape(-1, 4, 32, 32) % 17
    light = records.light
    shading = render.shade(hits, light.towards[alone, 0], light.strength[alone, 0])
    columns = np.arange(32)
    checked = set()
    for i, scene in enumerate(alone):
        sphere, floor, wall = (np.isin(rays[i], ids).all(0) for ids in ([3], [0], [1, 2]))
        middle = (sphere * columns).sum() / max(sphere.sum(), 1)
        left, right = (shading[i][sphere & side].mean() for side in (columns < middle, columns > middle))
        mode = LIGHTS[light.mode[scene, 0]]
        checked.add(mode)
        if mode in ("left", "right"):
            assert (left > right) == (mode == "left")
        else:
            lit_floor, lit_wall = np.median(shading[i][floor]), np.median(shading[i][wall])
            assert (lit_floor > lit_wall) == (mode == "top")
        # The floor is lit evenly but for the shadow (from the front, that is hidden), which only ambient light reaches.
        ambient = light.strength[scene, 0, 0]
        if mode in ("left", "right") and abs(records.world.spheres[scene, 0, 0]) < 0.6:
            assert abs(shading[i][floor].min() - ambient) < 1e-5
            assert np.median(shading[i][floor]) > ambient + 0.1
    assert checked == set(LIGHTS)


def grey_mean(image: Image) -> Fields:
    return {"mean": np.array([image.mean() / 255], np.float32)}


def test_map_runs_over_the_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    records = Scenes("5").read("train", seed=4)
    expected = np.array([[records.image(i).mean() / 255] for i in range(5)], np.float32)
    assert np.array_equal(records.map(grey_mean, "grey-1")["mean"], expected)
    other = Scenes("5").read("train", seed=5).map(grey_mean, "grey-1")["mean"]
    assert not np.isin(other, expected).any()


@pytest.mark.parametrize("path", ["abc", "0", "-5", "1.5", "²"])
def test_path_must_be_a_count(path: str) -> None:
    with pytest.raises(RequestError, match="scenes:N"):
        Scenes(path)


def test_importing_imports_nothing_heavy() -> None:
    code = (
        "import sys, zoo.data.scenes, zoo.data.folder, zoo.data.coco;"
        "print([m for m in ('torch', 'cv2', 'PIL', 'scipy', 'pycocotools', 'safetensors') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
