"""The metrics, against hand-computed and independent figures."""

from __future__ import annotations

import math

import pytest
import torch

from zoo.measuring.evaluate import bootstrap
from zoo_metrics.pool import EnergyScore, ErrorOfBest, GridVariance, NegativeLogLikelihood


def test_error_of_best_is_the_least_mean_squared_error_of_the_first_k() -> None:
    y = torch.zeros(1, 1, 2, 2)
    offsets = torch.tensor([0.5, 0.4, 0.3, 0.9, 0.1] + [1.0] * 5)
    samples = offsets.view(1, 10, 1, 1, 1).expand(1, 10, 1, 2, 2)
    values = ErrorOfBest()(samples, y)
    assert set(values) == {"@3", "@10"}
    assert values["@3"].item() == pytest.approx(0.09)
    assert values["@10"].item() == pytest.approx(0.01)
    assert set(ErrorOfBest()(samples[:, :2], y)) == {"@2"}


def test_variance_is_taken_on_the_grid_alone() -> None:
    g = torch.Generator().manual_seed(0)
    samples = torch.zeros(3, 50, 1, 32, 32)
    samples[..., 4::8, 4::8] = torch.randn(3, 50, 1, 4, 4, generator=g) * 2
    other = torch.randn(3, 50, 1, 32, 32, generator=g)
    other[..., 4::8, 4::8] = 0
    value = GridVariance()(samples, torch.zeros(3, 1, 32, 32))[""]
    torch.testing.assert_close(GridVariance()(samples + other, torch.zeros(3, 1, 32, 32))[""], value)
    assert value.mean().item() == pytest.approx(4.0, rel=0.1)
    assert GridVariance()(other[:, :1], torch.zeros(3, 1, 32, 32))[""].tolist() == [0, 0, 0]  # of one sample


@pytest.mark.parametrize("n", [2, 30])
def test_energy_score_against_its_definition(n: int) -> None:
    g = torch.Generator().manual_seed(0)
    samples, y = torch.rand(2, n, 1, 3, 3, generator=g), torch.rand(2, 1, 3, 3, generator=g)
    value = EnergyScore()(samples, y)[""]
    for b in range(2):
        to_y = sum(math.dist(samples[b, i].flatten().tolist(), y[b].flatten().tolist()) for i in range(n)) / n
        among = [math.dist(samples[b, i].flatten().tolist(), samples[b, j].flatten().tolist())
                 for i in range(n) for j in range(n) if i != j]  # fmt: skip
        want = (to_y - 0.5 * sum(among) / len(among)) / 3
        assert value[b].item() == pytest.approx(want, abs=1e-4)


def test_energy_score_prefers_the_truth_where_error_of_best_does_not() -> None:
    """y ~ N(0, I) in 16 dimensions: a pool drawn from it has the better energy score, a narrower one the better best."""
    g = torch.Generator().manual_seed(0)
    y = torch.randn(2000, 16, generator=g)
    draws = torch.randn(2000, 100, 16, generator=g)
    score, best = EnergyScore(), ErrorOfBest()
    right, narrow, wide = (score(draws * s, y)[""].mean() for s in (1.0, 0.6, 1.4))
    assert right < narrow
    assert right < wide
    assert best(draws * 0.6, y)["@100"].mean() < best(draws, y)["@100"].mean()


def test_nll_is_minus_the_joint_bound() -> None:
    y = torch.zeros(2, 1)
    assert NegativeLogLikelihood()(y[:, None], y, joint_log_prob=torch.tensor([1.0, -2.0]))[""].tolist() == [-1, 2]


def test_the_bootstrap_interval_covers_the_mean_about_95_times_in_100() -> None:
    g = torch.Generator().manual_seed(0)
    covered = 0
    for i in range(200):
        s = bootstrap({"": torch.randn(100, generator=g).exp()}, ErrorOfBest(), resamples=400, seed=i)[""]
        assert s.low < s.value < s.high
        covered += s.low < math.exp(0.5) < s.high
    assert 0.86 < covered / 200 < 0.99
