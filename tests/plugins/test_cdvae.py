"""CDVAE: its densities, its gradients, what it learns, and what it must never do."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from zoo.data.pairs import Batch
from zoo.fitting.recipe import Step
from zoo.testing.subjects.model import fields
from zoo.utils.noise import Noise
from zoo_cdvae import CDVAE, mdn4, mdn12, noemb, skip
from zoo_cdvae.networks import MDN, GaussianTie, infer
from zoo_networks.gaussian import Gaussian

SMALL = {"codes": (6, 4), "widths": (24, 16), "components": 3, "learning_rate": 3e-3, "reconstruction": (1.0, 1.0)}
FIELD = (1, 8, 8)
AT_ONCE = 50
"""Draws of an estimate that are made together."""


def small(**config: object) -> CDVAE:
    return CDVAE(FIELD, FIELD, **{**SMALL, **config})


@pytest.fixture(scope="module")
def fitted() -> CDVAE:
    model = small()
    model.fit(fields(200, FIELD, FIELD), seed=0, device="cpu", steps=300, progress=False)
    return model


def test_layer_sizes_are_those_of_table_1() -> None:
    model = mdn12((1, 32, 32), (1, 32, 32))
    shapes = {tuple(p.shape) for n, p in model.encoder_c.named_parameters() if n.endswith("weight")}
    assert shapes == {(512, 1024), (512, 512), (64, 512), (256, 64), (256, 256), (32, 256)}
    assert model.tie.second.weight.shape == (33 * 12, 33 * 12)
    assert mdn4((1, 32, 32), (1, 32, 32)).tie.first.weight.shape == (33 * 4, 32)


@pytest.mark.parametrize(("bounded", "temperature"), [(True, 1.0), (False, 0.6)])
def test_mdn_density_integrates_to_one(bounded: bool, temperature: float) -> None:
    torch.manual_seed(0)
    mdn = MDN(2, 3, sigma=0.4, bounded=bounded)
    for p in mdn.parameters():
        p.data.mul_(2)
    grid = torch.linspace(-8, 8, 401)
    points = torch.cartesian_prod(grid, grid)
    code = torch.randn(1, 2).expand(len(points), 2)
    density = mdn.log_prob(points, code, temperature).exp() * (grid[1] - grid[0]) ** 2
    assert density.sum().item() == pytest.approx(1.0, abs=1e-4)
    drawn = mdn.draw(code[None, :1], 20000, Noise(torch.zeros(1, 3), 0), temperature)[0]
    torch.testing.assert_close(drawn.square().mean(0), (density[:, None] * points.square()).sum(0), atol=0.03, rtol=0.03)


def test_gaussian_kl_cross_entropy_and_precision_weighting() -> None:
    g = torch.Generator().manual_seed(0)
    a = Gaussian(torch.randn(5, 3, generator=g), torch.rand(5, 3, generator=g) + 0.1)
    b = Gaussian(torch.randn(5, 3, generator=g), torch.rand(5, 3, generator=g) + 0.1)
    p, q = (Normal(each.mean, each.variance.sqrt()) for each in (a, b))
    torch.testing.assert_close(a.kl(b), kl_divergence(p, q).sum(1))
    torch.testing.assert_close(a.kl_to_standard(), a.kl(Gaussian(torch.zeros(5, 3), torch.ones(5, 3))))
    torch.testing.assert_close(a.cross_entropy_to_standard(), a.kl_to_standard() + p.entropy().sum(1))
    # The product of two Gaussian densities is proportional to the combined one.
    c, at = a.combined(b), torch.randn(2, 5, 3, generator=g)
    gap = [a.log_prob(t) + b.log_prob(t) - c.log_prob(t) for t in at]
    torch.testing.assert_close(gap[0], gap[1], atol=1e-3, rtol=1e-3)


def importance_estimate(model: CDVAE, y: Tensor, x: Tensor, draws: int) -> Tensor:
    """log p(x, y) by importance sampling with the model's own posterior as proposal."""
    noise = torch.Generator().manual_seed(7)
    x, y = (value.repeat(AT_ONCE, *[1] * len(FIELD)) for value in (x, y))

    def normal(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=noise)

    logs = []
    for _ in range(draws // AT_ONCE):
        sides = []
        for side, encoder, decoder, value in (
            (0, model.encoder_c, model.decoder_c, x),
            (1, model.encoder_g, model.decoder_g, y),
        ):
            inner = model._inner(value, side)
            p = infer(encoder, decoder, inner, normal)
            weight = p.field.log_prob(inner) - inner.shape[1] * model.scale[side].log() - p.top.log_prob(p.codes[-1])
            upward = encoder(inner)
            for at, layer in zip(reversed(range(len(p.codes) - 1)), decoder.layers, strict=True):
                prior = layer(p.codes[at + 1])
                weight = weight + prior.log_prob(p.codes[at]) - upward[at].combined(prior).log_prob(p.codes[at])
            sides.append((weight, p.codes[-1]))
        (of_x, z_c), (of_y, z_g) = sides
        prior = Gaussian(torch.zeros_like(z_c), model.tie.prior_variance.expand_as(z_c)).log_prob(z_c)
        weights = of_x + prior + of_y + model.tie.log_prob(z_g, z_c, model.config.temperature)
        logs.append(weights.unflatten(0, (AT_ONCE, -1)))
    return torch.logsumexp(torch.cat(logs), 0) - math.log(draws)


VARIANTS = {
    "mdn": {},
    "no guidance": {"guidance": (0.0, 0.0)},
    "gauss": {"tie": "gauss"},
    "shallow": {"tie": "gauss", "codes": (4,), "widths": (24,)},
}


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_joint_bound_lies_below_the_importance_sampling_estimate_and_near_it(variant: str, fitted: CDVAE) -> None:
    model, pairs = fitted, fields(12, FIELD, FIELD, seed=5)
    if VARIANTS[variant]:
        model = small(**VARIANTS[variant])
        with torch.enable_grad():
            model.fit(fields(200, FIELD, FIELD), seed=0, device="cpu", steps=300, progress=False)
    bound = model.joint_log_prob(pairs.y, pairs.x)
    estimate = importance_estimate(model, pairs.y, pairs.x, 1000)
    assert (bound < estimate + 0.5).all()
    assert (estimate - bound).mean() < 15


@torch.no_grad()
def test_the_bound_is_of_the_temperature_that_samples_are_drawn_with() -> None:
    """With the Gaussian tie it is a - b / T^2 - 4 log T, 4 being the length of the code."""
    torch.manual_seed(0)
    pairs, models = fields(12, FIELD, FIELD, seed=5), [small(tie="gauss", temperature=t) for t in (0.5, 1.0, 2.0)]
    for model in models:
        model.load_state_dict(models[0].state_dict())
    cold, plain, warm = (model.log_prob(pairs.y, pairs.x) for model in models)
    b = (plain - cold - 4 * math.log(0.5)) / 3
    assert b.min() > 0
    torch.testing.assert_close(warm, plain + 0.75 * b - 4 * math.log(2))


def test_gaussian_tie_is_the_joint_normal_of_paper_1() -> None:
    """Conditional and marginal multiply to eq. 3, up to one constant, whatever the codes are."""
    tie, g = GaussianTie(5, 0.8, 0.7), torch.Generator().manual_seed(0)
    z_c, z_g = torch.randn(2, 50, 5, generator=g)
    standard = -0.5 * (z_c.square() + z_g.square()).sum(1)
    eq3 = standard - (z_g - z_c)[:, :4].square().sum(1) / (2 * 0.7**2)
    torch.testing.assert_close(eq3 - standard, -tie.cost(z_g, z_c))
    prior = Gaussian(torch.zeros_like(z_c), tie.prior_variance.expand_as(z_c)).log_prob(z_c)
    constant = prior + tie.log_prob(z_g, z_c) - eq3
    assert constant.std() < 1e-5
    code = torch.tensor([0.5, -1.0, 2.0, 0.0, 3.0])
    drawn = tie.draw(code.view(1, 1, 5), 20000, Noise(torch.zeros(1, 3), 0), temperature=1.0)[0]
    torch.testing.assert_close(drawn.mean(0), tie.shrink * code, atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.var(0), tie.variance, atol=0.03, rtol=0.03)
    cool = Gaussian((tie.shrink * code).expand(50, 5), (0.6**2 * tie.variance).expand(50, 5)).log_prob(z_g)
    torch.testing.assert_close(tie.log_prob(z_g, code, 0.6), cool)


@torch.no_grad()
def test_a_tie_at_the_mean_knows_nothing_of_how_unsure_the_code_of_x_is() -> None:
    """Neither samples nor log p(y | x) depend on the variance of q(z_c | x); of a tie at a draw both do."""
    pairs = fields(6, FIELD, FIELD)
    for where, same in (("mean", True), ("draw", False)):
        torch.manual_seed(0)
        model, found = small(tied_at=where), []
        for _ in range(2):
            drawn = model.draw(model.encode(pairs.x), 5, Noise(pairs.x, 0))
            found.append((drawn, model.log_prob(pairs.y, pairs.x)))
            model.encoder_c.layers[-1].variance.bias += 2.0
        assert [torch.equal(before, after) for before, after in zip(*found, strict=True)] == [same, same]
        assert drawn.shape == (6, 5, *FIELD)
        assert drawn[:, 0].ne(drawn[:, 1]).any()


@torch.no_grad()
def test_maps_of_x_are_added_with_weights_of_each_sample() -> None:
    """To each of an item's samples and channels its own sum of the item's maps, for samples and for densities."""
    torch.manual_seed(0)
    model = skip((3, 16, 16), (2, 16, 16), codes=(6, 4), widths=(24, 16), maps=5)
    assert model.maps is not None
    x, hidden = torch.rand(3, 3, 16, 16), torch.randn(3 * 4, 24)
    maps = model.maps(x)
    weights = model.maps.weights(hidden).view(3, 4, 2, 5)
    want = torch.einsum("bnkm,bmhw->bnkhw", weights, maps).flatten(2).flatten(0, 1)
    torch.testing.assert_close(model.maps.added(maps, hidden), want)
    before, bound = model.draw(model.encode(x), 4, Noise(x, 0)), model.log_prob(torch.rand(3, 2, 16, 16), x)
    model.maps.weights.weight.zero_()
    model.maps.weights.bias.copy_(torch.tensor([7.0, 0, 0, 0, 0] * 2))
    model.maps.last.weight.zero_()
    model.maps.last.bias.fill_(0.5)
    torch.testing.assert_close(model.draw(model.encode(x), 4, Noise(x, 0)), torch.full((3, 4, 2, 16, 16), 3.5))
    assert before.std() > 0
    assert torch.isfinite(bound).all()


def test_the_presets_differ_where_they_say() -> None:
    assert (mdn12(FIELD, FIELD).config.components, mdn4(FIELD, FIELD).config.components) == (12, 4)
    without, guided = (preset(FIELD, FIELD).config for preset in (noemb, mdn4))
    assert without.guidance == (0, 0) < guided.guidance
    assert replace(without, guidance=guided.guidance) == guided


def test_the_costs_are_weighted_by_phase() -> None:
    """Every weight goes from its first to its last value over the second phase."""
    model = small(
        guidance=(8.0, 0.0), tie_weight=(0.25, 1.0), standard=(1.0, 0.5), reconstruction=(2.0, 1.0), phases=(0.2, 0.6)
    )
    pairs = fields(32, FIELD, FIELD)
    model.prepare(pairs, 0)
    for index, of_error, tie, standard, guidance in (
        (0, 2, 0.25, 1, 8),
        (19, 2, 0.25, 1, 8),
        (40, 1.5, 0.625, 0.75, 4),
        (99, 1, 1, 0.5, 0),
    ):
        step = Step(index, 100, torch.Generator().manual_seed(0))
        parts = {k: v.item() for k, v in model.losses(Batch(pairs.x, pairs.y), step).items()}
        want = of_error * (parts["x_error"] + parts["y_error"]) + parts["x_kl"] + parts["y_kl"] + tie * parts["tie"]
        want += (standard - 1) * parts.get("y_standard", 0.0) + guidance * parts.get("embedding", 0.0)
        assert parts["total"] == pytest.approx(want, rel=1e-4)
        assert ("embedding" in parts) == (guidance > 0)
        assert ("y_standard" in parts) == (standard != 1)


@pytest.mark.parametrize(("phases", "before", "after"), [((0.5, 0.5), 2, 1), ((1, 1), 2, 2), ((0, 0), 1, 1)])
def test_a_phase_of_no_length_is_a_step(phases: tuple[float, float], before: float, after: float) -> None:
    flat = (1.0, 1.0)
    model = small(reconstruction=(2.0, 1.0), guidance=(0.0, 0.0), tie_weight=flat, standard=flat, phases=phases)
    pairs = fields(32, FIELD, FIELD)
    model.prepare(pairs, 0)
    for index, of_error in ((49, before), (50, after), (99, after)):
        step = Step(index, 100, torch.Generator().manual_seed(0))
        parts = {k: v.item() for k, v in model.losses(Batch(pairs.x, pairs.y), step).items()}
        known = parts["x_kl"] + parts["y_kl"] + parts["tie"]
        assert parts["total"] - known == pytest.approx(of_error * (parts["x_error"] + parts["y_error"]), rel=1e-3)


def test_noise_streams_are_independent_and_follow_the_probabilities() -> None:
    x = torch.arange(3.0)[:, None]
    noise = Noise(x, 0)
    a = noise.normal(2000)
    assert (torch.corrcoef(a) - torch.eye(3)).abs().max() < 0.1
    picks = noise.categorical(torch.tensor([0.2, 0.5, 0.3]).expand(3, 4000, 3))
    shares = torch.bincount(picks.flatten(), minlength=3) / picks.numel()
    torch.testing.assert_close(shares, torch.tensor([0.2, 0.5, 0.3]), atol=0.02, rtol=0)


def test_the_last_bits_of_x_do_not_change_the_noise() -> None:
    x = fields(50, (1, 32, 32), FIELD).x
    near = x + 1e-7 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    assert not torch.equal(x, near)
    same = (Noise(x, 3).normal(4) == Noise(near, 3).normal(4)).all(1)
    assert same.float().mean() >= 0.98
    assert len(Noise(x, 3).normal(4).unique(dim=0)) == 50
