"""Generated scenes: reproducible, consistent with their photos, and with pools that follow the stated p(. | scene)."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest
from datafiles import records_of

from zoo import Fields
from zoo_data import scene_render as render
from zoo_data import scenes
from zoo_data.scene_world import LIGHTS, Draws, light_probabilities, motion_probabilities, saturation_probabilities
from zoo_data.scenes import SceneRecords

read = partial(records_of, "scenes")
NAMES = ("albedo", "shading", "value", "saturation")


@pytest.fixture(scope="module")
def train() -> SceneRecords:
    return read(200)


@pytest.fixture(scope="module")
def fields(train: SceneRecords) -> Fields:
    return known(train)


def known(records: Any, *names: str, size: int = 32) -> Fields:
    return records.known(*(names or NAMES), size=size)


def test_fields_are_fractions_of_the_asked_size(train: SceneRecords, fields: Fields) -> None:
    for name in NAMES:
        assert fields[name].shape == (200, 1, 32, 32)
        assert fields[name].dtype == np.float32
        assert 0 <= fields[name].min() < fields[name].max() <= 1
        assert fields[name].std((1, 2, 3)).min() > 0
    assert known(read(3), "albedo", size=48)["albedo"].shape == (3, 1, 48, 48)
    assert train.known("albedo", "depth") is None
    assert train.pool("albedo", 2) is None


def test_same_seed_same_bits_however_they_are_chunked(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "_RAYS", 3 * 4 * 32 * 32)
    for name, field in known(read(200)).items():
        assert np.array_equal(field, fields[name]), name
    assert np.array_equal(known(read(7), "value")["value"], fields["value"][:7])


def test_fields_agree_with_the_photo() -> None:
    cv2 = pytest.importorskip("cv2")
    few = read(12)
    small = known(few, *NAMES, "frame", size=128)
    np.testing.assert_allclose(small["frame"].max(1, keepdims=True), small["value"], atol=1e-6)
    for i in range(len(few)):
        photo = few.image(i)
        assert np.array_equal(photo, np.rint(small["frame"][i].transpose(1, 2, 0) * 255))
        hsv = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
        assert np.abs(hsv[..., 2] - small["value"][i, 0]).max() < 0.51 / 255
        bright = hsv[..., 2] > 0.2
        assert np.abs(hsv[..., 1] - small["saturation"][i, 0])[bright].max() < 0.02
        grey = photo @ np.array([0.299, 0.587, 0.114]) / 255
        assert np.abs(grey - (small["albedo"] * small["shading"])[i, 0]).max() < 0.51 / 255
    assert np.array_equal(few.image(-1), few.image(11))
    with pytest.raises(IndexError):
        few.image(12)


def test_sizes_show_the_same_scene(fields: Fields) -> None:
    large = known(read(20), size=128)
    for name in ("shading", "value", "saturation"):  # hues do not mix within a pixel: albedo is not quite a mean at edges
        small = large[name].reshape(20, 1, 32, 4, 32, 4).mean((3, 5))
        assert np.abs(small - fields[name][:20]).mean() < 0.01


def test_light_leaves_albedo_and_saturation_leaves_value() -> None:
    first, second = read(20), read(20)
    before = known(first)
    second.drawn["shading"] = second.pooled("shading", 1)
    relit = known(second)
    assert np.array_equal(relit["albedo"], before["albedo"])
    assert np.abs(relit["shading"] - before["shading"]).mean((1, 2, 3)).min() > 0.005
    second.drawn |= {"shading": first.drawn["shading"], "saturation": second.pooled("saturation", 1)}
    resaturated = known(second)
    assert np.array_equal(resaturated["value"], before["value"])
    assert np.abs(resaturated["saturation"] - before["saturation"]).mean((1, 2, 3)).min() > 0.001


def test_pools_are_the_fields_of_their_draws() -> None:
    records = read(9, seed=3)
    pools = {name: records.pool(name, 4) for name in ("shading", "saturation", "flow")}
    for name, channels in (("shading", 1), ("saturation", 1), ("flow", 2)):
        assert pools[name].shape == (9, 4, channels, 32, 32)
        assert np.array_equal(pools[name], records.pool(name, 4))
    pooled = {name: records.pooled(name, 4) for name in pools}
    frame = known(records, "frame")["frame"]
    records.drawn["flow"] = pooled["flow"]
    assert np.array_equal(frame, known(records, "frame", "flow")["frame"])
    for m in range(4):
        records.drawn = {name: Draws(of.mode[:, m : m + 1], of.value[:, m : m + 1]) for name, of in pooled.items()}
        drawn = known(records, *pools)
        assert all(np.array_equal(pools[name][:, m], drawn[name]) for name in pools)


def chi_square(counts: np.ndarray, expected: np.ndarray) -> float:
    """The statistic divided by its degrees of freedom: about 1 where the counts follow what is expected."""
    enough = expected > 5
    return float(((counts - expected)[enough] ** 2 / expected[enough]).sum() / (enough.sum() - len(counts)))


def stated_and_drawn(records: SceneRecords, draws: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each thing that is drawn, the stated probabilities (N, K) and the modes (N, draws) in a pool, or of the scene."""
    drawn = {name: records.pooled(name, draws) for name in records.drawn} if draws else records.drawn
    light, materials, motions = (drawn[name].mode for name in ("shading", "saturation", "flow"))
    world = records.world
    saturation, motion = saturation_probabilities(world), motion_probabilities(world)
    return {
        "light": (light_probabilities(world), light),
        **{f"material {i}": (saturation[:, i], materials[:, :, i]) for i in range(6)},
        **{f"mover {i}": (motion[:, i], motions[:, :, i]) for i in range(5)},
    }


def test_draws_follow_the_stated_probabilities(train: SceneRecords) -> None:
    draws = 2000
    for name, (stated, modes) in stated_and_drawn(train, draws).items():
        assert stated.shape == (200, 4 if name == "light" else 3)
        np.testing.assert_allclose(stated.sum(-1), 1)
        assert ((stated > 0.05).sum(1) >= 2).all() or "material" in name  # every scene has several modes
        counts = np.stack([(modes == m).sum(1) for m in range(stated.shape[1])], 1)
        assert 0.75 < chi_square(counts, stated * draws) < 1.25, name
        if name == "light":
            assert chi_square(counts, np.roll(stated, 1, 0) * draws) > 10  # another scene's probabilities do not fit
            assert np.median((stated > 0.05).sum(1)) >= 3
    motions = train.pooled("flow", draws)
    speed = np.sqrt((motions.value.astype(float) ** 2).sum(-1))
    assert (speed[motions.mode == 1] == 0).all()
    assert speed[motions.mode != 1].min() > 0.24


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
    world.panels[0, 1:3] = [0.4, 0.6]
    world.spheres[0, 0] = [0.8, 0.6, 0, 0.6]
    world.boxes[0, 1, 2], world.boxes[0, 1, 4] = -1, 0.7
    stated = motion_probabilities(world)[0]
    for mover, logits in ((0, [-0.8, 0.5, 0.8]), (1, [0.8, 0.6, -0.8]), (4, [1.5, 1.0, -1.5])):
        np.testing.assert_allclose(stated[mover], np.exp(logits) / np.exp(logits).sum(), atol=1e-5)


def test_training_draws_follow_the_same_probabilities() -> None:
    for name, (stated, modes) in stated_and_drawn(read(8192), 0).items():
        drawn = modes[:, 0]
        counts = np.bincount(drawn, minlength=stated.shape[1])
        spread = np.sqrt((stated * (1 - stated)).sum(0))
        assert (np.abs(counts - stated.sum(0)) < 4 * spread).all(), name
        own = np.log(stated[np.arange(len(drawn)), drawn]).mean()
        entropy = (stated * np.log(stated)).sum(1).mean()
        assert abs(own - entropy) < 0.03, name  # the draws know their own scene ...
        assert own > np.log(stated.mean(0))[drawn].mean() + (0.1 if name == "light" else 0.02)  # ... which tells much


def test_modes_of_light_are_further_apart_than_draws_within_one() -> None:
    draws = 40
    records = read(40)
    shading, mode = records.pool("shading", draws), records.pooled("shading", draws).mode
    within, between = [], []
    for pool, modes in zip(shading.reshape(40, draws, -1), mode, strict=True):
        distance = ((pool[:, None] - pool[None]) ** 2).mean(-1)
        same = modes[:, None] == modes[None]
        within.append(distance[same & ~np.eye(draws, dtype=bool)].mean())
        between.append(distance[~same].mean())
    assert np.mean(between) > 3 * np.mean(within)


def test_light_falls_from_its_side_and_casts_shadows() -> None:
    """On the floor and on single spheres, where it is plain what must be bright."""
    records = read(400)
    alone = np.flatnonzero((records.world.objects == [1, 0]).all(1))
    hits = render.trace(records.world.take(alone), 32)
    rays = hits.surface.reshape(-1, 4, 32, 32) % 17
    light = records.drawn["shading"]
    shading = render.shade(hits, light.value[alone, 0])[:, 0]
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
        ambient = light.value[scene, 0, 3]
        if mode in ("left", "right") and abs(records.world.spheres[scene, 0, 0]) < 0.6:
            assert abs(shading[i][floor].min() - ambient) < 1e-5
            assert np.median(shading[i][floor]) > ambient + 0.1
    assert checked == set(LIGHTS)


def test_importing_imports_nothing_heavy() -> None:
    code = (
        "import sys, zoo_data.scenes, zoo_data.folder, zoo_data.coco, zoo_data.video;"
        "print([m for m in ('torch', 'cv2', 'PIL', 'scipy', 'safetensors') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
