"""What sampling takes and refuses, whatever the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.contracts.metric import Metric
from zoo.contracts.model import Model
from zoo.data.pairs import Pairs
from zoo.fitting.recipe import Recipe
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.noise import Noise


@dataclass(frozen=True)
class ScaledConfig(Recipe):
    steps: int = 2


class Scaled(Model):
    Config = ScaledConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.scale = nn.Parameter(torch.ones(()))

    def losses(self, batch: Any, step: Any) -> dict[str, Tensor]:
        return {"total": (batch.y - self.scale * batch.x).square().mean()}

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        return (self.scale * code)[:, None] * noise.normal(n, *self.y_shape).square() * 1e3

    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor:
        return -((y.flatten(1) @ torch.eye(2)) - self.scale * x).square().sum(1)


@pytest.fixture(scope="module")
def model() -> Model:
    model = Scaled((2,), (2,))
    with torch.inference_mode():  # which somebody's script may be in
        pairs = Pairs(torch.rand(8, 2).double(), torch.rand(8, 2).double())
        model.fit(pairs, device="cpu", progress=False)
    return model


@pytest.mark.parametrize("seed", [np.int64(5), np.uint8(5), torch.tensor(5)])
def test_whole_numbers_of_any_kind_are_n_and_seed(model: Model, seed: Any) -> None:
    x = torch.rand(2, 2)
    assert torch.equal(model.sample(x, np.int32(3), seed=seed), model.sample(x, 3, seed=5))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "known", "message"),
    [
        ((torch.zeros(1, 2), 2.0), {}, "n is 2.0; it must be a whole number, at least 1"),
        ((torch.zeros(1, 2), True), {}, "n is True"),
        ((torch.zeros(1, 2), 1), {"seed": "3"}, "seed is '3'; it must be a whole number"),
        ((torch.zeros(1, 2), 1), {"seed": 2**130}, "seed is 1361.*must be a whole number, from -170"),
        ((torch.zeros(1, 2), 1), {"generator": np.random.default_rng(0)}, "generator is a Generator; it must be a torch"),
        ((torch.zeros(1, 2), 10**14), {}, "1 x 100000000000000 samples need about 800,000.0 GB"),
        ((np.zeros((1, 2)), 1), {}, r"x is a ndarray; it must be a tensor \(B, 2\)"),
        ((torch.zeros(1, 2, dtype=torch.complex64), 1), {}, "x is torch.complex64"),
        ((torch.full((1, 2), 1e300, dtype=torch.float64), 1), {}, "x has values that are not finite"),
    ],
)
def test_what_no_sample_can_be_drawn_of_is_refused(model: Model, given: Any, known: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        model.sample(*given, **known)


def test_samples_that_are_not_finite_name_their_x_and_leave_the_mode(model: Model) -> None:
    model.train()
    with pytest.raises(ZooError, match=r"samples for x\[1\] are not finite: its values are from 0 to 1e\+38; scale x"):
        model.sample(torch.tensor([[0.5, 0.5], [0.0, 1e38], [1e38, 1e38]]), 4, seed=0)
    assert model.training
    model.eval()


def test_a_fit_takes_whole_numbers_of_any_kind_as_its_seed() -> None:
    pairs, models = Pairs(torch.rand(8, 2), torch.rand(8, 2)), [Scaled((2,), (2,)) for _ in range(2)]
    for model, seed in zip(models, (np.int64(-3), -3), strict=True):
        model.fit(pairs, seed=seed, device="cpu", progress=False)  # type: ignore[arg-type]
    assert torch.equal(*(model.scale for model in models))
    with pytest.raises(RequestError, match="seed is True; it must be a whole number"):
        models[0].fit(pairs, seed=True, device="cpu", progress=False)


def test_noise_says_which_seeds_there_are() -> None:
    with pytest.raises(RequestError, match=r"seed is 2\.5; it must be a whole number"):
        Noise(torch.zeros(1, 2), 2.5)  # type: ignore[arg-type]


def test_weights_of_another_kind_of_float_are_named(model: Model) -> None:
    half = Scaled((2,), (2,)).half()
    half.fitted = True
    with pytest.raises(RequestError, match=r"weights of model Scaled are torch.float16; call its float\(\) first"):
        half.sample(torch.zeros(1, 2), 1)


def test_a_density_takes_doubles(model: Model) -> None:
    y, x = torch.rand(2, 3, 2)
    assert torch.equal(model.log_prob(y, x), model.log_prob(y.double(), x.double()))  # type: ignore[arg-type]


def test_a_metric_refuses_samples_that_are_not_finite() -> None:
    class Share(Metric):
        unit, better, source = "share of light samples", "higher", "this test"

        def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> dict[str, Tensor]:  # type: ignore[override]
            return {"": (samples > 0.5).float().flatten(1).mean(1)}

    samples = torch.ones(3, 2, 4)
    samples[1, 0, 0] = torch.nan
    with pytest.raises(ZooError, match="the samples of item 1 are not finite; Share measures finite samples only"):
        Share()(samples, torch.ones(3, 4))
