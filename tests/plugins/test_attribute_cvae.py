"""The attribute CVAE: its loss, its bound, what it learns from attributes, and what it must never do."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from zoo.contracts import make
from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import Step
from zoo.utils.errors import RequestError
from zoo_attributes import AttributeCVAE
from zoo_attributes.nets import Encoder, conv_with_tiled

SMALL: dict[str, object] = {"latent": 4, "width": 8, "batch_size": 32, "learning_rate": 1e-2}
SHAPES = [((5,), (3, 16, 16)), ((2, 16, 16), (1, 16, 16))]


def attributes(items: int, seed: int = 0) -> Pairs:
    """One of three attributes, each with a colour of its own over the whole field, and a little noise."""
    g = torch.Generator().manual_seed(seed)
    x = torch.eye(3)[torch.randint(0, 3, (items,), generator=g)]
    return Pairs(x, (0.2 + 0.6 * x[:, :, None, None] + 0.03 * torch.randn(items, 3, 8, 8, generator=g)).clamp(0, 1))


def two_answers(items: int, seed: int = 0) -> Pairs:
    """As :func:`attributes`, but of either of two brightnesses, which the attribute does not tell."""
    pairs, g = attributes(items, seed), torch.Generator().manual_seed(seed + 1)
    return Pairs(pairs.x, pairs.y * torch.where(torch.rand(items, 1, 1, 1, generator=g) < 0.5, 0.3, 1.0))


def small(**config: object) -> AttributeCVAE:
    return AttributeCVAE((3,), (3, 8, 8), **{**SMALL, **config})


@pytest.fixture(scope="module")
def fitted() -> AttributeCVAE:
    model = small(beta=0.1)
    model.name = "attribute-cvae"
    model.fit(two_answers(300), seed=0, device="cpu", steps=250, progress=False)
    return model


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(("x_shape", "y_shape"), SHAPES)
def test_gradient_reaches_every_parameter(x_shape: tuple[int, ...], y_shape: tuple[int, ...], norm: bool) -> None:
    g = torch.Generator().manual_seed(0)
    pairs = Pairs(torch.rand(16, *x_shape, generator=g), torch.rand(16, *y_shape, generator=g))
    model = AttributeCVAE(x_shape, y_shape, **SMALL, norm=norm)
    model.prepare(pairs, 0)
    model.losses(Batch(pairs.x, pairs.y), Step(30, 100, g))["total"].backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []
    held = {id(p) for o in model.optimizers().values() for group in o.param_groups for p in group["params"]}
    assert held == {id(p) for p in model.parameters()}


@pytest.mark.parametrize("side", [2, 3, 8])
def test_attributes_are_tiled_as_maps_beside_y(side: int) -> None:
    """Section 4.1, the rim of the field included."""
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(4, 5, generator=g), torch.randn(4, 3, side, side, generator=g)
    encoder = Encoder(5, 3, 8, 4, 6, 1, False)
    tiled = torch.cat([y, x[:, :, None, None].expand(-1, -1, side, side)], 1)
    torch.testing.assert_close(conv_with_tiled(encoder.convs[0], y, x), encoder.convs[0](tiled), atol=1e-5, rtol=1e-5)


def test_first_weights_are_kaiming_normal_and_biases_zero() -> None:
    from zoo.fitting.setup import initialise

    model = AttributeCVAE((40,), (3, 64, 64), width=32)
    initialise(model, 3)
    first, deconv = model.encoder.convs[0], model.decoder.deconvs[0]
    assert first.weight.std().item() == pytest.approx(math.sqrt(2 / (43 * 9)), rel=0.03)
    assert deconv.weight.std().item() == pytest.approx(math.sqrt(2 / (deconv.in_channels * 4)), rel=0.03)
    assert all((p == 0).all() for n, p in model.named_parameters() if n.endswith("bias") and "norm" not in n)


def test_the_loss_is_equation_9_with_sums_over_the_numbers_of_y_and_of_z() -> None:
    pairs = attributes(16)
    model = small(beta=0.3, norm=False, standardise=False)
    model.limits = torch.tensor([0.0, 1.0])
    parts = model.losses(Batch(pairs.x, pairs.y), Step(0, 10, torch.Generator().manual_seed(5)))
    mean, log_variance = model.encoder(pairs.x, pairs.y)
    z = mean + (log_variance / 2).exp() * torch.randn(16, 4, generator=torch.Generator().manual_seed(5))
    mse = (model.decoder(z, pairs.x) - pairs.y).square().sum() / 16
    kl = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum() / 16
    torch.testing.assert_close((parts["mse"], parts["kl"], parts["total"]), (mse, kl, 0.7 * mse + 0.3 * kl))


def importance_estimate(model: AttributeCVAE, y: Tensor, x: Tensor, draws: int) -> Tensor:
    """log p(y | x) by importance sampling from q(z | x, y), computed by torch.distributions."""
    g, logs = torch.Generator().manual_seed(7), []
    low, span = model.limits[0], model.limits[1] - model.limits[0]
    mean, log_variance = model.encoder((x - model.mean_x) / model.scale_x, (y - low) / span)
    q, beta = Normal(mean, (log_variance / 2).exp()), model.config.beta
    for _ in range(draws):
        z = q.mean + q.stddev * torch.randn(mean.shape, generator=g)
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
    pairs, found = two_answers(200), []
    for beta in (0.1, 0.98):
        model = small(beta=beta)
        model.fit(pairs, seed=0, device="cpu", steps=150, progress=False)
        found.append({name: value.mean().item() for name, value in model.evidence(pairs.y, pairs.x).items()})
    assert found[0]["mse"] < 0.8 * found[1]["mse"]
    assert found[0]["kl"] > found[1]["kl"] + 0.5


def test_attributes_are_learnt_and_what_they_leave_open_is_drawn(fitted: AttributeCVAE) -> None:
    drawn = fitted.sample(torch.eye(3), 200, seed=0).mean((3, 4))
    assert drawn.mean(1).argmax(1).tolist() == [0, 1, 2]
    own = drawn.diagonal(dim1=0, dim2=2)
    low, high = own.quantile(torch.tensor([0.05, 0.95]), 0)
    assert (high - low > 0.3).all()


def test_one_code_can_be_shown_under_many_attributes(fitted: AttributeCVAE) -> None:
    z = torch.randn(1, 4, generator=torch.Generator().manual_seed(0)).expand(3, -1)
    assert fitted.decode(z, torch.eye(3)).mean((2, 3)).argmax(1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_data_and_flat_input_give_numbers(value: float, fitted: AttributeCVAE) -> None:
    assert torch.isfinite(fitted.sample(torch.full((1, 3), value), 3, seed=0)).all()
    x, y = torch.full((20, 3), value), torch.full((20, 3, 8, 8), value)
    model = small()
    model.fit(Pairs(x, y), seed=0, device="cpu", steps=10, progress=False)
    torch.testing.assert_close(model.sample(x[:2], 3, seed=0), torch.full((2, 3, 3, 8, 8), value))
    assert torch.isfinite(model.log_prob(y[:2], x[:2])).all()


def test_saved_and_loaded_it_samples_the_same_numbers(fitted: AttributeCVAE, tmp_path: Path) -> None:
    fitted.save(tmp_path / "whole")
    again = AttributeCVAE.load(tmp_path / "whole")
    assert torch.equal(again.sample(torch.eye(3), 5, seed=4), fitted.sample(torch.eye(3), 5, seed=4))
    fitted.save(tmp_path / "half", inference=True)
    half = AttributeCVAE.load(tmp_path / "half")
    assert torch.equal(half.sample(torch.eye(3), 5, seed=4), fitted.sample(torch.eye(3), 5, seed=4))
    pairs = attributes(2)
    for density in (half.log_prob, half.evidence):
        with pytest.raises(RequestError, match="only what sampling needs"):
            density(pairs.y, pairs.x)


def test_presets_are_the_betas_of_the_paper() -> None:
    for name, beta in (("", 0.5), ("-b25", 0.25), ("-b50", 0.5), ("-b75", 0.75), ("-b90", 0.9)):
        assert make.model(f"attribute-cvae{name}", (3,), (3, 16, 16), width=4).config.beta == beta


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"latent": 0}, "latent is 0; it must be at least 1"),
        ({"beta": 0.0}, "above 0"),
        ({"beta": 1.0}, "below 1"),
        ({"blocks": 4}, "multiple of 16"),
        ({"betta": 0.5}, "did you mean 'beta'"),
    ],
)
def test_wrong_settings_are_refused(config: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        small(**config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("x_shape", "y_shape"), [((3,), (3, 8, 10)), ((1, 4, 4), (1, 8, 8)), ((3,), (64,)), ((), (1, 8, 8)), ((3,), (1, 9, 9))]
)
def test_other_shapes_are_refused(x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match="an attribute CVAE is for") as caught:
        AttributeCVAE(x_shape, y_shape, blocks=2)
    assert "\n" not in str(caught.value)
