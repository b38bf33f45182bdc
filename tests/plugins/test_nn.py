"""The baselines that lend training fields."""

from __future__ import annotations

import torch
from scipy.ndimage import gaussian_filter

from zoo.data.pairs import Pairs
from zoo_nn import NearestNeighbours, RandomField, gaussian_smooth

SHAPES = ((1, 6, 6), (1, 6, 6))


def pairs(items: int = 30) -> Pairs:
    g = torch.Generator().manual_seed(0)
    return Pairs(torch.rand(items, 1, 6, 6, generator=g), torch.rand(items, 1, 6, 6, generator=g))


def test_neighbours_come_nearest_first() -> None:
    p, model = pairs(), NearestNeighbours(*SHAPES, sigma=0.0)
    model.fit(p, device="cpu")
    x = p.x[4:6] + 0.001
    samples = model.sample(x, 5, seed=0)
    assert torch.equal(samples[:, 0], p.y[4:6])
    order = (x[:, None] - p.x[None]).square().flatten(2).sum(2).argsort(1)[:, :5]
    assert torch.equal(samples, p.y[order])


def test_more_samples_than_pairs_repeat_the_neighbours() -> None:
    p, model = pairs(4), NearestNeighbours(*SHAPES)
    model.fit(p, device="cpu")
    samples = model.sample(p.x[:1], 9, seed=0)[0]
    assert torch.equal(samples[:4], samples[4:8])


def test_only_so_many_neighbours_lend_as_are_asked_for() -> None:
    p = pairs()
    few, all_of_them = NearestNeighbours(*SHAPES, neighbours=2), NearestNeighbours(*SHAPES)
    for model in (few, all_of_them):
        model.fit(p, device="cpu")
    near = all_of_them.sample(p.x[:3], 2, seed=0)
    assert torch.equal(few.sample(p.x[:3], 5, seed=0), near[:, [0, 1, 0, 1, 0]])


def test_the_gaussian_is_scipys_and_leaves_flat_fields_flat() -> None:
    fields = pairs(3).y
    want = gaussian_filter(fields.numpy(), (0, 0, 1.5, 1.5), mode="nearest", truncate=3.0)
    torch.testing.assert_close(gaussian_smooth(fields, 1.5), torch.from_numpy(want), atol=2e-3, rtol=0)
    flat = torch.full((2, 1, 6, 6), 0.25)
    torch.testing.assert_close(gaussian_smooth(flat, 2.0), flat)


def test_random_fields_ignore_x_and_are_training_fields() -> None:
    p, model = pairs(5), RandomField(*SHAPES)
    model.fit(p, device="cpu")
    index = (model.sample(p.x[:2], 500, seed=0)[:, :, None] == p.y).flatten(3).all(3).float()
    assert (index.sum(2) == 1).all()
    assert (index.mean(1) - 0.2).abs().max() < 0.06
