"""CVAE: its bound, its gradients, what it learns, and what it must never do."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import Step
from zoo.utils.errors import RequestError
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
SHAPES = [((1, 16, 16), (1, 16, 16)), ((3, 16, 16), (2, 16, 16)), ((5,), (3, 16, 16))]


def fields(items: int, size: int = 8, seed: int = 0) -> Pairs:
    """Smooth x around a level of their own; y is x lightened or darkened, each half of the time."""
    g = torch.Generator().manual_seed(seed)
    x = 0.3 * torch.nn.functional.interpolate(torch.rand(items, 1, 3, 3, generator=g), size=size, mode="bilinear")
    x = x + 0.7 * torch.rand(items, 1, 1, 1, generator=g)
    sign = torch.randint(0, 2, (items, 1, 1, 1), generator=g) * 2 - 1
    return Pairs(x, (0.5 * x + 0.25 + 0.2 * sign).clamp(0, 1))


def two_levels(items: int, seed: int = 0) -> Pairs:
    """y is 10 or -10 everywhere; 10 for three of four bright x, for one of four dark ones."""
    g = torch.Generator().manual_seed(seed)
    bright = torch.rand(items, generator=g) < 0.5
    up = torch.rand(items, generator=g) < torch.where(bright, 0.75, 0.25)
    x = torch.where(bright, 0.8, 0.2) + 0.05 * torch.randn(items, generator=g)
    y = torch.where(up, 10.0, -10.0) + 0.5 * torch.randn(items, generator=g)
    return Pairs(*(v.view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous() for v in (x, y)))


def attributes(items: int, seed: int = 0) -> Pairs:
    """One of three attributes, each with a colour of its own over the whole field, and a little noise."""
    g = torch.Generator().manual_seed(seed)
    x = torch.eye(3)[torch.randint(0, 3, (items,), generator=g)]
    return Pairs(x, (0.2 + 0.6 * x[:, :, None, None] + 0.03 * torch.randn(items, 3, 8, 8, generator=g)).clamp(0, 1))


def small(**config: object) -> CVAE:
    return CVAE((1, 8, 8), (1, 8, 8), **{**SMALL, **config})


@pytest.fixture(scope="module")
def fitted() -> CVAE:
    model = small()
    model.fit(fields(200), seed=0, device="cpu", steps=200, progress=False)
    return model


@pytest.mark.parametrize(("x_shape", "y_shape"), SHAPES)
def test_gradient_reaches_every_parameter(x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> None:
    g = torch.Generator().manual_seed(0)
    pairs = Pairs(torch.rand(16, *x_shape, generator=g), torch.randn(16, *y_shape, generator=g))
    model = CVAE(x_shape, y_shape, **SMALL)
    model.prepare(pairs, 0)
    model.losses(Batch(pairs.x, pairs.y), Step(30, 100, g))["total"].backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []
    held = {id(p) for o in model.optimizers().values() for group in o.param_groups for p in group["params"]}
    assert held == {id(p) for p in model.parameters()}


@pytest.mark.parametrize(("x_shape", "y_shape"), SHAPES)
def test_shapes_and_range(x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> None:
    g = torch.Generator().manual_seed(0)
    pairs = Pairs(torch.rand(20, *x_shape, generator=g), 30 * torch.randn(20, *y_shape, generator=g))
    model = CVAE(x_shape, y_shape, **SMALL)
    model.fit(pairs, seed=0, device="cpu", steps=5, progress=False)
    drawn = model.sample(pairs.x[:3], 7, seed=0)
    assert drawn.shape == (3, 7, *y_shape)
    assert pairs.y.min() <= drawn.min() < 0 < drawn.max() <= pairs.y.max()
    assert model.features(pairs.x[:3]).shape == (3, 4)
    assert model.log_prob(pairs.y[:3], pairs.x[:3]).shape == (3,)


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
    from zoo.fitting.setup import initialise

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
    tower = model.encode(fields(2).x)
    none = model._decode(tower, torch.full((2, 4), -offset))
    torch.testing.assert_close(none[0], none[1])
    one = torch.full((2, 4), -offset)
    one[:, 2] = 0.7
    only = torch.zeros_like(tower)
    only[:, 2] = (offset + 0.7) * tower[:, 2]
    torch.testing.assert_close(model._decode(tower, one), model.decoder(only))


def test_the_paper_has_no_offset() -> None:
    shapes = ((1, 8, 8), (1, 8, 8))
    assert CVAE(*shapes).config.offset == 0
    assert residual(*shapes).config.offset == 1


def importance_estimate(model: CVAE, y: Tensor, x: Tensor, draws: int) -> Tensor:
    """log p(y | x) by importance sampling from q(z | x, y), computed by torch.distributions."""
    from torch.distributions import Normal

    g = torch.Generator().manual_seed(7)
    inner_x, inner_y = (x - model.mean_x) / model.scale_x, (y - model.mean_y) / model.scale_y
    mean, variance = model.encoder(inner_x, inner_y)
    q, prior, logs = Normal(mean, variance.sqrt()), Normal(0.0, 1.0), []
    for _ in range(draws):
        z = mean + variance.sqrt() * torch.randn(mean.shape, generator=g)
        field = model.decoder(model.tower(inner_x) * (1 + z)[:, :, None, None]) * model.scale_y + model.mean_y
        of_y = Normal(field, model.config.output_variance**0.5 * model.scale_y).log_prob(y).flatten(1).sum(1)
        logs.append(of_y + prior.log_prob(z).sum(1) - q.log_prob(z).sum(1))
    return torch.logsumexp(torch.stack(logs), 0) - math.log(draws)


@torch.no_grad()
def test_the_bound_lies_below_the_importance_sampling_estimate_and_near_it(fitted: CVAE) -> None:
    pairs = fields(40, seed=5)
    bound, estimate = fitted.log_prob(pairs.y, pairs.x), importance_estimate(fitted, pairs.y, pairs.x, 800)
    assert (bound < estimate + 1.0).all()
    assert 0 < (estimate - bound).mean() < 3
    assert torch.equal(bound, fitted.log_prob(pairs.y, pairs.x))
    torch.testing.assert_close(bound[2:3], fitted.log_prob(pairs.y[2:3], pairs.x[2:3]), atol=1e-2, rtol=1e-3)


@torch.no_grad()
def test_the_bound_is_in_the_units_of_y() -> None:
    """The same fields in units a hundred times smaller have a density 100^-64 times as high."""
    pairs = fields(60)
    bounds = []
    for factor in (1.0, 100.0):
        model = small()
        with torch.enable_grad():
            model.fit(Pairs(pairs.x, factor * pairs.y), seed=0, device="cpu", steps=10, progress=False)
        bounds.append(model.log_prob(factor * pairs.y, pairs.x).mean())
    torch.testing.assert_close(bounds[0] - bounds[1], torch.tensor(64 * math.log(100)), atol=1.0, rtol=0)


def test_two_modes_are_recovered() -> None:
    model = small(codes=8, width=8, output_variance=0.3, warmup=0.1, learning_rate=1e-2)
    model.fit(two_levels(2000), seed=0, device="cpu", steps=500, progress=False)
    at = torch.stack([torch.full((1, 8, 8), 0.8), torch.full((1, 8, 8), 0.2)])
    drawn = model.sample(at, 1000, seed=0).mean((2, 3, 4))
    assert (drawn.abs() - 10).abs().lt(4).float().mean() > 0.8
    up = (drawn > 0).float().mean(1)
    assert 0.55 < up[0] < 0.95
    assert 0.05 < up[1] < 0.45


def test_samples_depend_on_x_and_spread(fitted: CVAE) -> None:
    x = torch.stack([torch.full((1, 8, 8), 0.1), torch.full((1, 8, 8), 0.9)])
    drawn = fitted.sample(x, 300, seed=0)
    assert drawn[1].mean() - drawn[0].mean() > 0.1
    assert drawn.std(1).mean() > 0.05


def test_attributes_are_learnt_from_a_vector(tmp_path: Path) -> None:
    """Each asked-for attribute gives its own colour, with many codes, whose factors 1 + z average out; also after loading."""
    model = CVAE((3,), (3, 8, 8), **{**SMALL, "codes": 32, "output_variance": 1.0})
    model.name = "cvae"
    model.fit(attributes(200), seed=0, device="cpu", steps=150, progress=False)
    drawn = model.sample(torch.eye(3), 100, seed=0)
    torch.testing.assert_close(drawn.mean((1, 3, 4)), 0.2 + 0.6 * torch.eye(3), atol=0.12, rtol=0)
    assert model.features(torch.eye(3)).shape == (3, 32)
    model.save(tmp_path / "saved")
    assert torch.equal(CVAE.load(tmp_path / "saved").sample(torch.eye(3), 100, seed=0), drawn)


@torch.no_grad()
def test_the_terms_of_the_bound_are_those_of_its_definition(fitted: CVAE) -> None:
    """KL against torch.distributions; the error against one of many draws of z from q; both against the bound itself."""
    from torch.distributions import Normal, kl_divergence

    pairs, g = fields(20, seed=6), torch.Generator().manual_seed(1)
    x, y = (pairs.x - fitted.mean_x) / fitted.scale_x, (pairs.y - fitted.mean_y) / fitted.scale_y
    mean, variance = fitted.encoder(x, y)
    tower, errors = fitted.tower(x), []
    for _ in range(200):
        z = mean + variance.sqrt() * torch.randn(mean.shape, generator=g)
        field = fitted.decoder(tower * (1 + z)[:, :, None, None]) * fitted.scale_y + fitted.mean_y
        errors.append((field - pairs.y).square().flatten(1).sum(1))
    terms = fitted.evidence(pairs.y, pairs.x, seed=0)
    torch.testing.assert_close(terms["kl"], kl_divergence(Normal(mean, variance.sqrt()), Normal(0.0, 1.0)).sum(1))
    torch.testing.assert_close(terms["mse"].mean(), torch.stack(errors).mean(), rtol=0.1, atol=0)
    noise = fitted.config.output_variance * fitted.scale_y**2
    bound = -terms["mse"] / (2 * noise) - 32 * (2 * math.pi * noise).log() - terms["kl"]
    torch.testing.assert_close(fitted.log_prob(pairs.y, pairs.x, seed=0), bound)


def test_one_sample_and_many(fitted: CVAE) -> None:
    x = fields(2).x
    assert fitted.sample(x, 1, seed=0).shape == (2, 1, 1, 8, 8)
    many = fitted.sample(x[:1], 1000, seed=0)
    assert many.flatten(2).unique(dim=1).shape[1] == 1000


def test_samples_do_not_depend_on_how_they_are_cut_into_pieces(fitted: CVAE, monkeypatch: pytest.MonkeyPatch) -> None:
    x = fields(3).x
    whole = fitted.sample(x, 40, seed=0)
    monkeypatch.setattr(fitted.decoder, "rows", 7)
    torch.testing.assert_close(fitted.sample(x, 40, seed=0), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_data_and_flat_input_give_numbers(value: float, fitted: CVAE) -> None:
    flat = torch.full((20, 1, 8, 8), value)
    assert torch.isfinite(fitted.sample(flat[:1], 3, seed=0)).all()
    model = small()
    model.fit(Pairs(flat, flat), seed=0, device="cpu", steps=20, progress=False)
    samples = model.sample(flat[:2], 3, seed=0)
    torch.testing.assert_close(samples, torch.full_like(samples, value))
    assert torch.isfinite(model.log_prob(flat[:2], flat[:2])).all()


def test_saved_and_loaded_it_samples_the_same_numbers(fitted: CVAE, tmp_path: Path) -> None:
    x = fields(3, seed=9).x
    fitted.save(tmp_path / "whole")
    again = CVAE.load(tmp_path / "whole")
    assert torch.equal(again.sample(x, 5, seed=4), fitted.sample(x, 5, seed=4))
    assert torch.equal(again.log_prob(x, x), fitted.log_prob(x, x))
    fitted.save(tmp_path / "half", half=True, inference=True)
    half = CVAE.load(tmp_path / "half")
    assert isinstance(half, CVAE)
    torch.testing.assert_close(half.sample(x, 5, seed=4), fitted.sample(x, 5, seed=4), atol=0.02, rtol=0)
    assert half.encoder is None
    for density in (half.log_prob, half.evidence):
        with pytest.raises(RequestError, match="only what sampling needs"):
            density(x, x)


def test_the_kl_weight_rises() -> None:
    model, pairs = small(beta=2.0, warmup=0.5), fields(32)
    model.prepare(pairs, 0)
    for index, weight in ((0, 0.04), (24, 1.0), (49, 2.0), (99, 2.0)):
        step = Step(index, 100, torch.Generator().manual_seed(0))
        parts = {k: v.item() for k, v in model.losses(Batch(pairs.x, pairs.y), step).items()}
        assert parts["total"] * 64 == pytest.approx(parts["error"] + weight * parts["kl"], rel=1e-4)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"codes": 0}, "codes is 0; it must be at least 1"),
        ({"output_variance": 0.0}, "above 0"),
        ({"beta": -1.0}, "at least 0"),
        ({"warmup": 1.0}, r"in \[0, 1\)"),
        ({"code": 3}, "did you mean 'codes'"),
    ],
)
def test_wrong_settings_are_refused(config: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        small(**config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("x_shape", "y_shape"),
    [((1, 8, 8), (1, 16, 16)), ((1, 8, 16), (1, 8, 16)), ((40,), (1, 8, 9)), ((1, 12, 12), (1, 12, 12)), ((1, 8, 8), (64,))],
)
def test_other_shapes_are_refused(x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match="square fields") as caught:
        CVAE(x_shape, y_shape)
    assert "\n" not in str(caught.value)
