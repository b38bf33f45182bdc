"""The attribute CVAE: its loss, its bound, what it learns from attributes, and what it must never do."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from zoo.contracts import make
from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import Step
from zoo_attributes import AttributeCVAE
from zoo_networks.dcgan import Conv, conv_with
from zoo_networks.gaussian import LogGaussian

SMALL: dict[str, object] = {"latent": 4, "width": 8, "batch_size": 32, "learning_rate": 1e-2}


def small(**config: object) -> AttributeCVAE:
    return AttributeCVAE((3,), (3, 8, 8), **{**SMALL, **config})


def two_answers(items: int, seed: int = 0) -> Pairs:
    """One of three attributes, each with a colour of its own, in either of two brightnesses, which it does not tell."""
    g = torch.Generator().manual_seed(seed)
    x = torch.eye(3)[torch.randint(0, 3, (items,), generator=g)]
    y = 0.2 + 0.6 * x[:, :, None, None] + 0.03 * torch.randn(items, 3, 8, 8, generator=g)
    return Pairs(x, y.clamp(0, 1) * torch.where(torch.rand(items, 1, 1, 1, generator=g) < 0.5, 0.3, 1.0))


@pytest.fixture(scope="module")
def fitted() -> AttributeCVAE:
    model = small(beta=0.1)
    model.fit(two_answers(300), seed=0, device="cpu", steps=250, progress=False)
    return model


@pytest.mark.parametrize(("side", "stride"), [(2, 1), (3, 1), (8, 1), (8, 2), (16, 2)])
def test_attributes_are_tiled_as_maps_beside_y(side: int, stride: int) -> None:
    """Section 4.1, the rim of the field included; and so they are for discriminators, whose convolutions halve the side."""
    conv, x, y = Conv(3 + 5, 4, stride), torch.randn(4, 5), torch.randn(4, 3, side, side)
    tiled = torch.cat([y, x[:, :, None, None].expand(-1, -1, side, side)], 1)
    torch.testing.assert_close(conv_with(conv, y, x), conv(tiled), atol=1e-5, rtol=1e-5)


def test_first_weights_are_kaiming_normal_and_biases_zero() -> None:
    from zoo.fitting.loop import initialise

    model = AttributeCVAE((40,), (3, 64, 64), width=32)
    initialise(model, 3)
    first, deconv = model.encoder.convs[0], model.decoder.deconvs[0]
    assert first.weight.std().item() == pytest.approx(math.sqrt(2 / (43 * 9)), rel=0.03)
    assert deconv.weight.std().item() == pytest.approx(math.sqrt(2 / (deconv.in_channels * 4)), rel=0.03)
    assert all((p == 0).all() for n, p in model.named_parameters() if n.endswith("bias") and "norm" not in n)


def test_the_loss_is_equation_9_with_sums_over_the_numbers_of_y_and_of_z() -> None:
    pairs = two_answers(16)
    model = small(beta=0.3, norm=False, standardise=False)
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


def importance_estimate(model: AttributeCVAE, y: Tensor, x: Tensor, draws: int) -> Tensor:
    """log p(y | x) by importance sampling from q(z | x, y), computed by torch.distributions."""
    g, logs = torch.Generator().manual_seed(7), []
    low, span = model.limits[0], model.limits[1] - model.limits[0]
    q, beta = normal(model.encoder((x - model.mean_x) / model.scale_x, (y - low) / span)), model.config.beta
    for _ in range(draws):
        z = q.mean + q.stddev * torch.randn(q.mean.shape, generator=g)
        spread = span * math.sqrt(beta / (2 * (1 - beta)))
        field = low + span * model.decoder(z, (x - model.mean_x) / model.scale_x)
        of_y = Normal(field, spread).log_prob(y).flatten(1).sum(1)
        logs.append(of_y + Normal(0.0, 1.0).log_prob(z).sum(1) - q.log_prob(z).sum(1))
    return torch.logsumexp(torch.stack(logs), 0) - math.log(draws)


@torch.no_grad()
def test_the_bound_lies_below_the_importance_sampling_estimate_and_near_it(fitted: AttributeCVAE) -> None:
    pairs = two_answers(40, seed=5)
    bound, estimate = fitted.log_prob(pairs.y, pairs.x), importance_estimate(fitted, pairs.y, pairs.x, 600)
    assert (bound < estimate + 1.0).all()
    assert -0.05 < (estimate - bound).mean() < 3
    torch.testing.assert_close(bound[2:3], fitted.log_prob(pairs.y[2:3], pairs.x[2:3]), atol=1e-2, rtol=1e-3)


@torch.no_grad()
def test_evidence_is_in_the_units_of_y_and_the_mean_over_its_items_is_the_loss(fitted: AttributeCVAE) -> None:
    pairs = two_answers(40, seed=6)
    terms = fitted.evidence(pairs.y, pairs.x, seed=0)
    parts = fitted.losses(Batch(pairs.x, pairs.y), Step(0, 10, torch.Generator().manual_seed(0)))
    span = fitted.limits[1] - fitted.limits[0]
    torch.testing.assert_close(terms["mse"].mean(), parts["mse"] * span**2, rtol=0.2, atol=0)
    torch.testing.assert_close(terms["kl"].mean(), parts["kl"], rtol=1e-4, atol=1e-4)
    assert terms["mse"].shape == terms["kl"].shape == (40,)


def test_a_higher_beta_gives_more_error_and_a_code_that_tells_less() -> None:
    """Table 1 of the paper, from both ends of its range."""
    pairs, terms = two_answers(200), []
    for beta in (0.1, 0.98):
        model = small(beta=beta)
        model.fit(pairs, seed=0, device="cpu", steps=150, progress=False)
        terms.append({name: value.mean().item() for name, value in model.evidence(pairs.y, pairs.x).items()})
    assert terms[0]["mse"] < 0.8 * terms[1]["mse"]
    assert terms[0]["kl"] > terms[1]["kl"] + 0.5


def test_attributes_are_learnt_and_what_they_leave_open_is_drawn(fitted: AttributeCVAE) -> None:
    drawn = fitted.sample(torch.eye(3), 200, seed=0).mean((3, 4))
    assert drawn.mean(1).argmax(1).tolist() == [0, 1, 2]
    own = drawn.diagonal(dim1=0, dim2=2)
    low, high = own.quantile(torch.tensor([0.05, 0.95]), 0)
    assert (high - low > 0.3).all()


def test_one_code_can_be_shown_under_many_attributes(fitted: AttributeCVAE) -> None:
    z = torch.randn(1, 4, generator=torch.Generator().manual_seed(0)).expand(3, -1)
    assert fitted.decode(z, torch.eye(3)).mean((2, 3)).argmax(1).tolist() == [0, 1, 2]


def test_presets_are_the_betas_of_the_paper() -> None:
    for name, beta in (("", 0.5), ("-b25", 0.25), ("-b50", 0.5), ("-b75", 0.75), ("-b90", 0.9)):
        assert make.model(f"attribute-cvae{name}", (3,), (3, 16, 16), width=4).config.beta == beta
