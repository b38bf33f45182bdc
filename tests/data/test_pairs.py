"""Pairs: random crops and flips of x and y alike, and what belongs together stays together."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from zoo.data.pairs import Pairs, Truth
from zoo.utils.errors import RequestError


def wide_pairs(items: int = 64) -> Pairs:
    """Fields that hold their own column and row, so that a crop tells where it was taken; y is x + 1."""
    across = torch.linspace(0, 1, 48).expand(48, 48)
    x = torch.stack([across, across.T])[None].expand(items, 2, 48, 48).contiguous()
    small = torch.nn.functional.interpolate(x, size=32, mode="area")
    return Pairs(small, small + 1, wide=(x, x + 1))


def test_crops_are_the_same_for_x_and_y_lie_inside_and_are_mirrored_half_the_time() -> None:
    guide = torch.tensor([[1.0, 2.0, 3.0]]).expand(400, 3)
    pairs = replace(wide_pairs(400), guide=guide, guide_mirror=torch.tensor([2, 1, 0]))
    batch = pairs.batch(torch.arange(400), torch.Generator().manual_seed(0))
    assert batch.x.shape == (400, 2, 32, 32)
    torch.testing.assert_close(batch.y, batch.x + 1)
    width = (batch.x[:, 0, 0, -1] - batch.x[:, 0, 0, 0]).abs()
    assert (width > 0.6).all()
    assert (width <= 1).all()
    assert width.std() > 0.05
    mirrored = batch.x[:, 0, 0, 0] > batch.x[:, 0, 0, -1]
    assert 0.4 < mirrored.float().mean() < 0.6
    assert batch.guide is not None
    assert torch.equal(batch.guide[:, 0] == 3, mirrored)  # the guide of the mirrored image
    assert (batch.x[:, 1, 0, 0] < batch.x[:, 1, -1, 0]).all()  # none is upside down


def test_the_same_generator_gives_the_same_crops_and_none_the_pairs_as_they_are() -> None:
    pairs = wide_pairs(8)
    first, again = (pairs.batch(torch.arange(8), torch.Generator().manual_seed(5)).x for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(pairs.batch(torch.tensor([2, 0])).x, pairs.x[[2, 0]])


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(RequestError, match="x has 3 items but y has 2"):
        Pairs(torch.zeros(3, 1), torch.zeros(2, 1))
    with pytest.raises(RequestError, match="from wide or from anew"):
        replace(wide_pairs(2), anew=lambda index, generator: (index, index))
    with pytest.raises(RequestError, match=r"y is \(3, 4, 4\); a field of vectors is \(2, h, w\)"):
        Pairs(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4), vectors=True)


def test_vectors_are_mirrored_and_magnified_with_the_picture() -> None:
    """On a linear motion p -> p + A p + b, which is analytic: where a crop shows a point is linear in the point too."""
    items = 50
    centres = (torch.arange(48) + 0.5) * 32 / 48
    down, right = torch.meshgrid(centres, centres, indexing="ij")
    place = torch.stack([right, down])[None].expand(items, 2, 48, 48).contiguous()
    matrix, shift = torch.tensor([[0.1, -0.2], [0.05, 0.3]]), torch.tensor([2.0, -1.0])

    def motion(at: torch.Tensor) -> torch.Tensor:
        return torch.einsum("ij,njhw->nihw", matrix, at) + shift[:, None, None]

    small = torch.nn.functional.interpolate(place, size=32, mode="area")
    pairs = Pairs(small, motion(small), wide=(place, motion(place)), vectors=True)
    batch = pairs.batch(torch.arange(items), torch.Generator().manual_seed(0))
    inner = batch.x[..., 4:-4, 4:-4]  # away from the border, where bilinear sampling is exact for a linear field
    step = torch.stack([inner[:, 0, 0, 1] - inner[:, 0, 0, 0], inner[:, 1, 1, 0] - inner[:, 1, 0, 0]], 1)[..., None, None]
    torch.testing.assert_close(batch.y[..., 4:-4, 4:-4], motion(inner) / step, atol=2e-3, rtol=1e-3)
    assert (step[:, 0] < 0).any()
    assert (step[:, 0] > 0).any()
    as_they_are = pairs.batch(torch.arange(items))
    assert torch.equal(as_they_are.y, pairs.y)
    assert pairs.subset(torch.tensor([1])).vectors
    assert pairs.to("cpu").vectors


def test_a_subset_and_its_batches_keep_everything_in_step() -> None:
    def dear(y: Tensor) -> Tensor:
        return y.flatten(1).sum(1)

    pairs = replace(wide_pairs(5), guide=torch.arange(5.0)[:, None], names=list("abcde"), penalty=dear)
    part = pairs.subset(torch.tensor([3, 1])).to("cpu")
    assert part.names == ["d", "b"]
    assert part.wide is not None
    assert len(part.wide[0]) == 2
    for generator in (None, torch.Generator().manual_seed(0)):
        batch = part.batch(torch.tensor([1, 0]), generator)
        assert batch.guide is not None
        assert batch.guide[:, 0].tolist() == [1, 3]
        assert batch.penalty is dear


def test_the_truth_goes_with_its_items_and_has_to_fit_the_pool() -> None:
    weights = torch.tensor([[0.25, 0.75, 0.0], [1.0, 0.0, 0.0]])
    truth = Truth.of(torch.tensor([[0, 1], [0, 0]]), torch.tensor([1, 0]), weights)
    torch.testing.assert_close(truth.entropy, torch.tensor([0.562335, 0.0]))
    pairs = Pairs(torch.zeros(2, 1), torch.zeros(2, 1), pool=torch.zeros(2, 2, 1), truth=truth)
    part = pairs.subset(torch.tensor([1, 0, 0])).to("cpu").truth
    assert part is not None
    assert part.modes.tolist() == [[0, 0], [0, 1], [0, 1]]
    assert part.y_mode.tolist() == [0, 1, 1]
    assert torch.equal(part.weights, weights[[1, 0, 0]])
    assert torch.equal(part.entropy, truth.entropy[[1, 0, 0]])
    for pool in (None, torch.zeros(2, 3, 1)):
        with pytest.raises(RequestError, match=r"the truth is of \(2, 2\) draws"):
            replace(pairs, pool=pool)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y_mode": torch.tensor([3, 0])}, r"a number that is not in 0\.\.2"),
        ({"modes": torch.tensor([[0, -1], [0, 0]])}, r"a number that is not in 0\.\.2"),
        ({"weights": torch.tensor([[0.5, 0.4, 0.0], [1.0, 0.0, 0.0]])}, "add up to 1"),
        ({"weights": torch.tensor([[1.5, -0.5, 0.0], [1.0, 0.0, 0.0]])}, "add up to 1"),
        ({"entropy": torch.zeros(3)}, "entropy"),
    ],
)
def test_a_truth_that_is_none_is_refused(change: dict[str, Tensor], words: str) -> None:
    truth = Truth.of(torch.tensor([[0, 1], [0, 0]]), torch.tensor([1, 0]), torch.tensor([[0.25, 0.75, 0.0], [1.0, 0, 0]]))
    with pytest.raises(RequestError, match=words):
        replace(truth, **change)
