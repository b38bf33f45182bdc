"""Promises of all models of this project beyond the contracts of the zoo, which tests/testing/test_contracts.py checks."""

from __future__ import annotations

import pytest
import torch

from zoo import registry
from zoo.contracts import make
from zoo.data.pairs import Pairs
from zoo.testing.subjects.model import ModelSubject, fields

SHAPE = (1, 16, 16)
STEPS = {"cpixel": 100, "cgan": 300, "cvae-residual": 300}
"""Steps that are enough, where 150 (800 of a CDVAE) are not or take long."""
BLIND = {"random"}
"""Models that do not look at x, by definition."""
LOSES_X = {"cvae", "cdvae-noemb"}
"""Models whose pools hardly follow x, which is what the papers find of them and docs/results.md explains."""

ALIKE = {"attribute-cvae-b25", "attribute-cvae-b50", "attribute-cvae-b75"}
"""Presets that differ from others in a number alone."""
NAMES = [name for name in registry.names("models") if registry.entry("models", name).own]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BLIND | LOSES_X | ALIKE])
def test_the_pool_of_one_x_is_not_that_of_another(name: str) -> None:
    """y follows x closely here; the mean of a pool has to cross most of the way that the truth goes."""
    pairs = fields(400, SHAPE, SHAPE)
    sign = torch.sign(pairs.y.mean((1, 2, 3), keepdim=True) - 0.5 * pairs.x.mean((1, 2, 3), keepdim=True) - 0.25)
    model = make.model(name, SHAPE, SHAPE, **quick(name))
    steps = 800 if name.startswith("cdvae") else STEPS.get(name, 150)
    pairs = Pairs(pairs.x, 0.8 * pairs.x + 0.1 + 0.1 * sign)
    model.fit(pairs, seed=0, device="cpu", progress=False, steps=steps, batch_size=32)
    dark, light = model.sample(torch.stack([torch.full(SHAPE, v) for v in (0.2, 0.8)]), 200, seed=0).mean((1, 2, 3, 4))
    assert 0.5 * 0.48 < light - dark < 1.5 * 0.48


def quick(name: str) -> dict[str, object]:
    """The settings for checking, and those with which so few steps are enough for the presets that state others.

    With the paper's weight of the KL, BicycleGAN's code of y tells what x tells too, and x is hardly looked at.
    """
    more: dict[str, dict[str, object]] = {
        "cvae-residual": {"output_variance": 0.1},
        "cdvae-shallow": {"codes": (8,), "widths": (32,)},
        "bicyclegan": {"lambda_kl": 0.5},
    }
    return {**ModelSubject(name).settings, **more.get(name, {})}
