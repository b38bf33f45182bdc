"""The ground of several families: LPP and its neighbour graph, and the decoder's part that many codes of an item share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import eigh
from torch.nn import functional as F

from zoo_networks.lpp import Embedding, lpp, nearest
from zoo_networks.unet import Decoder, Encoder


def curve(items: int = 400, features: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points along one noisy direction that carries meaning among louder directions that do not."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(-1, 1, items)
    basis = np.linalg.qr(rng.normal(size=(features, features)))[0]
    points = 3 * t[:, None] * basis[:1] + 0.3 * rng.normal(size=(items, 3)) @ basis[1:4]
    return points.astype(np.float32), t


def test_neighbours_are_nearly_all_the_true_ones() -> None:
    points = np.random.default_rng(0).normal(size=(2000, 16)).astype(np.float32)
    squared, index = nearest(points, 10, 0)
    full = ((points[:, None] - points[None]) ** 2).sum(2)
    np.fill_diagonal(full, np.inf)
    true = np.argsort(full, 1)[:, :10]
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(index, true, strict=True)])
    assert recall > 0.9
    assert (index != np.arange(2000)[:, None]).all()
    np.testing.assert_allclose(squared, np.take_along_axis(full, index, 1), rtol=1e-3, atol=1e-3)


def test_lpp_agrees_with_the_dense_eigenproblem() -> None:
    """On a few points in few dimensions, with every point joined to every other, against the textbook computation."""
    points = np.random.default_rng(1).normal(size=(30, 4), scale=[1, 2, 3, 4]).astype(np.float32)
    mean, projection = lpp([points], 4, neighbours=29)
    centred = points - points.mean(0)
    full = ((centred[:, None] - centred[None]) ** 2).sum(2)
    weights = np.exp(-full / (full.sum() / (30 * 29)))
    np.fill_diagonal(weights, 0)
    degree = np.diag(weights.sum(1))
    vectors = eigh(centred.T @ (degree - weights) @ centred, centred.T @ degree @ centred)[1]
    want = centred @ vectors
    want = want / want.std(0)
    got = (points - mean) @ projection
    assert (abs(np.corrcoef(want, got, rowvar=False).diagonal(4)) > 0.99).all()
    np.testing.assert_allclose(got.std(0), 1, rtol=1e-2)


def test_near_points_stay_near() -> None:
    points, t = curve()
    mean, projection = lpp([points], 1)
    p = ((points - mean) @ projection)[:, 0]
    assert abs(np.corrcoef(p, t)[0, 1]) > 0.95


@pytest.mark.parametrize(("items", "copies"), [(1, 1), (2, 1), (3, 1), (12, 1), (60, 3)])
def test_few_items_and_duplicates(items: int, copies: int) -> None:
    mean, projection = lpp([np.tile(curve(items)[0], (copies, 1))], 8)
    assert projection.shape == (20, 8)
    assert np.isfinite(projection).all()
    assert np.isfinite(mean).all()
    assert projection.any() or items < 3


def test_equal_items_have_no_embedding() -> None:
    mean, projection = lpp([np.full((50, 12), 0.5, np.float32)], 4)
    assert np.allclose(mean, 0.5)
    assert not projection.any()


def test_annotations_join_the_pixels() -> None:
    """Two groups that look alike but are labelled differently lie apart with the guide and not without."""
    g = torch.Generator().manual_seed(0)
    pixels, label = torch.rand(300, 6, generator=g), torch.arange(300) % 2
    guide = F.one_hot(label, 2).float() * 8
    with_guide, without = Embedding(8, (3,)), Embedding(6, (3,))
    with_guide.fit(pixels, guide, 0)
    without.fit(pixels, None, 0)

    def apart(p: torch.Tensor) -> float:
        a, b = p[label == 0], p[label == 1]
        return float(((a.mean(0) - b.mean(0)).abs() / p.std(0)).max())

    assert apart(with_guide(pixels, guide)[0]) > 1.5
    assert apart(without(pixels, None)[0]) < 0.5


def test_each_layer_of_codes_is_guided_by_its_own_number_of_dimensions() -> None:
    embedding = Embedding(6, (4, 2))
    embedding.fit(torch.rand(100, 6), None, 0)
    four, two = embedding(torch.rand(5, 6), None)
    assert (four.shape, two.shape) == ((5, 4), (5, 2))
    assert torch.equal(four[:, :2], two)


@pytest.mark.parametrize("codes", [0, 5])
@pytest.mark.parametrize("side", [8, 32])
@pytest.mark.parametrize("dropped", [False, True])
def test_codes_of_one_item_give_what_they_give_alone(codes: int, side: int, dropped: bool) -> None:
    g = torch.Generator().manual_seed(0)
    levels = {8: 1, 32: 3}[side]
    encoder = Encoder(2, levels, 6).eval()
    decoder = Decoder(encoder.channels, codes, 3).eval()
    with torch.no_grad():
        features = encoder(torch.rand(3, 2, side, side, generator=g))
        item = torch.tensor([0, 0, 0, 1, 2, 2])
        code = torch.randn(6, codes, generator=g) if codes else None
        drop = (lambda value: 0.5 * value) if dropped else None
        shared = decoder(features, code, drop, item)
        alone = decoder([layer[item] for layer in features], code, drop)
    assert shared.shape == (6, 3, side, side)
    assert torch.allclose(shared, alone, atol=1e-6)
    assert (shared[0] - shared[3]).abs().max() > 1e-3


def test_features_are_convolved_once_an_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one item with 20 codes no more than half of the channels of each finer layer go through it twenty times."""
    encoder = Encoder(2, 3, 6).eval()
    decoder = Decoder(encoder.channels, 5, 3).eval()
    work, real = {1: 0, 20: 0}, F.conv_transpose2d

    def counted(value: torch.Tensor, weight: torch.Tensor, *rest: object) -> torch.Tensor:
        work[len(value)] += len(value) * weight.shape[0] * value.shape[-1] ** 2
        return real(value, weight, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(F, "conv_transpose2d", counted)
    with torch.no_grad():
        decoder(encoder(torch.rand(1, 2, 32, 32)), torch.randn(20, 5), None, torch.zeros(20, dtype=torch.int64))
    whole = sum(channels * side**2 for channels, side in ((24 + 5, 4), (24, 8), (12, 16)))
    assert work[1] + work[20] / 20 == whole
    assert work[20] / 20 < 0.5 * whole
