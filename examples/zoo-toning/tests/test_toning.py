"""The zoo's own checks of the three, and what they are for: two kinds of right answers, and a model that finds both."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

import zoo
from zoo import Pairs, testing
from zoo_data.scenes import Scenes
from zoo_toning.metric import MissedDraws
from zoo_toning.model import FactorMixture
from zoo_toning.task import LEAST, Toning


@testing.parametrize("factors", kind="model")
def test_model(check: Callable[[], None]) -> None:
    check()


@testing.parametrize("toning", kind="task")
def test_task(check: Callable[[], None]) -> None:
    check()


@testing.parametrize("missed_draws", kind="metric")
def test_metric(check: Callable[[], None]) -> None:
    check()


def test_pairs_are_toned_in_one_of_two_ways() -> None:
    """Every y is one of the two formulas at some strength, each for about half of the prints; so are the true draws."""
    pairs = Toning(size=8).pairs(Scenes("16"), "test", pool=4)
    assert pairs.pool is not None
    y, x = torch.cat([pairs.y[:, None], pairs.pool], 1), pairs.x[:, None]
    sepia = ((y - 0.5) * 2 / x.clamp_min(1e-3)).flatten(2)
    selenium = ((0.5 - y) * 2 / (1 - x).clamp_min(1e-3)).flatten(2)
    kinds = []
    for strength, counts in ((sepia, x > 0.05), (selenium, x < 0.95)):
        seen = counts.flatten(2).expand_as(strength)
        mean = (strength * seen).sum(2) / seen.sum(2)
        same = ((strength - mean[..., None]).abs() * seen).amax(2) < 1e-3
        kinds.append(same & (mean > LEAST - 1e-3) & (mean < 1 + 1e-3))
    assert (kinds[0] ^ kinds[1]).all()
    assert 0.4 < kinds[0].float().mean() < 0.6


def test_density_is_that_of_the_samples() -> None:
    """Minus its mean over the model's own samples is the entropy; here of one component, where that is known."""
    torch.manual_seed(0)
    model = FactorMixture((2,), (3,), components=1, factors=2, width=4)
    model.fitted = True
    x = torch.rand(1, 2)
    samples = model.sample(x, 4000, seed=0)[0]
    _, means, factors = (part.detach() for part in model.encode(x))
    spread = float(model._scale()[0].detach())
    covariance = factors[0, 0].T @ factors[0, 0] + spread**2 * torch.eye(3)
    expected = torch.distributions.MultivariateNormal(means[0, 0], covariance)
    assert torch.allclose(model.log_prob(samples, x.expand(4000, -1)), expected.log_prob(samples), atol=1e-3)
    assert torch.allclose(samples.T.cov(), covariance, atol=0.1 * float(covariance.diagonal().max()))


def test_missed_draws_asks_for_every_kind() -> None:
    """Half of the draws are 0, half 1; a pool of both misses none, a pool of zeros is 1 away from half, one in between 0.5."""
    draws = torch.tensor([0.0, 1.0]).repeat(3)[None, :, None, None].expand(2, -1, 1, 4)
    for samples, missed in ((draws, 0.0), (torch.zeros(2, 5, 1, 4), 0.5), (torch.full((2, 5, 1, 4), 0.5), 0.5)):
        values = MissedDraws()(samples, draws[:, 0], pool=draws)[""]
        assert torch.allclose(values, torch.full((2,), missed))
    assert torch.allclose(MissedDraws()(torch.zeros(2, 5, 1, 4), torch.ones(2, 1, 4))[""], torch.ones(2))


@pytest.fixture(scope="module")
def loaded() -> zoo.Loaded:
    return zoo.load("factors/toning", device="cpu")


def test_the_checkpoint_tones_a_photo_in_both_ways(loaded: zoo.Loaded) -> None:
    photo = np.linspace(20, 240, 40 * 60 * 3).reshape(40, 60, 3).astype(np.uint8)
    samples = loaded.sample(photo, 40, seed=3)
    assert samples.images.shape == (40, 40, 60, 3)
    warm = samples.images[..., 0].mean((1, 2)) > samples.images[..., 2].mean((1, 2))
    assert 0.25 < warm.mean() < 0.75


def test_the_checkpoint_is_as_good_as_the_readme_says(loaded: zoo.Loaded) -> None:
    pairs: Pairs = loaded.task.pairs(Scenes("2048"), "test", pool=6).subset(torch.arange(128))
    missed = MissedDraws()(loaded.model.sample(pairs.x, 30, seed=0), pairs.y, pool=pairs.pool)[""]
    assert missed.mean() < 0.016
