"""CVAE: its bound, its gradients, what it learns, and what it must never do."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from zoo.data.pairs import Batch
from zoo.fitting.recipe import Step
from zoo.testing.subjects.model import fields
from zoo_cvae import CVAE, residual
from zoo_networks.dcgan import Decoder, Tower

SMALL: dict[str, object] = {
    "codes": 4,
    "width": 4,
    "offset": 1.0,
    "output_variance": 0.1,
    "learning_rate": 1e-2,
    "batch_size": 32,
}
FIELD = (1, 8, 8)


def small(**config: object) -> CVAE:
    return CVAE(FIELD, FIELD, **{**SMALL, **config})


@pytest.fixture(scope="module")
def fitted() -> CVAE:
    model = small()
    model.fit(fields(200, FIELD, FIELD), seed=0, device="cpu", steps=200, progress=False)
    return model


@pytest.mark.parametrize("side", [8, 16, 24, 32, 40, 64, 128, 256])
def test_towers_are_five_convolutions_and_the_decoder_mirrors_them(side: int) -> None:
    tower, decoder = Tower(3, 6, side, 2), Decoder(6, 2, side, 2)
    assert len(tower.layers) == len(decoder.layers) == 5
    code = tower(torch.randn(2, 3, side, side))
    assert code.shape == (2, 6, tower.side, tower.side)
    assert 4 <= tower.side <= 8 or side in (24, 40)
    assert decoder(code).shape == (2, 2, side, side)
    there = [(c.in_channels, c.out_channels, c.stride) for c in tower.layers][1:-1]
    back = [(c.out_channels, c.in_channels, c.stride) for c in decoder.layers][1:-1]
    assert there == back[::-1]


def test_first_weights_keep_the_variance() -> None:
    """Numbers come out of random towers neither vanished nor blown up, also after the reset of the training loop."""
    from zoo.fitting.loop import initialise

    tower, decoder = Tower(1, 64, 32, 16), Decoder(64, 1, 32, 16)
    initialise(tower, 3)
    initialise(decoder, 4)
    code = tower(torch.randn(32, 1, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert 0.3 < code.std() < 3
    assert 0.1 < decoder(code).std() < 2


@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_the_code_is_multiplied_into_the_tower_output(offset: float) -> None:
    """Section 5.3: where the product's factor is zero nothing of x gets through; a component gates one channel, everywhere."""
    model = small(offset=offset)
    tower = model.encode(fields(2, FIELD, FIELD).x)
    none = model._decode(tower, torch.full((2, 4), -offset))
    torch.testing.assert_close(none[0], none[1])
    third = torch.full((2, 4), -offset)
    third[:, 2] = 0.7
    only = torch.zeros_like(tower)
    only[:, 2] = (offset + 0.7) * tower[:, 2]
    torch.testing.assert_close(model._decode(tower, third), model.decoder(only))


def test_the_paper_has_no_offset() -> None:
    assert CVAE(FIELD, FIELD).config.offset == 0
    assert residual(FIELD, FIELD).config.offset == 1


def importance_estimate(model: CVAE, y: Tensor, x: Tensor, draws: int) -> Tensor:
    """log p(y | x) by importance sampling from q(z | x, y), computed by torch.distributions."""
    g = torch.Generator().manual_seed(7)
    inner_x, inner_y = (x - model.mean_x) / model.scale_x, (y - model.mean_y) / model.scale_y
    posterior, prior, logs = model.encoder(inner_x, inner_y), Normal(0.0, 1.0), []
    q = Normal(posterior.mean, posterior.variance.sqrt())
    for _ in range(draws):
        z = q.mean + q.stddev * torch.randn(q.mean.shape, generator=g)
        field = model.decoder(model.tower(inner_x) * (1 + z)[:, :, None, None]) * model.scale_y + model.mean_y
        of_y = Normal(field, model.config.output_variance**0.5 * model.scale_y).log_prob(y).flatten(1).sum(1)
        logs.append(of_y + prior.log_prob(z).sum(1) - q.log_prob(z).sum(1))
    return torch.logsumexp(torch.stack(logs), 0) - math.log(draws)


@torch.no_grad()
def test_the_bound_lies_below_the_importance_sampling_estimate_and_near_it(fitted: CVAE) -> None:
    pairs = fields(40, FIELD, FIELD, seed=5)
    bound, estimate = fitted.log_prob(pairs.y, pairs.x), importance_estimate(fitted, pairs.y, pairs.x, 800)
    assert (bound < estimate + 1.0).all()
    assert 0 < (estimate - bound).mean() < 3


@torch.no_grad()
def test_the_terms_of_the_bound_are_those_of_its_definition(fitted: CVAE) -> None:
    """KL against torch.distributions; the error against one of many draws of z from q; both against the bound itself."""
    pairs, g = fields(20, FIELD, FIELD, seed=6), torch.Generator().manual_seed(1)
    x, y = (pairs.x - fitted.mean_x) / fitted.scale_x, (pairs.y - fitted.mean_y) / fitted.scale_y
    posterior, tower, errors = fitted.encoder(x, y), fitted.tower(x), []
    q = Normal(posterior.mean, posterior.variance.sqrt())
    for _ in range(200):
        z = q.mean + q.stddev * torch.randn(q.mean.shape, generator=g)
        field = fitted.decoder(tower * (1 + z)[:, :, None, None]) * fitted.scale_y + fitted.mean_y
        errors.append((field - pairs.y).square().flatten(1).sum(1))
    terms = fitted.evidence(pairs.y, pairs.x, seed=0)
    torch.testing.assert_close(terms["kl"], kl_divergence(q, Normal(0.0, 1.0)).sum(1))
    torch.testing.assert_close(terms["mse"].mean(), torch.stack(errors).mean(), rtol=0.1, atol=0)
    noise = fitted.config.output_variance * fitted.scale_y**2
    bound = -terms["mse"] / (2 * noise) - 32 * (2 * math.pi * noise).log() - terms["kl"]
    torch.testing.assert_close(fitted.log_prob(pairs.y, pairs.x, seed=0), bound)


def test_samples_do_not_depend_on_how_they_are_cut_into_pieces(fitted: CVAE, monkeypatch: pytest.MonkeyPatch) -> None:
    x = fields(3, FIELD, FIELD).x
    whole = fitted.sample(x, 40, seed=0)
    monkeypatch.setattr(fitted.decoder, "rows", 7)
    torch.testing.assert_close(fitted.sample(x, 40, seed=0), whole, atol=1e-5, rtol=1e-5)


def test_the_kl_weight_rises() -> None:
    model, pairs = small(beta=2.0, warmup=0.5), fields(32, FIELD, FIELD)
    model.prepare(pairs, 0)
    for index, weight in ((0, 0.04), (24, 1.0), (49, 2.0), (99, 2.0)):
        step = Step(index, 100, torch.Generator().manual_seed(0))
        parts = {k: v.item() for k, v in model.losses(Batch(pairs.x, pairs.y), step).items()}
        assert parts["total"] * 64 == pytest.approx(parts["error"] + weight * parts["kl"], rel=1e-4)
