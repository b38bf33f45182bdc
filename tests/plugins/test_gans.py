"""The adversarial models: who learns in which turn, what differs between samples, both modes, penalties, sides and vectors."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo.contracts import make
from zoo.contracts.model import Model
from zoo.data.pairs import Pairs
from zoo.testing.subjects.model import fields
from zoo_gans import BicycleGAN, ContextEncoder, Pix2Pix
from zoo_gans.game import Discriminator

FAMILY = ["l1", "cgml", "ce", "pix2pix", "bicyclegan"]
SMALL: dict[str, Any] = {"width": 4, "discriminator_width": 4}
FEW: dict[str, dict[str, Any]] = {
    "l1": {"width": 4},
    "cgml": {"width": 4, "predictor_width": 8, "latent_steps": 2, "inference_steps": 2},
}
SHAPE = (1, 16, 16)


def two_modes(items: int, seed: int) -> Pairs:
    """y is a dark or a light field, whatever x is."""
    g = torch.Generator().manual_seed(seed)
    side = torch.randint(0, 2, (items, 1, 1, 1), generator=g)
    return Pairs(torch.rand(items, 1, 8, 8, generator=g), (0.2 + 0.6 * side).expand(items, 1, 8, 8).clone())


def fit(name: str, pairs: Pairs, steps: int, **config: Any) -> Model:
    model = make.model(name, pairs.x_shape, pairs.y_shape, **{**FEW.get(name, SMALL), **config})
    model.fit(pairs, seed=0, device="cpu", progress=False, steps=steps, batch_size=16)
    return model


@cache
def fitted(name: str) -> Model:
    return fit(name, fields(32, SHAPE, SHAPE), 3)


def test_a_discriminator_can_be_shared_by_both_cycles() -> None:
    for shared, count in ((True, 1), (False, 2)):
        assert len(BicycleGAN(SHAPE, SHAPE, shared=shared, **SMALL).discriminators) == count


def test_generators_are_of_equal_capacity() -> None:
    """Within three per cent of the L1 baseline's at equal width, for fields and for vectors x."""

    def parameters(*modules: nn.Module) -> int:
        return sum(p.numel() for module in modules for p in module.parameters())

    for x_shape in ((3, 32, 32), (40,)):
        l1 = parameters(make.model("l1", x_shape, (3, 32, 32), width=32))
        for name in ("ce", "pix2pix", "bicyclegan"):
            model = make.model(name, x_shape, (3, 32, 32), width=32)
            assert 0.97 < parameters(model.h, model.g) / l1 < 1.03


def test_bicyclegan_reaches_both_modes() -> None:
    """With a stronger pull of the codes to the standard normal than the paper's, as few steps are enough."""
    model = fit("bicyclegan", two_modes(256, 0), 200, width=8, discriminator_width=8, lambda_kl=0.1, learning_rate=4e-3)
    samples = model.sample(two_modes(8, 1).x, 200, seed=0)
    dark, light = ((samples - level).abs().mean((2, 3, 4)) < 0.15 for level in (0.2, 0.8))
    assert dark.float().mean(1).min() > 0.15
    assert light.float().mean(1).min() > 0.15


def test_dropout_is_the_noise_of_pix2pix() -> None:
    """Samples differ, and without dropout they are all the same."""
    x = fields(3, SHAPE, SHAPE, seed=1).x
    without = fit("pix2pix", fields(32, SHAPE, SHAPE), 3, dropout=0.0)
    assert fitted("pix2pix").sample(x, 6, seed=0).std(1).mean((1, 2, 3)).min() > 1e-3
    assert without.sample(x, 6, seed=0).std(1).max() < 1e-6


@pytest.mark.parametrize("side", [8, 32])
def test_dropout_takes_its_share(side: int) -> None:
    model = Pix2Pix((1, side, side), (1, side, side), dropout=0.25, **SMALL)
    kept = model._dropout([torch.Generator().manual_seed(0)])(torch.ones(4, 32, 16, 16))
    assert kept.unique().tolist() == pytest.approx([0, 4 / 3])
    assert abs(kept.mean() - 1) < 0.02
    seen: list[tuple[int, ...]] = []

    def look(field: Tensor) -> Tensor:
        seen.append(tuple(field.shape))
        return field

    features = model.h(torch.rand(1, 1, side, side))
    model.eval().g(features, drop=look)
    assert seen == ([(1, 4, 4, 4)] if side == 8 else [(1, 8, 8, 8), (1, 4, 16, 16)])


@pytest.mark.parametrize("name", FAMILY)
def test_x_is_encoded_once_for_all_samples(name: str) -> None:
    """Twenty samples cost of the encoder what one costs."""
    model, rows = fitted(name), []
    assert isinstance(model.h, nn.Module)
    handle = model.h.register_forward_hook(lambda module, given, outputs: rows.append(len(given[0])))
    try:
        for n in (1, 20):
            model.sample(fields(3, SHAPE, SHAPE).x, n, seed=0)
    finally:
        handle.remove()
    assert rows == [3, 3]


@pytest.mark.parametrize("name", FAMILY)
def test_the_tasks_penalty_changes_what_is_learnt(name: str) -> None:
    """A cost of what is light makes what is learnt darker, in the units of y."""
    pairs = fields(32, SHAPE, SHAPE)
    dear = Pairs(pairs.x, 100 * pairs.y, penalty=lambda made: 5 * made.flatten(1).mean(1))
    free = Pairs(pairs.x, 100 * pairs.y)
    dark, plain = (fit(name, p, 30, learning_rate=4e-3).sample(pairs.x[:4], 4, seed=0).mean() for p in (dear, free))
    assert dark < plain - 10


@pytest.mark.parametrize("side", [8, 32, 64])
@pytest.mark.parametrize("name", ["ce", "pix2pix", "bicyclegan"])
def test_every_side_comes_from_one_definition(name: str, side: int) -> None:
    pairs = fields(3, (2, side, side), (3, side, side))
    samples = fit(name, pairs, 1).sample(pairs.x, 2, seed=0)
    assert samples.shape == (3, 2, 3, side, side)
    assert torch.isfinite(samples).all()
    assert samples.min() >= pairs.y.min()
    assert samples.max() <= pairs.y.max()


def test_a_patch_is_seventy_pixels_wide() -> None:
    """pix2pix, section 3.2.2: a score depends on 70 x 70 pixels, and on no others."""
    judge = Discriminator((1, 128, 128), (1, 128, 128), 4, 3)
    y = torch.rand(1, 1, 128, 128, requires_grad=True)
    scores = judge(y, torch.rand(1, 1, 128, 128))
    side = math.isqrt(scores.shape[1])
    assert scores.shape == (1, side**2)
    scores[0, side // 2 * side + side // 2].backward()
    assert y.grad is not None
    seen = y.grad[0, 0].abs() > 0
    assert int(seen.any(0).sum()) == int(seen.any(1).sum()) == 70


def test_a_context_encoders_discriminator_scores_the_whole_of_y() -> None:
    model = ContextEncoder(SHAPE, SHAPE, **SMALL)
    assert model.discriminators[0](torch.rand(3, *SHAPE)).shape == (3, 1)
