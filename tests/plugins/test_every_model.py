"""What every registered model of this project must do, one test a promise, the same for all of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from zoo import make, registry
from zoo.model import Model
from zoo.noise import Noise
from zoo.pairs import Batch, Pairs
from zoo.training import Step

MODELS = sorted(name for name, found in registry.entries("models").items() if found[0].distribution == registry.OWN)
SMALL: dict[str, dict[str, object]] = {
    "cvae": {"width": 8, "output_variance": 0.1, "learning_rate": 4e-3},
    "cvae-residual": {"width": 8, "output_variance": 0.1},
    "cgan": {"width": 8, "learning_rate": 2e-3},
    "cpixel": {"features": 8, "layers": 2, "levels": 8},
}
CDVAE = {"codes": (8, 4), "widths": (32, 16), "learning_rate": 3e-3, "reconstruction": (0.3, 0.3)}
LONG = {"cpixel": 100, "cgan": 500}
"""Steps of the longer fits, of the models whose steps take long."""
DETERMINISTIC = {"nn"}
"""Models whose samples are the same whatever the seed, by definition."""
BLIND = {"random"}
"""Models that do not look at x, by definition."""
LOSES_X = {"cvae", "cdvae-noemb"}
"""Models whose pools hardly follow x, which is what the papers find of them and docs/results.md explains."""
SHAPES = {"photo": ((1, 16, 16), (1, 16, 16)), "motion": ((3, 16, 16), (2, 16, 16))}


def settings(name: str) -> dict[str, object]:
    if name == "cdvae-shallow":
        return {**CDVAE, "codes": (8,), "widths": (32,)}
    return CDVAE if name.startswith("cdvae") else SMALL.get(name, {})


def fields(items: int, kind: str, seed: int = 0) -> Pairs:
    """Smooth x, light or dark; y is x made lighter or darker (photo), or a motion left or right, faster where x is light."""
    (channels, *size), y_shape = SHAPES[kind]
    g = torch.Generator().manual_seed(seed)
    x = torch.nn.functional.interpolate(torch.rand(items, channels, 3, 3, generator=g), size=size, mode="bilinear")
    x = 0.3 * x + 0.7 * torch.rand(items, 1, 1, 1, generator=g)
    sign = torch.randint(0, 2, (items, 1, 1, 1), generator=g) * 2 - 1
    if kind == "photo":
        return Pairs(x, (0.5 * x + 0.25 + 0.2 * sign).clamp(0, 1))
    return Pairs(x, torch.cat([10 * sign * x[:, :1], 2 * x[:, 1:2]], 1).reshape(items, *y_shape))


def made(name: str, pairs: Pairs) -> Model:
    return make.model(name, pairs.x_shape, pairs.y_shape, **settings(name))


def fit(name: str, pairs: Pairs, steps: int) -> Model:
    model = made(name, pairs)
    model.fit(pairs, seed=0, device="cpu", progress=False, steps=steps, batch_size=32)
    return model


@cache
def fitted(name: str, kind: str = "photo") -> Model:
    return fit(name, fields(160, kind), 40)


def parametrised(*, without: set[str] = frozenset()) -> pytest.MarkDecorator:  # type: ignore[assignment]
    return pytest.mark.parametrize("name", [name for name in MODELS if name not in without])


@parametrised(without={"nn", "random"})
def test_gradient_reaches_every_parameter(name: str) -> None:
    model = fitted(name)
    batch = fields(32, "photo", seed=1)
    model.train().zero_grad()
    turns = list(model.optimizers())
    for turn in turns:
        step = Step(3, 10, turn, torch.Generator().manual_seed(0))
        model.losses(Batch(batch.x, batch.y), step)["total"].backward()
    silent = [n for n, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.abs().sum() > 0)]
    model.zero_grad()
    model.eval()
    assert silent == []


@parametrised(without={"nn", "random"})
def test_every_parameter_that_learns_has_one_optimizer(name: str) -> None:
    model = fitted(name)
    held = [id(p) for o in model.optimizers().values() for g in o.param_groups for p in g["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters() if p.requires_grad)


@parametrised()
@pytest.mark.parametrize("kind", SHAPES)
def test_samples_have_their_shape_and_follow_the_seed_to_the_bit(name: str, kind: str) -> None:
    model, x = fitted(name, kind), fields(3, kind, seed=2).x
    samples = model.sample(x, 4, seed=5)
    assert samples.shape == (3, 4, *SHAPES[kind][1])
    assert samples.dtype == torch.float32
    assert torch.isfinite(samples).all()
    assert torch.equal(samples, model.sample(x, 4, seed=5))
    assert torch.equal(samples, model.sample(x, 4, seed=6)) == (name in DETERMINISTIC)


@parametrised()
def test_fit_and_sample_neither_read_nor_change_the_global_random_state(name: str) -> None:
    pairs, x, samples = fields(40, "photo"), fields(2, "photo").x, []
    for seed in (1, 2):
        model = made(name, pairs)
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        model.fit(pairs, seed=0, device="cpu", progress=False, steps=2, batch_size=32)
        samples.append(model.sample(x, 2, seed=0))
        assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(*samples)


@parametrised()
def test_save_load_sample_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    model, x = fitted(name), fields(2, "photo", seed=3).x
    want = model.sample(x, 3, seed=1)
    model.save(tmp_path / "whole")
    assert torch.equal(want, Model.load(tmp_path / "whole").sample(x, 3, seed=1))
    model.save(tmp_path / "half", inference=True)
    half = Model.load(tmp_path / "half")
    assert torch.equal(want, half.sample(x, 3, seed=1))
    assert half.inference_only
    assert all(getattr(half, part) is None for part in model.training_only)


@parametrised(without=BLIND)
def test_with_the_same_noise_another_x_gives_other_samples(name: str) -> None:
    model = fitted(name)
    dark, light = (torch.full((1, 1, 16, 16), v) for v in (0.2, 0.8))
    with torch.no_grad():
        one, other = (model.draw(model.encode(x), 50, Noise(dark, 0)) for x in (dark, light))
    assert (one - other).abs().mean() > 0.01 * one.std()


@parametrised(without=BLIND | LOSES_X)
def test_the_pool_of_one_x_is_not_that_of_another(name: str) -> None:
    """y follows x closely here; the mean of a pool has to cross most of the way that the truth goes."""
    pairs = fields(400, "photo")
    sign = torch.sign(pairs.y.mean((1, 2, 3), keepdim=True) - 0.5 * pairs.x.mean((1, 2, 3), keepdim=True) - 0.25)
    model = fit(
        name, Pairs(pairs.x, 0.8 * pairs.x + 0.1 + 0.1 * sign), 800 if name.startswith("cdvae") else LONG.get(name, 400)
    )
    dark, light = model.sample(torch.stack([torch.full((1, 16, 16), v) for v in (0.2, 0.8)]), 200, seed=0).mean((1, 2, 3, 4))
    assert 0.5 * 0.48 < light - dark < 1.5 * 0.48


@parametrised()
def test_a_pool_has_spread(name: str) -> None:
    pairs = fields(8, "photo", seed=4)
    assert fitted(name).sample(pairs.x, 50, seed=0).var(1).mean() > 1e-3 * pairs.y.var(0).mean()


@parametrised()
@pytest.mark.parametrize("n", [1, 1000])
def test_any_number_of_samples(name: str, n: int) -> None:
    model, x = fitted(name), fields(2, "photo", seed=5).x
    samples = model.sample(x, n, seed=0)
    assert samples.shape == (2, n, 1, 16, 16)
    assert torch.isfinite(samples).all()


@parametrised()
def test_samples_do_not_depend_on_the_rest_of_the_batch(name: str) -> None:
    model, x = fitted(name), fields(9, "photo", seed=6).x
    torch.testing.assert_close(model.sample(x, 3, seed=0)[4:5], model.sample(x[4:5], 3, seed=0), atol=1e-5, rtol=1e-5)


def constant(x: float, y: float) -> Pairs:
    return Pairs(torch.full((40, 1, 16, 16), x), torch.full((40, 1, 16, 16), y))


def flat() -> Pairs:
    levels = torch.linspace(0, 1, 40)[:, None, None, None].expand(40, 1, 16, 16).contiguous()
    return Pairs(levels, 1 - levels)


@parametrised()
@pytest.mark.parametrize(
    "pairs", [constant(0, 0), constant(0.5, 0.5), constant(1, 0), flat()], ids=["black", "grey", "white", "flat"]
)
def test_no_nan_on_fields_without_content(name: str, pairs: Pairs) -> None:
    model = fit(name, pairs, 12)
    seen: list[Tensor] = [pairs.x[:1], torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16), fields(1, "photo").x]
    samples = model.sample(torch.cat(seen), 3, seed=0)
    assert torch.isfinite(samples).all()
    assert torch.isfinite(fitted(name).sample(torch.cat(seen), 3, seed=0)).all()
    density = model.log_prob(pairs.y[:2], pairs.x[:2])
    assert density is None or torch.isfinite(density).all()
