"""More like one sample: noise near that of the chosen one, whatever a model makes of noise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from zoo.contracts.model import Model
from zoo.utils.errors import RequestError
from zoo.utils.noise import Noise

Draw = Callable[[Tensor, int, Noise], Tensor]
X = torch.tensor([[0.1], [0.8], [0.1]])


class Made(Model):
    """Samples are what a function makes of noise."""

    of: Draw

    def draw(self, code: Any, n: int, noise: Noise) -> Tensor:
        return type(self).of(code, n, noise)


def made(draw: Draw) -> Model:
    model = type("Of", (Made,), {"of": staticmethod(draw)})((1,), (40,))
    model.fitted = True
    return model


def normal(code: Tensor, n: int, noise: Noise) -> Tensor:
    return code[..., None] + noise.normal(n, 40)


def uniform(code: Tensor, n: int, noise: Noise) -> Tensor:
    return noise.uniform(n, 10, 4).flatten(2) + 0 * noise.normal(n)[..., None]


def chosen(code: Tensor, n: int, noise: Noise) -> Tensor:
    return torch.stack([noise.categorical(torch.ones(len(code), n, 7)) for _ in range(40)], 2).float()


def in_pieces(code: Tensor, n: int, noise: Noise) -> Tensor:
    pieces = [(noise.normal(k, 40), noise.uniform(k)) for k in [8] * (n // 8) + [n % 8] * (n % 8 > 0)]
    return torch.cat([a + b[..., None] for a, b in pieces], 1)


def far(samples: Tensor, one: Tensor) -> Tensor:
    """The mean distance (B,) of samples (B, n, 40) from one (B, 40)."""
    return (samples - one[:, None]).norm(dim=2).mean(1)


@pytest.mark.parametrize("draw", [normal, uniform, chosen, in_pieces])
def test_samples_come_nearer_as_the_amount_falls_and_at_0_are_the_one(draw: Draw) -> None:
    model = made(draw)
    pool = model.sample(X, 19, seed=4)
    one = pool[:, 17]
    others = far(pool, one)
    distances = [far(model.sample(X, 19, seed=4, near=(17, amount)), one) for amount in (0, 0.05, 0.3, 1)]
    assert torch.equal(model.sample(X, 19, seed=4, near=(17, 0)), one[:, None].expand(-1, 19, -1))
    assert all((a < b).all() for a, b in pairwise(distances))
    assert (distances[1] < 0.4 * others).all()
    assert (distances[2] < 0.9 * others).all()
    assert (distances[3] > 0.9 * others).all()


@pytest.mark.parametrize("draw", [normal, uniform])
def test_noise_near_a_sample_follows_the_law_of_noise(draw: Draw) -> None:
    model, many = made(draw), torch.linspace(0, 12, 600)[:, None]
    fresh = model.sample(many, 20, seed=1) - (many[:, None] if draw is normal else 0)
    near = model.sample(many, 20, seed=1, near=(0, 0.4))[:, 7] - (many if draw is normal else 0)
    quarters = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])
    assert torch.allclose(near.quantile(quarters), fresh.quantile(quarters), atol=0.03)


def test_near_goes_on_from_step_to_step_and_hangs_on_seed_and_x_alone() -> None:
    model = made(in_pieces)
    once = model.sample(X, 19, seed=4, near=(3, 0.3))
    assert torch.equal(model.sample(X, 19, seed=4, near=[(3, 0.3), (18, 0)]), once[:, 18:].expand(-1, 19, -1))
    assert torch.equal(model.sample(X[1:], 19, seed=4, near=[(3, 0.3)]), once[1:])
    assert torch.equal(model.sample(X, 19, seed=4, near=[]), model.sample(X, 19, seed=4))
    assert not torch.equal(model.sample(X, 19, seed=5, near=(3, 0.3)), once)


@pytest.mark.parametrize(
    ("draw", "near", "message"),
    [
        (normal, (19, 0.3), "the place of near is 19; it must be a whole number, from 0 to 18"),
        (normal, (3, 1.1), "the amount of near is 1.1; it must be a number from 0"),
        (normal, (3, True), "the amount of near is True"),
        (normal, 3, r"near is 3; it must be \(place, amount\), or a list"),
        (normal, [(3, 0.3, 1)], "near is .* it must be"),
        (lambda code, n, noise: torch.zeros(len(code), n, 40), (3, 0.3), "draws no numbers for each sample of its own"),
        (lambda code, n, noise: noise.normal(1, 40).expand(-1, n, -1), (3, 0.3), "draws no numbers for each sample"),
    ],
)
def test_what_cannot_be_near_is_refused(draw: Draw, near: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        made(draw).sample(X, 19, seed=4, near=near)
