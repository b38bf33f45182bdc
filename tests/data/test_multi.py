"""``multi:DIR``: scenes of many pictures, split by scene, aligned, masked, and answers to one question."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from datafiles import records_of, refused, save

from zoo import Image
from zoo.contracts import make
from zoo_data.multi import shifts

SCENE = cv2.GaussianBlur(np.random.default_rng(0).integers(20, 200, (60, 80, 3), dtype=np.uint8), (0, 0), 1.5)


def lit(level: float, right: int = 0) -> Image:
    """The scene under other light, seen by a camera that moved to the left by so many pixels."""
    return np.clip(np.roll(SCENE, right, 1) * level, 0, 250).astype(np.uint8)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    for scene, right in (("a", 2), ("b", 0)):
        for i, level in enumerate((0.6, 0.8, 1.0, 1.2)):
            turned = lit(level, right * (i == 1))
            save(tmp_path / scene / f"{i}.png", turned if scene == "a" else turned[::-1])
    return tmp_path


def test_pictures_of_a_scene_are_moved_onto_each_other(scenes: Path) -> None:
    records = records_of("multi", scenes, "test")
    assert records.names == [f"{scene}/{i}.png" for scene in "ab" for i in range(4)]
    assert records.groups == ["a"] * 4 + ["b"] * 4
    moved = np.round(records.moved * [80, 60], 1)
    assert (moved[[0, 2, 3, 4, 5, 6, 7]] == 0).all()
    np.testing.assert_allclose(moved[1], [-2, 0], atol=0.3)
    inside = (slice(8, -8), slice(8, -8))
    apart = np.abs(records.image(1)[inside] / 0.8 - records.image(2)[inside]).mean()
    assert apart < 0.2 * np.abs(lit(1.0, 2)[inside].astype(float) - lit(1.0)[inside]).mean()


def test_half_a_pixel_and_another_picture_are_not_moved() -> None:
    edges = [cv2.GaussianBlur(np.random.default_rng(i).random((64, 64), np.float32), (0, 0), 2) for i in (1, 1, 1, 2)]
    edges[1] = (edges[1] + np.roll(edges[1], 1, 1)) / 2
    assert (shifts(edges) == 0).all()


def test_each_picture_is_an_item_and_the_others_are_its_draws(scenes: Path) -> None:
    data = make.data(f"multi:{scenes}")
    for task in ("relight", "resaturate"):
        pairs = make.task(task, size=8).pairs(data, "test", pool=20)
        assert pairs.pool.shape == (8, 3, 1, 8, 8)  # as many as there are
        for i in range(8):
            others = {j for j in range(8) if j // 4 == i // 4} - {i}
            found = [(pairs.y[list(others)] == draw).flatten(1).all(1).nonzero()[0].item() for draw in pairs.pool[i]]
            assert len(set(found)) == 3
        fewer = make.task(task, size=8).pairs(data, "test", seed=5, pool=2)
        assert torch.equal(fewer.pool, pairs.pool[:, :2])
        assert torch.equal(fewer.y, pairs.y)
        assert (pairs.truth, make.task(task, size=8).pairs(data, "test").pool) == (None, None)
    assert make.task("colorize", size=8).pairs(data, "test", pool=3).pool is None  # their lightness is another


def test_what_is_saturated_or_off_the_object_is_black_and_known(scenes: Path) -> None:
    for i in range(4):
        bright = lit(0.5 + i / 4)
        bright[:20, :30] = 255 if i else 90
        save(scenes / "b" / f"{i}.png", bright)
    mask = np.zeros((60, 80), np.uint8)
    mask[15:45, 20:60] = 255
    save(scenes / "a" / "mask.png", mask)
    records = records_of("multi", scenes, "test")
    assert records.names == [f"{scene}/{i}.png" for scene in "ab" for i in range(4)]
    assert records.image(0).shape == (30, 40, 3)  # the object alone
    black = (records.image(4) == 0).all(-1)
    assert (black[:19, :29].all(), black[21:].any(), black[:, 31:].any()) == (True, False, False)
    pairs = make.task("relight", size=8).pairs(make.data(f"multi:{scenes}"), "test", pool=3)
    assert (pairs.y[4:, :, :2, :2] == 0).all()
    assert (pairs.pool[4:, :, :, :2, :2] == 0).all()
    assert (pairs.y[:, :, 4:, 4:] > 0).all()


def test_scenes_are_what_is_split(scenes: Path) -> None:
    with refused(r"there is no train/.*zoo run --checkpoint NAME --data multi:.*; DIR has a folder for each scene"):
        records_of("multi", scenes)
    for split, scene in (("train", "a"), ("test", "b")):
        (scenes / split).mkdir()
        (scenes / scene).rename(scenes / split / scene)
    assert {*records_of("multi", scenes).groups} == {"a"}
    assert {*records_of("multi", scenes, "test", 7).groups} == {"b"}


def test_lights_are_its_pictures_and_16_bits_are_linear(tmp_path: Path) -> None:
    linear = (np.random.default_rng(0).random((40, 40, 3)) * 65535).astype(np.uint16)
    for scene in ("apple", "box"):
        (tmp_path / scene).mkdir()
        for name in ("light01", "light02", "reflectance", "shading", "original"):
            cv2.imwrite(str(tmp_path / scene / f"{name}.png"), linear)
    records = records_of("multi", tmp_path, "test")
    assert records.names == [f"{scene}/light0{i}.png" for scene in ("apple", "box") for i in (1, 2)]
    shares = linear[..., ::-1] / 65535
    wanted = np.where(shares > 0.0031308, 1.055 * shares ** (1 / 2.4) - 0.055, 12.92 * shares) * 255
    assert np.abs(records.image(0) - wanted)[records.image(0) > 0].max() < 0.51


@pytest.mark.filterwarnings("ignore:left out")
def test_what_is_no_scene_is_left_out_or_refused(scenes: Path) -> None:
    save(scenes / "loose.png", lit(1.0))
    save(scenes / "alone" / "one.png", lit(1.0))
    save(scenes / "a" / "large.png", np.kron(lit(1.0), np.ones((2, 2, 1), np.uint8)))
    data = make.data(f"multi:{scenes}")
    assert len(data.read("test")) == 8
    assert {name: data.skipped[name].split()[-1] for name in data.skipped} == {
        "loose.png": "scene", "alone/one.png": "picture", "a/large.png": "scene"
    }  # fmt: skip
    with refused("no scene has two pictures of one size"):
        records_of("multi", save(scenes / "other" / "x" / "one.png", lit(1.0)).parents[1], "test")
