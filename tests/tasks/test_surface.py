"""Shapes as functions on the sphere and back, and the simple solids."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import shared_data

from zoo import voxel_picture
from zoo.utils.errors import RequestError
from zoo_data.solids import CLASSES, Solids
from zoo_tasks.harmonics import DEGREES, analyse, synthesise
from zoo_tasks.surface import extents, frame_of, overlap, solid


@pytest.fixture(scope="module")
def things() -> np.ndarray:
    return Solids("20").read("train").voxels


def ball(side: int, radius: float) -> np.ndarray:
    at = np.arange(side) - side // 2
    x, y, z = np.meshgrid(at, at, at, indexing="ij")
    return x**2 + y**2 + z**2 <= radius**2


def test_a_ball_reaches_equally_far_everywhere() -> None:
    functions, frame = extents(ball(33, 12)[None], 32)
    assert frame.centre.tolist() == [[16, 16, 16]]
    assert frame.radius[0] == 12.5
    assert functions.min() > 0.85
    assert functions.max() == 1


def test_a_voxel_is_seen_in_its_own_direction_alone() -> None:
    grid = np.zeros((1, 17, 17, 17), bool)
    grid[0, 8 - 6, 8, 8] = grid[0, 8 + 6, 8, 8] = True  # both on the first axis: theta = 90 degrees, phi = 0 and 180
    function = extents(grid, 64)[0][0]
    assert function[63:65, 0].tolist() == [1, 1]
    assert function[63:65, 64].tolist() == [1, 1]
    assert not function[:, 32].any()
    assert not function[:50].any()
    assert 0 < (function > 0).mean() < 0.02


def test_a_shape_that_is_shifted_keeps_its_function_and_one_that_is_turned_rolls_it(things: np.ndarray) -> None:
    grid = np.zeros((40, 40, 40), bool)
    grid[4:36, 4:36, 4:36] = things[4]  # a chair
    functions, frames = extents(np.stack([grid, np.roll(grid, (3, -2, 1), (0, 1, 2)), np.rot90(grid)]), 64)
    np.testing.assert_array_equal(functions[0], functions[1])
    assert (frames.centre[1] - frames.centre[0]).tolist() == [3, -2, 1]
    turned = np.roll(functions[0], 32, axis=1)
    assert np.abs(functions[2] - turned).mean() < 0.03 < np.abs(functions[2] - functions[0]).mean()


def test_the_solid_of_the_function_holds_the_voxels(things: np.ndarray) -> None:
    functions, frame = extents(things)
    made = solid(functions, frame, 32)
    held = (made & things).sum((1, 2, 3)) / things.sum((1, 2, 3))
    assert held.min() > 0.93
    convex = [i for i in range(20) if i % 5 < 3]  # boxes, ellipsoids and cylinders are star-shaped
    assert overlap(made, things)[convex].min() > 0.9


def test_more_degrees_give_more_of_the_shape(things: np.ndarray) -> None:
    functions, frame = extents(things)
    maps, whole = analyse(functions), solid(functions, frame, 32)
    scores = [overlap(solid(synthesise(maps[:, :k, :k], DEGREES), frame, 32), whole).mean() for k in (4, 16, 64, 128)]
    assert scores == sorted(scores)
    assert scores[0] < 0.75
    assert scores[2] > 0.93


def test_a_batch_is_what_its_shapes_are_one_by_one(things: np.ndarray) -> None:
    together, frame = extents(things, 32)
    for i in (0, 7, 19):
        alone, one = extents(things[i : i + 1], 32)
        np.testing.assert_array_equal(alone[0], together[i])
        assert one.radius[0] == frame.radius[i]


def test_empty_full_and_single_voxels_are_ordinary() -> None:
    grids = np.zeros((3, 8, 8, 8), bool)
    grids[1] = True
    grids[2, 0, 0, 0] = True
    functions, frame = extents(grids, 16)
    assert not functions[0].any()
    assert frame.radius[0] == 0
    assert (functions[2] == 1).all()
    assert frame.radius[2] == 0.5
    assert functions[1].min() > 0.4
    made = solid(functions, frame, 8)
    assert not made[0].any()
    assert made[1].mean() > 0.95
    np.testing.assert_array_equal(made[2], grids[2])
    assert overlap(grids[:1], grids[:1])[0] == 1
    assert extents(np.ones((1, 1, 1, 1), bool), 4)[0].min() == 1


@pytest.mark.parametrize("wrong", [np.zeros((4, 4, 4), bool), np.zeros((1, 4, 4, 5), bool), np.zeros((1, 4, 4, 4))])
def test_what_is_no_grid_of_voxels_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(RequestError, match="bool"):
        frame_of(wrong)


def test_pictures_show_the_shape_on_white(things: np.ndarray) -> None:
    chair = voxel_picture(things[4])
    assert chair.shape == (128, 128, 3)
    shown = (chair < 255).any(-1)
    assert 0.1 < shown.mean() < 0.6
    assert len(np.unique(chair[shown], axis=0)) > 20  # shaded
    full = (voxel_picture(np.ones((8, 8, 8), bool)) < 255).any(-1)
    rows = np.flatnonzero(full.any(1))
    assert all(np.ptp(np.flatnonzero(full[row])) + 1 == full[row].sum() for row in rows)  # without holes
    assert (voxel_picture(np.zeros((8, 8, 8), bool)) == 255).all()


def test_solids_follow_from_seed_and_split_and_have_classes() -> None:
    few, more, other = (Solids(n).read("train", seed=seed) for n, seed in (("7", 3), ("20", 3), ("7", 4)))
    np.testing.assert_array_equal(few.array("voxels"), more.voxels[:7])
    assert (other.voxels != few.voxels).any((1, 2, 3)).all()
    assert len({few.digest, more.digest, other.digest, Solids("7").read("test", seed=3).digest}) == 4
    assert (more.attributes.names, more.attributes.exclusive) == (CLASSES, True)
    assert more.attributes.values.sum(0).tolist() == [4] * 5
    assert more.voxels.any((1, 2, 3)).all()
    for wrong in ("0", "-3", "many"):
        with pytest.raises(RequestError, match="solids:N"):
            Solids(wrong)


def test_real_shapes_keep_what_can_be_seen_from_their_centre() -> None:
    with np.load(shared_data("modelnet10") / "chair.npz") as file:
        grids = file["voxels"][:24, 0]
    grids = grids[grids.any((1, 2, 3))]  # one chair is empty
    functions, frame = extents(grids)
    whole = solid(functions, frame, 32)
    held = (whole & grids).sum((1, 2, 3)) / grids.sum((1, 2, 3))
    assert held.mean() > 0.95
    cut = solid(synthesise(analyse(functions, 64), DEGREES), frame, 32)
    assert overlap(cut, whole).mean() > 0.9
