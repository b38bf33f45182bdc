"""The answers that others are read beside: fields that ignore x, one answer, the nearest field, the truth."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from zoo.data.pairs import Pairs
from zoo.utils.errors import RequestError
from zoo_nn import Centres, Copycat, Oracle, SingleAnswer
from zoo_nn.constant import _Ridge

SHAPES = ((1, 6, 6), (1, 6, 6))


def pairs(items: int = 60, seed: int = 0) -> Pairs:
    g = torch.Generator().manual_seed(seed)
    return Pairs(torch.rand(items, 1, 6, 6, generator=g), torch.rand(items, 1, 6, 6, generator=g))


def nearest(y: Tensor, pool: Tensor) -> float:
    """The mean squared distance of fields to the nearest of a pool."""
    return torch.cdist(y.flatten(1), pool.flatten(1)).square().amin(1).mean().item()


def test_the_fields_that_ignore_x_are_the_centres_of_k_means_best_first() -> None:
    from sklearn.cluster import KMeans

    p, model = pairs(), Centres(*SHAPES, centres=5)
    model.fit(p, device="cpu", seed=3)
    pool = model.sample(p.x[:2], 12, seed=0)
    assert torch.equal(pool[0], pool[1])
    assert torch.equal(pool[0, :5], pool[0, 5:10])
    want = KMeans(5, n_init=1, max_iter=100, random_state=3).fit(p.y.flatten(1).numpy()).cluster_centers_
    far = torch.cdist(pool[0, :5].flatten(1), torch.from_numpy(want))
    assert sorted(far.argmin(1).tolist()) == [0, 1, 2, 3, 4]
    assert far.amin(1).max() < 1e-5
    for k in range(5):  # the next is the one that helps most
        others = [nearest(p.y, torch.cat([pool[0, :k], pool[0, i : i + 1]])) for i in range(k, 5)]
        assert others[0] == min(others)


def test_there_are_no_more_centres_than_different_fields() -> None:
    p, model = pairs(4), Centres(*SHAPES)
    model.fit(Pairs(p.x.repeat(3, 1, 1, 1), p.y.repeat(3, 1, 1, 1)), device="cpu")
    assert nearest(p.y, model.sample(p.x[:1], 4, seed=0)[0]) < 1e-9
    assert len(model.centres) == 4


def test_the_single_answer_is_a_line_where_y_is_one_of_x_and_a_mean_where_x_says_nothing() -> None:
    p, model = pairs(), SingleAnswer(*SHAPES)
    model.fit(Pairs(p.x, 0.2 + 0.5 * p.x.flip(-1)), device="cpu")
    new = pairs(9, seed=1).x
    answers = model.sample(new, 3, seed=0)
    assert torch.equal(answers[:, 0], answers[:, 2])
    assert (answers[:, 0] - (0.2 + 0.5 * new.flip(-1))).abs().mean() < 0.02
    model.fit(p, device="cpu")
    torch.testing.assert_close(model.sample(new, 1, seed=0)[:, 0], p.y.mean(0).expand(9, 1, 6, 6))


def test_what_x_says_of_its_group_alone_is_not_taken_for_more() -> None:
    """Held out pair by pair, the pairs of a group would give each other away."""
    g = torch.Generator().manual_seed(0)
    group = torch.arange(60) // 4
    x, y = torch.rand(15, 20, generator=g)[group], torch.rand(15, 2, generator=g)[group]
    alone, together = SingleAnswer((20,), (2,)), SingleAnswer((20,), (2,))
    alone.fit(Pairs(x, y), device="cpu")
    together.fit(Pairs(x, y, groups=[str(i) for i in group.tolist()]), device="cpu")
    assert together.weights.abs().max() < 0.3 * alone.weights.abs().max()


def test_the_regression_is_scikit_learns() -> None:
    from sklearn.linear_model import Ridge

    p = pairs()
    x, y = p.x.flatten(1), p.y.flatten(1)
    ours = _Ridge(x, y)
    alpha = 0.1 * ours.variance.diagonal().mean().item() * len(x)
    want = Ridge(alpha=alpha).fit(x.double().numpy(), y.double().numpy()).coef_.T
    torch.testing.assert_close(ours.weights(0.1), torch.from_numpy(want).float(), atol=1e-5, rtol=1e-4)
    assert not ours.weights(math.inf).any()


@pytest.mark.parametrize(("x_shape", "seen"), [((3, 8, 8), 27), ((50,), 30), ((2, 4, 4, 4), 30), ((5,), 5)])
def test_the_regression_sees_a_large_x_averaged(x_shape: tuple[int, ...], seen: int) -> None:
    assert SingleAnswer(x_shape, (2,), inputs=30).weights.shape == (seen, 2)


def test_the_copycat_gives_the_field_of_the_nearest_x() -> None:
    p, model = pairs(), Copycat(*SHAPES)
    model.fit(p, device="cpu")
    assert torch.equal(model.sample(p.x[4:7] + 0.001, 3, seed=0), p.y[4:7, None].expand(-1, 3, -1, -1, -1))


def test_the_oracle_gives_the_draws_it_was_shown_and_refuses_all_else() -> None:
    p, model = pairs(6), Oracle(*SHAPES)
    model.fit(p, device="cpu")
    draws = torch.rand(6, 5, 1, 6, 6)
    with pytest.raises(RequestError, match=r"knows true draws of 0 x, and x\[0\] is none"):
        model.sample(p.x[:1], 1)
    model.reveal(p.x, draws)
    assert torch.equal(model.sample(p.x[[4, 2]], 5, seed=1), draws[[4, 2]])
    with pytest.raises(RequestError, match=r"knows 5 true draws of each x, not 6: take fewer samples"):
        model.sample(p.x, 6)
    with pytest.raises(RequestError, match=r"of 6 x, and x\[1\] is none"):
        model.sample(torch.cat([p.x[:1], p.x[:1] + 1e-6]), 2)
    with pytest.raises(RequestError, match=r"draws are \(5, 5, 1, 6, 6\) for x \(6, 1, 6, 6\)"):
        model.reveal(p.x, draws[:5])
