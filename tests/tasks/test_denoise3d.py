"""denoise3d: exact maps and their way back, corruption that follows from the settings, and shapes given by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from zoo.contracts import make
from zoo.utils.errors import RequestError
from zoo_data.scenes import Scenes
from zoo_data.solids import Solids
from zoo_tasks.denoise3d import Denoise3d
from zoo_tasks.harmonics import analyse
from zoo_tasks.spectra import ZERO, Harmonics, Spectrum, Zernike, in_ball, moments
from zoo_tasks.surface import extents, overlap

DATA = Solids("15")
CHAIR = DATA.read("train").voxels[4]


@pytest.fixture(params=["harmonics", "zernike"])
def spectrum(request: pytest.FixtureRequest) -> Spectrum:
    return Zernike() if request.param == "zernike" else Harmonics()


def test_maps_go_back_to_their_coefficients(spectrum: Spectrum, monkeypatch: pytest.MonkeyPatch) -> None:
    grids = DATA.read("train").voxels
    wanted = spectrum.coefficients(grids)
    if isinstance(spectrum, Harmonics):
        np.testing.assert_allclose(wanted, analyse(extents(grids)[0])[:, :64, :64], atol=1e-12)
    else:
        np.testing.assert_allclose(wanted.reshape(15, 100), moments(in_ball(grids)), atol=1e-12)
    maps = spectrum.maps(grids)
    assert 0 < maps.min() < 0.45
    assert 0.55 < maps.max() < 1
    back = []
    monkeypatch.setattr(spectrum, "shapes", lambda values: back.append(values) or np.zeros(1, bool))
    spectrum.solids(spectrum.expand(maps))
    assert np.abs(back[0] - wanted).max() < 2e-6  # single precision


def test_noise_is_as_large_beside_every_degree() -> None:
    maps = Harmonics().maps(Solids("100").read("train").voxels) - ZERO
    spread = [np.sqrt((maps[:, : l + 1, l] ** 2).mean()) for l in range(3, 64)]  # noqa: E741
    assert max(spread) / min(spread) < 2.5


def test_a_clean_map_gives_the_shape_back(spectrum: Spectrum) -> None:
    grids = DATA.read("train").voxels[[0, 1, 2, 4]]
    made = spectrum.solids(spectrum.expand(spectrum.maps(grids)))
    score = overlap(made, in_ball(grids))
    assert score[:3].min() > (0.95 if isinstance(spectrum, Harmonics) else 0.8)
    assert score[3] > (0.6 if isinstance(spectrum, Harmonics) else 0.3)
    other = spectrum.solids(spectrum.expand(spectrum.maps(grids[::-1])))
    assert overlap(other, in_ball(grids))[:1] < score[0]


def test_an_empty_and_a_full_shape_have_maps_and_pictures(spectrum: Spectrum) -> None:
    task = Denoise3d(moments="zernike" if isinstance(spectrum, Zernike) else "harmonics", noise=0, masked=0)
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
    pairs = task.pairs(DATA, "train")
    hidden = pairs.x[:, 0] == ZERO
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
    want = in_ball(DATA.read("train").voxels)
    clean, spoilt = (overlap(task.spectrum.solids(one.numpy()), want).mean() for one in (pairs.y, pairs.x))
    assert spoilt < clean - 0.1


def test_shapes_come_from_arrays_and_files(tmp_path: Path) -> None:
    task = Denoise3d()
    np.save(tmp_path / "one.npy", CHAIR)
    np.savez(tmp_path / "one.npz", whatever=CHAIR.astype(np.uint8))
    np.savez(tmp_path / "many.npz", voxels=np.stack([~CHAIR, CHAIR])[:, None], other=np.zeros(3))
    files = (tmp_path / "one.npy", str(tmp_path / "one.npz"), f"{tmp_path}/many.npz:1")
    for given in (CHAIR, CHAIR[None], CHAIR.astype(float), *files):
        np.testing.assert_array_equal(task.read(given), CHAIR)


def test_what_is_no_shape_is_refused_with_what_would_be_right(tmp_path: Path) -> None:
    task = Denoise3d()
    np.savez(tmp_path / "many.npz", voxels=np.zeros((2, 4, 4, 4), bool))
    np.savez(tmp_path / "others.npz", a=np.zeros(3), b=np.zeros(3))
    (tmp_path / "broken.npz").write_bytes(b"PK nothing")
    cases = {
        tmp_path / "none.npy": "none.npy",
        tmp_path / "none.npz": "No such file",
        tmp_path / "broken.npz": "cannot read",
        tmp_path / "many.npz": "name one of them",
        f"{tmp_path}/many.npz:2": "no number 2",
        tmp_path / "others.npz": "called voxels",
    }
    for given, message in cases.items():
        with pytest.raises(RequestError, match=message):
            task.read(given)
    for wrong in (3, np.zeros((4, 4), bool), np.zeros((4, 4, 5), bool), np.full((4, 4, 4), 0.5), np.zeros((0, 0, 0), bool)):
        with pytest.raises(RequestError):
            task.read(wrong)
    for wrong in ("chair", np.zeros((4, 4, 4)), np.zeros((4, 4), bool)):
        with pytest.raises(RequestError):
            task.condition(wrong)
    with pytest.raises(RequestError, match="no shapes"):
        task.pairs(Scenes("4"), "train")


@pytest.mark.parametrize(
    "config", [{"size": 4}, {"size": 256}, {"masked": 1}, {"noise": -1}, {"moments": "fourier"}, {"seed": -1}]
)
def test_settings_out_of_range_are_refused(config: dict) -> None:
    with pytest.raises(RequestError, match=next(iter(config))):
        Denoise3d(**config)
