"""3D shapes as functions on the sphere and as spectral maps, and back; denoise3d: corruption, and shapes given by hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from shared import shared_data

from zoo import voxel_picture
from zoo.contracts import make
from zoo.utils.errors import RequestError
from zoo_data.scenes import Scenes
from zoo_data.solids import CLASSES, Solids
from zoo_tasks.denoise3d import Denoise3d
from zoo_tasks.harmonics import DEGREES, analyse, synthesise
from zoo_tasks.spectra import ZERO, Harmonics, Spectrum, Zernike, in_ball
from zoo_tasks.surface import extents, frame_of, solid

DATA = Solids("15")
THINGS = Solids("20").read("train").voxels
CHAIR = THINGS[4]


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(N,) the intersection over the union of grids (N, s, s, s)."""
    return (first & second).sum((1, 2, 3)) / (first | second).sum((1, 2, 3))


def test_a_ball_reaches_equally_far_everywhere() -> None:
    x, y, z = np.mgrid[-16:17, -16:17, -16:17]
    functions, frame = extents((x**2 + y**2 + z**2 <= 12**2)[None], 32)
    assert (frame.centre.tolist(), frame.radius.tolist()) == ([[16, 16, 16]], [12.5])
    assert 0.85 < functions.min() < functions.max() == 1


def test_a_voxel_is_seen_in_its_own_direction_alone() -> None:
    grid = np.zeros((1, 17, 17, 17), bool)
    grid[0, 8 - 6, 8, 8] = grid[0, 8 + 6, 8, 8] = True  # both on the first axis: theta = 90 degrees, phi = 0 and 180
    function = extents(grid, 64)[0][0]
    assert (function[63:65, [0, 64]] == 1).all()
    assert not function[:, 32].any()
    assert not function[:50].any()
    assert 0 < (function > 0).mean() < 0.02


def test_a_shape_that_is_shifted_keeps_its_function_and_one_that_is_turned_rolls_it() -> None:
    grid = np.zeros((40, 40, 40), bool)
    grid[4:36, 4:36, 4:36] = THINGS[4]  # a chair
    functions, frames = extents(np.stack([grid, np.roll(grid, (3, -2, 1), (0, 1, 2)), np.rot90(grid)]), 64)
    np.testing.assert_array_equal(functions[0], functions[1])
    assert (frames.centre[1] - frames.centre[0]).tolist() == [3, -2, 1]
    turned = np.roll(functions[0], 32, axis=1)
    assert np.abs(functions[2] - turned).mean() < 0.03 < np.abs(functions[2] - functions[0]).mean()


def test_the_solid_of_the_function_holds_the_voxels() -> None:
    functions, frame = extents(THINGS)
    made = solid(functions, frame, 32)
    assert ((made & THINGS).sum((1, 2, 3)) / THINGS.sum((1, 2, 3))).min() > 0.93
    convex = [i for i in range(20) if i % 5 < 3]  # boxes, ellipsoids and cylinders are star-shaped
    assert overlap(made, THINGS)[convex].min() > 0.9


def test_more_degrees_give_more_of_the_shape() -> None:
    functions, frame = extents(THINGS)
    maps, whole = analyse(functions), solid(functions, frame, 32)
    scores = [overlap(solid(synthesise(maps[:, :k, :k], DEGREES), frame, 32), whole).mean() for k in (4, 16, 64, 128)]
    assert scores == sorted(scores)
    assert scores[0] < 0.75 < 0.93 < scores[2]


def test_empty_full_and_single_voxels_are_ordinary() -> None:
    grids = np.zeros((3, 8, 8, 8), bool)
    grids[1] = True
    grids[2, 0, 0, 0] = True
    functions, frame = extents(grids, 16)
    assert (frame.radius[0], frame.radius[2]) == (0, 0.5)
    assert functions.max((1, 2)).tolist() == [0, 1, 1]
    assert 0.4 < functions[1].min() < functions[2].min() == 1
    made = solid(functions, frame, 8)
    assert not made[0].any()
    assert made[1].mean() > 0.95
    np.testing.assert_array_equal(made[2], grids[2])
    assert extents(np.ones((1, 1, 1, 1), bool), 4)[0].min() == 1


@pytest.mark.parametrize("wrong", [np.zeros((4, 4, 4), bool), np.zeros((1, 4, 4, 5), bool), np.zeros((1, 4, 4, 4))])
def test_what_is_no_grid_of_voxels_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(RequestError, match="bool"):
        frame_of(wrong)


def test_pictures_show_the_shape_on_white() -> None:
    chair = voxel_picture(THINGS[4])
    assert chair.shape == (128, 128, 3)
    shown = (chair < 255).any(-1)
    assert 0.1 < shown.mean() < 0.6
    assert len(np.unique(chair[shown], axis=0)) > 20  # shaded
    full = (voxel_picture(np.ones((8, 8, 8), bool)) < 255).any(-1)
    rows = np.flatnonzero(full.any(1))
    assert all(np.ptp(np.flatnonzero(full[row])) + 1 == full[row].sum() for row in rows)  # without holes
    assert (voxel_picture(np.zeros((8, 8, 8), bool)) == 255).all()


def test_solids_are_of_as_many_classes() -> None:
    attributes = Solids("20").read("train").attributes
    assert (attributes.names, attributes.exclusive) == (CLASSES, True)
    assert attributes.values.sum(0).tolist() == [4] * 5
    assert THINGS.any((1, 2, 3)).all()


def test_real_shapes_keep_what_can_be_seen_from_their_centre() -> None:
    with np.load(shared_data("modelnet10") / "chair.npz") as file:
        grids = file["voxels"][:24, 0]
    grids = grids[grids.any((1, 2, 3))]  # one chair is empty
    functions, frame = extents(grids)
    whole = solid(functions, frame, 32)
    assert ((whole & grids).sum((1, 2, 3)) / grids.sum((1, 2, 3))).mean() > 0.95
    cut = solid(synthesise(analyse(functions, 64), DEGREES), frame, 32)
    assert overlap(cut, whole).mean() > 0.9


@pytest.fixture(params=[Harmonics, Zernike])
def spectrum(request: pytest.FixtureRequest) -> Spectrum:
    return request.param()


def test_maps_go_back_to_their_coefficients(spectrum: Spectrum, monkeypatch: pytest.MonkeyPatch) -> None:
    grids = THINGS[:15]
    wanted = spectrum.coefficients(grids)
    maps = spectrum.maps(grids)
    assert 0 < maps.min() < 0.45 < 0.55 < maps.max() < 1
    back = []
    monkeypatch.setattr(spectrum, "shapes", lambda values: back.append(values) or np.zeros(1, bool))
    spectrum.solids(spectrum.expand(maps))
    assert np.abs(back[0] - wanted).max() < 2e-6  # single precision


def test_noise_is_as_large_beside_every_degree() -> None:
    maps = Harmonics().maps(Solids("100").read("train").voxels) - ZERO
    spread = [np.sqrt((maps[:, : l + 1, l] ** 2).mean()) for l in range(3, 64)]  # noqa: E741
    assert max(spread) / min(spread) < 2.5


def test_a_clean_map_gives_the_shape_back(spectrum: Spectrum) -> None:
    grids = THINGS[[0, 1, 2, 4]]
    made = spectrum.solids(spectrum.expand(spectrum.maps(grids)))
    score, (simple, chair) = overlap(made, in_ball(grids)), (0.95, 0.6) if isinstance(spectrum, Harmonics) else (0.8, 0.3)
    assert score[:3].min() > simple
    assert score[3] > chair
    other = spectrum.solids(spectrum.expand(spectrum.maps(grids[::-1])))
    assert overlap(other, in_ball(grids))[:1] < score[0]


def test_an_empty_and_a_full_shape_have_maps_and_pictures(spectrum: Spectrum) -> None:
    task = Denoise3d(moments=type(spectrum).__name__.lower(), noise=0, masked=0)
    for filled in (False, True):
        x, context = task.condition(np.full((6, 6, 6), filled))
        assert torch.isfinite(x).all()
        picture = task.compose(context, x[None])
        assert bool((picture == 255).all()) is not filled
    assert (spectrum.maps(np.zeros((1, 6, 6, 6), bool)) == ZERO).all()


@pytest.mark.parametrize(
    ("config", "shape"), [({}, (1, 64, 64)), ({"size": 32}, (1, 32, 32)), ({"moments": "zernike"}, (1, 32, 32))]
)
def test_pairs_are_corrupted_and_clean_maps(config: dict, shape: tuple[int, ...]) -> None:
    task = make.task("denoise3d", **config)
    pairs = task.pairs(DATA, "train")
    assert pairs.x_shape == pairs.y_shape == shape
    assert not torch.equal(pairs.x, pairs.y)
    other = make.task("denoise3d", seed=1, **config).pairs(DATA, "train")
    torch.testing.assert_close(other.y, pairs.y, atol=0, rtol=0)
    assert not torch.equal(other.x, pairs.x)


@pytest.mark.parametrize("masked", [0.0, 0.25, 0.5])
def test_the_asked_share_is_masked_in_blocks(masked: float) -> None:
    task = Denoise3d(noise=0.02, masked=masked)
    hidden = task.pairs(DATA, "train").x[:, 0] == ZERO
    assert hidden.float().mean() == pytest.approx(masked, abs=0.01)
    blocks = hidden.unfold(1, 8, 8).unfold(2, 8, 8).float().mean((-2, -1))
    assert ((blocks > 0.99) | (blocks < 0.1)).all()
    if masked:
        assert len({one.numpy().tobytes() for one in hidden}) == 15  # at other places for each shape


def test_the_noise_has_the_asked_size() -> None:
    clean, noisy = (Denoise3d(noise=sigma, masked=0).pairs(DATA, "train") for sigma in (0.0, 0.02))
    assert torch.equal(clean.x, clean.y)
    assert (noisy.x - noisy.y).std().item() == pytest.approx(0.02, rel=0.02)
    assert abs((noisy.x - noisy.y).mean().item()) < 1e-3


def test_a_corrupted_map_shows_less_of_the_shape_than_the_clean_one() -> None:
    task = Denoise3d()
    pairs = task.pairs(DATA, "train")
    want = in_ball(THINGS[:15])
    clean, spoilt = (overlap(task.spectrum.solids(one.numpy()), want).mean() for one in (pairs.y, pairs.x))
    assert spoilt < clean - 0.1


def test_shapes_come_from_arrays_and_files(tmp_path: Path) -> None:
    task = Denoise3d()
    np.save(tmp_path / "one.npy", CHAIR)
    np.savez(tmp_path / "one.npz", whatever=CHAIR.astype(np.uint8))
    np.savez(tmp_path / "many.npz", voxels=np.stack([~CHAIR, CHAIR])[:, None], other=np.zeros(3))
    np.save(tmp_path / "many.npy", np.stack([~CHAIR, CHAIR]))
    (tmp_path / "many.npy").rename(tmp_path / "many.NPY")
    np.save(tmp_path / "2:1.npy", CHAIR[..., None])
    files = (*(tmp_path / name for name in ("one.npy", "2:1.npy")), str(tmp_path / "one.npz"), f"{tmp_path}/many.npz:1")
    for given in (CHAIR, CHAIR[None], CHAIR.astype(float), *files, f"{tmp_path}/many.NPY:1"):
        np.testing.assert_array_equal(task.read(given), CHAIR)


def test_what_is_no_shape_is_refused_with_what_would_be_right(tmp_path: Path) -> None:
    task = Denoise3d()
    np.savez(tmp_path / "many.npz", voxels=np.zeros((2, 4, 4, 4), bool))
    np.savez(tmp_path / "others.npz", a=np.zeros(3), b=np.zeros(3))
    (tmp_path / "broken.npz").write_bytes(b"PK nothing")
    np.savez(tmp_path / "words.npz", voxels=np.array(["a"]))
    os.mkfifo(tmp_path / "pipe.npy")
    cases = {
        tmp_path / "none.npy": "none.npy",
        tmp_path / "none.npz": "No such file",
        tmp_path / "broken.npz": "cannot read",
        tmp_path / "words.npz": "it holds <U1, not numbers",
        tmp_path / "pipe.npy": "cannot read .*: it is a named pipe",
        "": "the path is ''",
        f"{tmp_path}/many.npz:\u00b2": "No such file",
        tmp_path / "many.npz": "name one of them",
        f"{tmp_path}/many.npz:2": "no number 2",
        tmp_path / "others.npz": "called voxels",
    }
    for given, message in cases.items():
        with pytest.raises(RequestError, match=message):
            task.read(given)
    wrong = (
        3,
        np.zeros((4, 4), bool),
        np.zeros((4, 4, 5), bool),
        np.full((4, 4, 4), 0.5),
        np.zeros((0, 0, 0), bool),
        np.full((4, 4, 4), "a"),
    )
    for take, given in [*((task.read, one) for one in wrong), *((task.condition, one) for one in ("chair", *wrong))]:
        with pytest.raises(RequestError):
            take(given)
    with pytest.raises(RequestError, match="no shapes"):
        task.pairs(Scenes("4"), "train")


@pytest.mark.parametrize(
    "config", [{"size": 4}, {"size": 256}, {"masked": 1}, {"noise": -1}, {"moments": "fourier"}, {"seed": -1}]
)
def test_settings_out_of_range_are_refused(config: dict) -> None:
    with pytest.raises(RequestError, match=next(iter(config))):
        Denoise3d(**config)
