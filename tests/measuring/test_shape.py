"""What the figures of a report are made of, against what it is worked out to be by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import zoo
from zoo.measuring import shape as module
from zoo.measuring.shape import Shape, counts_of, ranks, references, scores


def drawn(spread: float, shift: float = 0.0, n: int = 20, items: int = 400) -> Tensor:
    """Samples less the truth; right where the spread is 1."""
    random = torch.Generator().manual_seed(1)
    return spread * torch.randn(items, n, 6, generator=random) + shift - torch.randn(items, 1, 6, generator=random)


def test_ranks_are_flat_where_samples_are_right_and_tell_what_is_wrong() -> None:
    level, pattern = ranks(drawn(1)).mean(0)
    assert (level - 0.1).abs().max() < 0.05
    assert (pattern - 0.1).abs().max() < 0.015
    narrow, wide = (ranks(drawn(spread)).mean(0)[1] for spread in (0.4, 2.5))
    assert min(narrow[0], narrow[-1]) > 0.2 > 0.08 > narrow[4]
    assert max(wide[0], wide[-1]) < 0.05 < 0.12 < wide[4]
    assert ranks(drawn(1, shift=2)).mean(0)[0, 0] > 0.8, "samples are too high"
    for n in (1, 7, 9):
        assert torch.allclose(ranks(torch.zeros(3, n, 4)), torch.full((3, 2, 10), 0.1, dtype=torch.float64)), "y is known"


def test_scores_of_the_first_samples() -> None:
    off = drawn(1, n=12, items=3)
    found = scores(off, [1, 3, 12])
    for i, k in enumerate((1, 3, 12)):
        first = off[:, :k].double()
        best = first.square().mean(2).min(1).values
        among = (first[:, :, None] - first[:, None]).norm(dim=3).sum((1, 2)) / (2 * k * k)
        energy = (first.norm(dim=2).mean(1) - among) / 6**0.5
        torch.testing.assert_close(found[:, :, i], torch.stack([best, energy], 1), atol=1e-6, rtol=1e-5)
    assert [counts_of(n) for n in (1, 3, 20, 500)] == [[1], [1, 3], [1, 3, 10, 20], [1, 3, 10, 30, 60, 100]]


def test_batches_change_nothing_and_spread_is_beside_error() -> None:
    y = torch.zeros(400, 6)
    off = drawn(1)
    whole, parts = Shape(), Shape()
    whole.add(off, y)
    for some, true in zip(off.split(150), y.split(150), strict=True):
        parts.add(some, true)
    told, again = whole.told(), parts.told()
    assert told["ranks"]["pattern"]["share"] == pytest.approx(again["ranks"]["pattern"]["share"])
    assert told["curves"]["energy_score"][2] == pytest.approx(again["curves"]["energy_score"][2])
    assert sum(count for *_, count in told["spread_skill"]) == 400
    assert all(abs(spread / error - 1) < 0.2 for spread, error, _ in told["spread_skill"])


def test_answers_that_need_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUMBERS", 50)
    train = zoo.Pairs(torch.zeros(4, 1), torch.tensor([[0.0], [0.0], [4.0], [4.0]]))
    test = zoo.Pairs(torch.zeros(30, 1), torch.ones(30, 1), pool=torch.ones(30, 5, 1))
    found = references(test, train, 50)
    assert found["mean"] == {"counts": [1], "error_of_best": [[1.0, 0.0]], "energy_score": [[1.0, 0.0]]}
    assert found["true draws"]["error_of_best"][-1] == [0.0, 0.0]
    assert (found["random"]["counts"], found["random"]["error_of_best"][-1]) == ([1, 3, 10, 30, 50], [1.0, 0.0])
    assert references(zoo.Pairs(test.x, test.y), None, 50) == {}
