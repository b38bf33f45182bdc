"""What models with codes say of how much of y their codes bring back, and the collapse that it shows."""

from __future__ import annotations

import math

import pytest
import torch

from zoo import registry
from zoo.contracts import make
from zoo.data.pairs import Pairs
from zoo.testing.subjects.model import ModelSubject, fields
from zoo_cdvae import CDVAE
from zoo_networks.gaussian import CodeVAE
from zoo_networks.units import GRAM_COLUMNS, fidelity

FIELD = (1, 8, 8)
CODED = [name for name in registry.names("models") if issubclass(make.model_class(name)[0], (CDVAE, CodeVAE))]


def test_the_fidelity_of_fields_that_differ_in_a_few_directions_of_many_numbers() -> None:
    """Two thirds of the deviation lie along one direction, a third along another; half of the variance of y is lost."""
    size = 2 * GRAM_COLUMNS + 5
    first, second = torch.zeros(2, size)
    first[0], second[-1] = 2, 1
    again = 3 + torch.stack([first, -first, second, -second])
    lost = torch.zeros(4, size)
    lost[:, 7] = torch.tensor([1.0, 1.0, -1.0, -1.0]) * math.sqrt(10 / 4)
    found = fidelity((again + lost).view(4, 1, 1, size), again.view(4, 1, 1, size))
    assert found["explained"] == pytest.approx(0.5, abs=1e-4)
    assert found["rank"] == pytest.approx(math.exp(2 / 3 * math.log(3 / 2) + math.log(3) / 3), abs=1e-4)


def test_the_fidelity_of_what_comes_back_alike_or_is_alike() -> None:
    truth = torch.randn(6, *FIELD, generator=torch.Generator().manual_seed(0))
    found = fidelity(truth - truth.mean(0), torch.zeros_like(truth))
    assert found == {"explained": pytest.approx(0, abs=1e-6), "rank": 0}
    assert fidelity(torch.ones_like(truth), truth) == {}


@pytest.mark.parametrize("name", CODED)
@torch.no_grad()
def test_every_model_with_codes_says_how_much_of_y_they_bring_back(name: str) -> None:
    """Before they have learnt anything that is little."""
    model, pairs = make.model(name, FIELD, FIELD, **ModelSubject(name).settings), fields(20, FIELD, FIELD)
    model.prepare(pairs, 0)
    found = model.eval().diagnose(pairs)
    assert set(found) == {"explained", "rank"}
    assert found["explained"] < 0.5
    assert 0 <= found["rank"] <= 19


def test_a_predicted_variance_makes_the_decoder_collapse_and_a_fixed_one_does_not() -> None:
    """A smooth slope, and beside it four stripes, which are most of the variance: noise, where that may be."""
    g, line = torch.Generator().manual_seed(0), torch.linspace(-1, 1, 8)
    down, across = torch.meshgrid(line, line, indexing="ij")
    angle = 2 * math.pi * torch.rand(200, 1, 1, generator=g)
    stripes = torch.randn(200, 4, 1, generator=g).sign().repeat_interleave(2, 1) * (across > 0)
    y = (0.3 * (angle.cos() * across + angle.sin() * down) + 0.7 * stripes)[:, None]
    pairs = Pairs(torch.randn(200, *FIELD, generator=g), y)
    small = {"codes": (6, 4), "widths": (24, 16), "components": 3, "learning_rate": 6e-3, "guidance": (0.0, 0.0)}
    found = []
    for variance in (None, CDVAE.Config().output_variance):
        model = CDVAE(FIELD, FIELD, **small, reconstruction=(1.0, 1.0), output_variance=variance)
        model.fit(pairs, seed=0, device="cpu", steps=60, batch_size=32, progress=False)
        with torch.no_grad():
            found.append(model.diagnose(pairs))
    collapsed, whole = found
    assert collapsed["explained"] < 0.2 < 0.4 < whole["explained"]
    assert collapsed["rank"] < 3 < whole["rank"]
