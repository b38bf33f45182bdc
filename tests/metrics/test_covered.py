"""Samples beside true draws of known modes: which faults precision, recall and the weights tell, and which they do not."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from zoo import Fitted, NotApplicable, Pairs, RequestError
from zoo.data.pairs import Truth
from zoo.testing.subjects.metric import world
from zoo_metrics.covered import ModeFrequencies, ModePrecision, ModeRecall, ModeWeightError, mean_deviation

ITEMS, N, DRAWS, SIZE = 40, 60, 60, 6
WEIGHTS = torch.tensor([0.5, 0.3, 0.2])


def draw(n: int, weights: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """n draws of three modes far apart for each item, (ITEMS, n, SIZE), and the mode of each."""
    g = torch.Generator().manual_seed(seed)
    modes = torch.multinomial(weights.expand(ITEMS, -1), n, replacement=True, generator=g)
    return 4.0 * torch.eye(3, SIZE)[modes] + 0.3 * torch.randn(ITEMS, n, SIZE, generator=g), modes


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    true, modes = draw(1 + DRAWS, WEIGHTS, 0)
    truth = Truth.of(modes[:, 1:], modes[:, 0], WEIGHTS.expand(ITEMS, -1))
    return replace(world((6,), (4,), "numbers"), pairs=Pairs(true[:, 0], true[:, 0], pool=true[:, 1:], truth=truth))


def told(fitted: Fitted, samples: Tensor) -> tuple[float, float, float]:
    """Precision, recall and weight error; the first two without the modes where these are not known."""
    found = []
    for metric in (ModePrecision(), ModeRecall(), ModeWeightError()):
        if metric.labelled and fitted.pairs.truth is None:
            continue
        metric.prepare(fitted)
        value = metric(samples, fitted.pairs.y, pool=fitted.pairs.pool, index=torch.arange(ITEMS))[""]
        found.append(value.mean().item())
    return (*found, float("nan"))[:3]


def test_true_draws_are_right_in_all_three(fitted: Fitted) -> None:
    precision, recall, off = told(fitted, draw(N, WEIGHTS, 1)[0])
    assert 0.85 < precision < 1
    assert (recall, off) == pytest.approx((1, 0), abs=0.02)


def test_each_fault_is_told_by_its_number(fitted: Fitted) -> None:
    noise = 3 * torch.randn(ITEMS, N, SIZE, generator=torch.Generator().manual_seed(9))
    dropped, skewed = (draw(N, torch.tensor(weights), 2)[0] for weights in ((0.6, 0.4, 0.0), (0.2, 0.3, 0.5)))
    less = mean_deviation(WEIGHTS, N).sum().item() / 2
    assert told(fitted, dropped)[1:] == pytest.approx((0.8, 0.2 - less), abs=0.03)
    assert told(fitted, skewed)[1:] == pytest.approx((1, 0.3 - less), abs=0.03)
    assert told(fitted, noise + 5)[0] == 0
    copies = fitted.pairs.y[:, None].expand(-1, N, -1)
    precision, recall, off = told(fitted, copies)
    assert precision == 1
    assert recall < 0.5
    assert off > 0.5


@pytest.mark.parametrize("noise", [0.0, 1.5])
def test_frequencies_of_true_draws_are_right_where_modes_overlap_too(fitted: Fitted, noise: float) -> None:
    """Weights that are those of the true draws give 0 on average, and others more, as far as modes can be told apart."""

    def blurred(draws: Tensor, seed: int) -> Tensor:
        return draws + noise * torch.randn(draws.shape, generator=torch.Generator().manual_seed(seed))

    pairs = fitted.pairs
    assert pairs.pool is not None
    run = replace(fitted, pairs=replace(pairs, y=blurred(pairs.y, 5), pool=blurred(pairs.pool, 6)))
    metric = ModeFrequencies()
    metric.prepare(run)

    def of(weights: tuple[float, ...], n: int = N) -> dict[str, Tensor]:
        samples = blurred(draw(n, torch.tensor(weights), 4)[0], 7)
        return metric(samples, run.pairs.y, pool=run.pairs.pool, index=torch.arange(ITEMS))

    for value in of((0.5, 0.3, 0.2)).values():
        assert abs(value.mean()) < 3 * value.std() / ITEMS**0.5 + 1e-3
    dropped, skewed = of((0.6, 0.4, 0.0)), of((0.2, 0.3, 0.5))
    assert dropped["@weights"].mean() > 3 * dropped["@weights"].std() / ITEMS**0.5
    assert skewed["@weights"].mean() > 3 * skewed["@weights"].std() / ITEMS**0.5
    if not noise:
        assert dropped["@missing"].mean() == pytest.approx(0.2, abs=0.03)
        assert skewed["@weights"].mean() == pytest.approx(2 * 0.3**2, abs=0.03)
        assert abs(skewed["@missing"].mean()) < 0.01
    assert set(of((0.5, 0.3, 0.2), 1)) == {"@missing"}
    for n in (1, 2, 3, 5):
        missing = of((0.5, 0.3, 0.2), n)["@missing"]
        assert abs(missing.mean()) < 3 * missing.std() / ITEMS**0.5 + 1e-3, "also where so few leave out much by chance"


def test_without_modes_each_true_draw_stands_for_itself(fitted: Fitted) -> None:
    bare = replace(fitted, pairs=replace(fitted.pairs, truth=None))
    right, dropped = (told(bare, draw(N, torch.tensor(w), 3)[0])[:2] for w in ((0.5, 0.3, 0.2), (0.6, 0.4, 0.0)))
    # Naeem et al. 2020, equation 7: of m + n draws alike, the three next to one are all true with this probability
    m = 1 + DRAWS
    missed = (m - 1) * (m - 2) * (m - 3) / ((m + N - 1) * (m + N - 2) * (m + N - 3))
    assert right[1] == pytest.approx(1 - missed, abs=0.03)
    assert right[0] > 0.85
    assert 0.8 * (1 - missed) < dropped[1] < 0.8, "there are more samples at the other modes"
    with pytest.raises(NotApplicable, match="modes"):
        ModeWeightError().prepare(bare)


def test_draws_that_repeat_are_for_modes(fitted: Fitted) -> None:
    y = fitted.pairs.y
    repeated = Pairs(y, y, pool=y[:, None].expand(-1, 6, -1))
    for pairs, why in ((repeated, "repeat"), (Pairs(y, y, pool=repeated.pool[:, :2]), "4 draws")):  # type: ignore[index]
        with pytest.raises(NotApplicable, match=why):
            ModeRecall().prepare(replace(fitted, pairs=pairs))
    with pytest.raises(RequestError, match="prepare"):
        ModePrecision()(y[:, None], y, pool=repeated.pool, index=torch.arange(ITEMS))


@pytest.mark.parametrize("n", [1, 7, 100])
def test_the_mean_deviation_of_a_binomial_is_its_sum(n: int) -> None:
    for p in (0.0, 0.1, 0.5, 0.97, 1.0):
        want = sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) * abs(k / n - p) for k in range(n + 1))
        assert mean_deviation(torch.tensor([p], dtype=torch.float64), n).item() == pytest.approx(want, abs=1e-9)
