"""CVAE and the attribute CVAE: their losses and bounds, their networks, and what attributes leave open."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from zoo.contracts import make
from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import Step
from zoo.fitting.steps import initialise
from zoo.testing.subjects.model import fields
from zoo_attributes import AttributeCVAE
from zoo_cvae import CVAE, residual
from zoo_networks.dcgan import Conv, Decoder, Tower, conv_with
from zoo_networks.gaussian import LogGaussian

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


def importance_estimate(q: Normal, log_of_y: Callable[[Tensor], Tensor], draws: int) -> Tensor:
    """log p(y | x) by importance sampling of z from q(z | x, y), (B,)."""
    g, logs = torch.Generator().manual_seed(7), []
    for _ in range(draws):
        z = q.mean + q.stddev * torch.randn(q.mean.shape, generator=g)
        logs.append(log_of_y(z) + Normal(0.0, 1.0).log_prob(z).sum(1) - q.log_prob(z).sum(1))
    return torch.logsumexp(torch.stack(logs), 0) - math.log(draws)


@torch.no_grad()
def test_the_bound_lies_below_the_importance_sampling_estimate_and_near_it(fitted: CVAE) -> None:
    pairs = fields(40, FIELD, FIELD, seed=5)
    x, y = (pairs.x - fitted.mean_x) / fitted.scale_x, (pairs.y - fitted.mean_y) / fitted.scale_y
    posterior, tower = fitted.encoder(x, y), fitted.tower(x)

    def log_of_y(z: Tensor) -> Tensor:
        field = fitted.decoder(tower * (1 + z)[:, :, None, None]) * fitted.scale_y + fitted.mean_y
        return Normal(field, fitted.config.output_variance**0.5 * fitted.scale_y).log_prob(pairs.y).flatten(1).sum(1)

    bound = fitted.log_prob(pairs.y, pairs.x)
    estimate = importance_estimate(Normal(posterior.mean, posterior.variance.sqrt()), log_of_y, 800)
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


def small_of_attributes(**config: object) -> AttributeCVAE:
    return AttributeCVAE((3,), (3, 8, 8), latent=4, width=8, batch_size=32, learning_rate=1e-2, **config)


def two_answers(items: int, seed: int = 0) -> Pairs:
    """One of three attributes, each with a colour of its own, in either of two brightnesses, which it does not tell."""
    g = torch.Generator().manual_seed(seed)
    x = torch.eye(3)[torch.randint(0, 3, (items,), generator=g)]
    y = 0.2 + 0.6 * x[:, :, None, None] + 0.03 * torch.randn(items, 3, 8, 8, generator=g)
    return Pairs(x, y.clamp(0, 1) * torch.where(torch.rand(items, 1, 1, 1, generator=g) < 0.5, 0.3, 1.0))


@pytest.fixture(scope="module")
def answering() -> AttributeCVAE:
    model = small_of_attributes(beta=0.1)
    model.fit(two_answers(300), seed=0, device="cpu", steps=250, progress=False)
    return model


@pytest.mark.parametrize(("side", "stride"), [(2, 1), (3, 1), (8, 1), (8, 2), (16, 2)])
def test_attributes_are_tiled_as_maps_beside_y(side: int, stride: int) -> None:
    """Section 4.1, the rim of the field included; and so they are for discriminators, whose convolutions halve the side."""
    conv, x, y = Conv(3 + 5, 4, stride), torch.randn(4, 5), torch.randn(4, 3, side, side)
    tiled = torch.cat([y, x[:, :, None, None].expand(-1, -1, side, side)], 1)
    torch.testing.assert_close(conv_with(conv, y, x), conv(tiled), atol=1e-5, rtol=1e-5)


def test_first_weights_are_kaiming_normal_and_biases_zero() -> None:
    model = AttributeCVAE((40,), (3, 64, 64), width=32)
    initialise(model, 3)
    first, deconv = model.encoder.convs[0], model.decoder.deconvs[0]
    assert first.weight.std().item() == pytest.approx(math.sqrt(2 / (43 * 9)), rel=0.03)
    assert deconv.weight.std().item() == pytest.approx(math.sqrt(2 / (deconv.in_channels * 4)), rel=0.03)
    assert all((p == 0).all() for n, p in model.named_parameters() if n.endswith("bias") and "norm" not in n)


def test_the_loss_is_equation_9_with_sums_over_the_numbers_of_y_and_of_z() -> None:
    pairs = two_answers(16)
    model = small_of_attributes(beta=0.3, norm=False, standardise=False)
    model.limits = torch.tensor([0.0, 1.0])
    parts = model.losses(Batch(pairs.x, pairs.y), Step(0, 10, torch.Generator().manual_seed(5)))
    q = normal(model.encoder(pairs.x, pairs.y))
    z = q.mean + q.stddev * torch.randn(16, 4, generator=torch.Generator().manual_seed(5))
    mse = (model.decoder(z, pairs.x) - pairs.y).square().sum() / 16
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum() / 16
    torch.testing.assert_close((parts["mse"], parts["kl"], parts["total"]), (mse, kl, 0.7 * mse + 0.3 * kl))


def normal(posterior: LogGaussian) -> Normal:
    """torch's own."""
    return Normal(posterior.mean, (posterior.log_variance / 2).exp())


@torch.no_grad()
def test_the_bound_on_attributes_lies_below_the_estimate_and_near_it(answering: AttributeCVAE) -> None:
    pairs, (low, high), beta = two_answers(40, seed=5), answering.limits, answering.config.beta
    x = (pairs.x - answering.mean_x) / answering.scale_x

    def log_of_y(z: Tensor) -> Tensor:
        field = low + (high - low) * answering.decoder(z, x)
        return Normal(field, (high - low) * math.sqrt(beta / (2 * (1 - beta)))).log_prob(pairs.y).flatten(1).sum(1)

    bound = answering.log_prob(pairs.y, pairs.x)
    estimate = importance_estimate(normal(answering.encoder(x, (pairs.y - low) / (high - low))), log_of_y, 600)
    assert (bound < estimate + 1.0).all()
    assert -0.05 < (estimate - bound).mean() < 3
    torch.testing.assert_close(bound[2:3], answering.log_prob(pairs.y[2:3], pairs.x[2:3]), atol=1e-2, rtol=1e-3)


@torch.no_grad()
def test_evidence_is_in_the_units_of_y_and_the_mean_over_its_items_is_the_loss(answering: AttributeCVAE) -> None:
    pairs = two_answers(40, seed=6)
    terms = answering.evidence(pairs.y, pairs.x, seed=0)
    parts = answering.losses(Batch(pairs.x, pairs.y), Step(0, 10, torch.Generator().manual_seed(0)))
    span = answering.limits[1] - answering.limits[0]
    torch.testing.assert_close(terms["mse"].mean(), parts["mse"] * span**2, rtol=0.2, atol=0)
    torch.testing.assert_close(terms["kl"].mean(), parts["kl"], rtol=1e-4, atol=1e-4)
    assert terms["mse"].shape == terms["kl"].shape == (40,)


def test_a_higher_beta_gives_more_error_and_a_code_that_tells_less() -> None:
    """Table 1 of the paper, from both ends of its range."""
    pairs, terms = two_answers(200), []
    for beta in (0.1, 0.98):
        model = small_of_attributes(beta=beta)
        model.fit(pairs, seed=0, device="cpu", steps=150, progress=False)
        terms.append({name: value.mean().item() for name, value in model.evidence(pairs.y, pairs.x).items()})
    assert terms[0]["mse"] < 0.8 * terms[1]["mse"]
    assert terms[0]["kl"] > terms[1]["kl"] + 0.5


def test_attributes_are_learnt_and_what_they_leave_open_is_drawn(answering: AttributeCVAE) -> None:
    drawn = answering.sample(torch.eye(3), 200, seed=0).mean((3, 4))
    assert drawn.mean(1).argmax(1).tolist() == [0, 1, 2]
    own = drawn.diagonal(dim1=0, dim2=2)
    low, high = own.quantile(torch.tensor([0.05, 0.95]), 0)
    assert (high - low > 0.3).all()


def test_one_code_can_be_shown_under_many_attributes(answering: AttributeCVAE) -> None:
    z = torch.randn(1, 4, generator=torch.Generator().manual_seed(0)).expand(3, -1)
    assert answering.decode(z, torch.eye(3)).mean((2, 3)).argmax(1).tolist() == [0, 1, 2]


def test_presets_are_the_betas_of_the_paper() -> None:
    for name, beta in (("", 0.5), ("-b25", 0.25), ("-b50", 0.5), ("-b75", 0.75), ("-b90", 0.9)):
        assert make.model(f"attribute-cvae{name}", (3,), (3, 16, 16), width=4).config.beta == beta
