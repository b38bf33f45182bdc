"""CDVAE: its densities, its gradients, what it learns, and what it must never do."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import Step
from zoo.utils.errors import RequestError
from zoo.utils.noise import Noise
from zoo_cdvae import CDVAE, mdn4, mdn12, noemb
from zoo_cdvae.ladder import Gaussian, infer
from zoo_cdvae.ties import MDN, GaussianTie

SMALL = {"codes": (6, 4), "widths": (24, 16), "components": 3, "learning_rate": 3e-3, "reconstruction": (1.0, 1.0)}


def fields(items: int, size: int = 8, seed: int = 0) -> Pairs:
    """Smooth fields whose y is x lightened or darkened, each half of the time."""
    g = torch.Generator().manual_seed(seed)
    x = torch.nn.functional.interpolate(torch.rand(items, 1, 3, 3, generator=g), size=size, mode="bilinear")
    sign = torch.randint(0, 2, (items, 1, 1, 1), generator=g) * 2 - 1
    return Pairs(x, (0.5 * x + 0.25 + 0.2 * sign).clamp(0, 1))


def small(**config: object) -> CDVAE:
    model = CDVAE((1, 8, 8), (1, 8, 8), **{**SMALL, **config})
    return model


@pytest.fixture(scope="module")
def fitted() -> CDVAE:
    model = small()
    model.fit(fields(200), seed=0, device="cpu", steps=500, progress=False)
    return model


@pytest.mark.parametrize(
    "config", [{}, {"output_variance": 0.5}, {"bounded": True}, {"codes": (4,), "widths": (16,)}, {"tie": "gauss"}]
)
def test_gradient_reaches_every_parameter(config: dict) -> None:
    model = small(**config)
    pairs = fields(16)
    model.prepare(pairs, 0)
    step = Step(30, 100, torch.Generator().manual_seed(0))
    model.losses(Batch(pairs.x, pairs.y), step)["total"].backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


def test_every_parameter_has_an_optimizer() -> None:
    model = small()
    held = {id(p) for o in model.optimizers().values() for g in o.param_groups for p in g["params"]}
    assert held == {id(p) for p in model.parameters()}


def test_layer_sizes_are_those_of_table_1() -> None:
    model = mdn12((1, 32, 32), (1, 32, 32))
    shapes = {tuple(p.shape) for n, p in model.encoder_c.named_parameters() if n.endswith("weight")}
    assert shapes == {(512, 1024), (512, 512), (64, 512), (256, 64), (256, 256), (32, 256)}
    assert model.tie.second.weight.shape == (33 * 12, 33 * 12)
    assert mdn4((1, 32, 32), (1, 32, 32)).tie.first.weight.shape == (33 * 4, 32)


@pytest.mark.parametrize("bounded", [True, False])
def test_mdn_density_integrates_to_one(bounded: bool) -> None:
    torch.manual_seed(0)
    mdn = MDN(2, 3, sigma=0.4, bounded=bounded)
    for p in mdn.parameters():
        p.data.mul_(2)
    grid = torch.linspace(-8, 8, 401)
    points = torch.cartesian_prod(grid, grid)
    code = torch.randn(1, 2).expand(len(points), 2)
    total = mdn.log_prob(points, code).exp().sum() * (grid[1] - grid[0]) ** 2
    assert total.item() == pytest.approx(1.0, abs=1e-4)


def test_gaussian_kl_and_precision_weighting() -> None:
    g = torch.Generator().manual_seed(0)
    a = Gaussian(torch.randn(5, 3, generator=g), torch.rand(5, 3, generator=g) + 0.1)
    b = Gaussian(torch.randn(5, 3, generator=g), torch.rand(5, 3, generator=g) + 0.1)
    want = torch.distributions.kl_divergence(
        torch.distributions.Normal(a.mean, a.variance.sqrt()), torch.distributions.Normal(b.mean, b.variance.sqrt())
    ).sum(1)
    torch.testing.assert_close(a.kl(b), want)
    torch.testing.assert_close(a.kl_to_standard(), a.kl(Gaussian(torch.zeros(5, 3), torch.ones(5, 3))))
    # The product of two Gaussian densities is proportional to the combined one.
    c, at = a.combined(b), torch.randn(2, 5, 3, generator=g)
    gap = [a.log_prob(t) + b.log_prob(t) - c.log_prob(t) for t in at]
    torch.testing.assert_close(gap[0], gap[1], atol=1e-3, rtol=1e-3)


def importance_estimate(model: CDVAE, y: Tensor, x: Tensor, draws: int) -> Tensor:
    """log p(x, y) by importance sampling with the model's own posterior as proposal."""
    noise = torch.Generator().manual_seed(7)

    def normal(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=noise)

    logs = []
    for _ in range(draws):
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
        logs.append(of_x + prior + of_y + model.tie.log_prob(z_g, z_c))
    return torch.logsumexp(torch.stack(logs), 0) - math.log(draws)


VARIANTS = {
    "mdn": {},
    "no guidance": {"guidance": (0.0, 0.0)},
    "gauss": {"tie": "gauss"},
    "shallow": {"tie": "gauss", "codes": (4,), "widths": (24,)},
}


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_joint_bound_lies_below_the_importance_sampling_estimate_and_near_it(variant: str, fitted: CDVAE) -> None:
    model, pairs = fitted, fields(12, seed=5)
    if VARIANTS[variant]:
        model = small(**VARIANTS[variant])
        with torch.enable_grad():
            model.fit(fields(200), seed=0, device="cpu", steps=300, progress=False)
    bound = model.joint_log_prob(pairs.y, pairs.x)
    estimate = importance_estimate(model, pairs.y, pairs.x, 3000)
    assert (bound < estimate + 0.5).all()
    assert (estimate - bound).mean() < 15


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
    drawn = tie.draw(code.expand(1, 20000, 5), Noise(torch.zeros(1, 3), 0), temperature=1.0)[0]
    torch.testing.assert_close(drawn.mean(0), tie.shrink * code, atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.var(0), tie.variance, atol=0.03, rtol=0.03)


def test_densities_of_an_item_do_not_depend_on_its_batch(fitted: CDVAE) -> None:
    pairs = fields(6, seed=3)
    whole = fitted.joint_log_prob(pairs.y, pairs.x)
    torch.testing.assert_close(whole[2:3], fitted.joint_log_prob(pairs.y[2:3], pairs.x[2:3]), atol=1e-3, rtol=1e-4)


def test_two_modes_are_recovered() -> None:
    """y is +1 or -1, and for x > 0 three times as often +1: both are drawn, as often as they should be."""
    g = torch.Generator().manual_seed(0)
    x = torch.rand(4000, 1, generator=g) * 2 - 1
    chance = torch.where(x > 0, 0.75, 0.25)
    y = (torch.rand(4000, 1, generator=g) < chance).float() * 2 - 1 + 0.05 * torch.randn(4000, 1, generator=g)
    model = CDVAE(
        (1,),
        (1,),
        codes=(4, 2),
        widths=(32, 32),
        components=4,
        learning_rate=2e-3,
        output_variance=0.02,
        reconstruction=(1.0, 1.0),
        guidance=(10.0, 0.0),
        temperature=1.0,
    )
    model.fit(Pairs(x, y), seed=0, device="cpu", steps=1500, progress=False)
    at = torch.tensor([[0.6], [-0.6]])
    drawn = model.sample(at, 2000, seed=0)[..., 0]
    assert (drawn.abs() - 1).abs().lt(0.4).float().mean() > 0.9
    up = (drawn > 0).float().mean(1)
    assert up[0].item() == pytest.approx(0.75, abs=0.12)
    assert up[1].item() == pytest.approx(0.25, abs=0.12)


def test_sampling_is_reproducible_and_leaves_the_global_state_alone(fitted: CDVAE) -> None:
    x = fields(5, seed=2).x
    before = torch.random.get_rng_state()
    first = fitted.sample(x, 4, seed=11)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(99)
    assert torch.equal(first, fitted.sample(x, 4, seed=11))
    assert not torch.equal(first, fitted.sample(x, 4, seed=12))
    assert not torch.equal(fitted.sample(x, 2), fitted.sample(x, 2))


def test_samples_of_one_x_do_not_depend_on_the_batch(fitted: CDVAE) -> None:
    x = fields(7, seed=2).x
    torch.testing.assert_close(fitted.sample(x, 6, seed=1)[3:4], fitted.sample(x[3:4], 6, seed=1), atol=1e-5, rtol=1e-5)


def test_samples_depend_on_x_and_spread(fitted: CDVAE) -> None:
    x = torch.cat([torch.full((1, 1, 8, 8), 0.1), torch.full((1, 1, 8, 8), 0.9)])
    samples = fitted.sample(x, 300, seed=0)
    assert (samples[0].mean() - samples[1].mean()).abs() > 0.05
    assert samples.std(1).mean() > 0.05


def test_many_samples_in_bounded_pieces(fitted: CDVAE) -> None:
    x = fields(1).x
    assert fitted.sample(x, 1, seed=0).shape == (1, 1, 1, 8, 8)
    many = fitted.sample(x, 9000, seed=0)
    assert many.shape == (1, 9000, 1, 8, 8)
    assert many.flatten(2).unique(dim=1).shape[1] == 9000


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_data_and_flat_input_give_numbers(value: float, fitted: CDVAE) -> None:
    flat = torch.full((20, 1, 8, 8), value)
    assert torch.isfinite(fitted.sample(flat[:1], 3, seed=0)).all()
    model = small()
    model.fit(Pairs(flat, flat), seed=0, device="cpu", steps=20, progress=False)
    samples = model.sample(flat[:2], 3, seed=0)
    torch.testing.assert_close(samples, torch.full_like(samples, value))


def test_saved_and_loaded_it_samples_the_same_numbers(fitted: CDVAE, tmp_path) -> None:
    fitted.name = "cdvae-mdn12"
    x = fields(3, seed=9).x
    fitted.save(tmp_path / "whole")
    again = CDVAE.load(tmp_path / "whole")
    assert torch.equal(again.sample(x, 5, seed=4), fitted.sample(x, 5, seed=4))
    assert torch.equal(again.joint_log_prob(x, x), fitted.joint_log_prob(x, x))
    fitted.save(tmp_path / "half", half=True, inference=True)
    half = CDVAE.load(tmp_path / "half")
    torch.testing.assert_close(half.sample(x, 5, seed=4), fitted.sample(x, 5, seed=4), atol=0.02, rtol=0)
    assert half.reconstruct(x) is None
    with pytest.raises(RequestError, match="only what sampling needs"):
        half.joint_log_prob(x, x)


def test_the_presets_differ_where_they_say() -> None:
    shape = ((1, 8, 8), (1, 8, 8))
    assert (mdn12(*shape).config.components, mdn4(*shape).config.components) == (12, 4)
    assert noemb(*shape).config.guidance == (0, 0) < mdn12(*shape).config.guidance


def test_the_costs_are_weighted_by_phase() -> None:
    """Every weight goes from its first to its last value over the second phase."""
    model = small(
        guidance=(8.0, 0.0), tie_weight=(0.25, 1.0), standard=(1.0, 0.5), reconstruction=(2.0, 1.0), phases=(0.2, 0.6)
    )
    pairs = fields(32)
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


def test_cross_entropy_to_the_standard_normal() -> None:
    """It is the divergence plus the entropy of the Gaussian itself."""
    g = torch.Generator().manual_seed(0)
    a = Gaussian(torch.randn(5, 3, generator=g), torch.rand(5, 3, generator=g) + 0.1)
    entropy = torch.distributions.Normal(a.mean, a.variance.sqrt()).entropy().sum(1)
    torch.testing.assert_close(a.cross_entropy_to_standard(), a.kl_to_standard() + entropy)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"components": 0}, "at least 1"),
        ({"sigma": 0.0}, "above 0"),
        ({"codes": (4, 2), "widths": (8,)}, "equally many"),
        ({"phases": (0.9, 0.1)}, "rising"),
        ({"componets": 3}, "did you mean 'components'"),
    ],
)
def test_wrong_settings_are_refused(config: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        CDVAE((1, 8, 8), (1, 8, 8), **config)


def test_wrong_input_is_refused(fitted: CDVAE) -> None:
    x = fields(2).x
    with pytest.raises(RequestError, match=r"must be \(B, 1, 8, 8\)"):
        fitted.sample(x[0], 1)
    with pytest.raises(RequestError, match="not finite"):
        fitted.sample(x * float("nan"), 1)
    with pytest.raises(RequestError, match="at least 1"):
        fitted.sample(x, 0)
    with pytest.raises(RequestError, match="not fitted"):
        small().sample(x, 1)


def test_noise_streams_are_independent_and_follow_the_probabilities() -> None:
    x = torch.arange(3.0)[:, None]
    noise = Noise(x, 0)
    a = noise.normal(2000)
    assert (torch.corrcoef(a) - torch.eye(3)).abs().max() < 0.1
    picks = noise.categorical(torch.tensor([0.2, 0.5, 0.3]).expand(3, 4000, 3))
    shares = torch.bincount(picks.flatten(), minlength=3) / picks.numel()
    torch.testing.assert_close(shares, torch.tensor([0.2, 0.5, 0.3]), atol=0.02, rtol=0)


def test_the_last_bits_of_x_do_not_change_the_noise() -> None:
    x = fields(50, size=32).x
    near = x + 1e-7 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    assert not torch.equal(x, near)
    same = (Noise(x, 3).normal(4) == Noise(near, 3).normal(4)).all(1)
    assert same.float().mean() >= 0.98
    assert len(Noise(x, 3).normal(4).unique(dim=0)) == 50
