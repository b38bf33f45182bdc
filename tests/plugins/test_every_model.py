"""Every registered model, task and metric of this project keeps the contracts of the zoo; and what ours alone promise."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch

from zoo import registry, testing
from zoo.contracts import make
from zoo.data.pairs import Pairs
from zoo.testing.subjects.model import ModelSubject, fields

OWN = {
    kind: sorted(name for name, found in registry.entries(f"{kind}s").items() if found[0].distribution == registry.OWN)
    for kind in ("model", "task", "metric")
}
SHAPE = (1, 16, 16)
LONG = {"cpixel": 100, "cgan": 500}
"""Steps of the longer fits, of the models whose steps take long."""
BLIND = {"random"}
"""Models that do not look at x, by definition."""
LOSES_X = {"cvae", "cdvae-noemb"}
"""Models whose pools hardly follow x, which is what the papers find of them and docs/results.md explains."""

ALIKE = {"attribute-cvae-b25", "attribute-cvae-b50", "attribute-cvae-b75"}
"""Presets that differ from others in a number alone."""
EXTRA = {"lpips": "lpips", "pieapp": "piq"}
"""Metrics of packages that need not be installed."""

ACCELERATOR = torch.cuda.is_available()
COUNTS = {
    "attribute-cvae": (77, 4, 0),
    "attribute-cvae-b25": (77, 4, 0),
    "attribute-cvae-b50": (77, 4, 0),
    "attribute-cvae-b75": (77, 4, 0),
    "attribute-cvae-b90": (77, 4, 0),
    "bicyclegan": (75, 6, 0),
    "cdvae-gauss": (81, 0, 0),
    "cdvae-mdn12": (81, 0, 0),
    "cdvae-mdn4": (81, 0, 0),
    "cdvae-noemb": (81, 0, 0),
    "cdvae-shallow": (81, 0, 0),
    "ce": (72, 6, 3),
    "cgan": (75, 6, 0),
    "cgml": (75, 6, 0),
    "cgml-norho": (75, 6, 0),
    "cpixel": (77, 4, 0),
    "cvae": (78, 3, 0),
    "cvae-residual": (78, 3, 0),
    "l1": (72, 6, 3),
    "nn": (66, 13, 2),
    "pix2pix": (75, 6, 0),
    "random": (67, 13, 1),
    "attributes": (31, 7, 0),
    "colorize": (35, 3, 0),
    "complete": (35, 3, 0),
    "denoise3d": (31, 7, 0),
    "motion": (35, 3, 0),
    "relight": (37, 1, 0),
    "resaturate": (37, 1, 0),
    "toy": (33, 5, 0),
    "translate": (35, 3, 0),
    "attribute_accuracy": (26, 0, 0),
    "colour_iou": (26, 0, 0),
    "diversity": (25, 0, 1),
    "downstream_accuracy": (26, 0, 0),
    "energy_score": (25, 1, 0),
    "error_of_best": (24, 1, 1),
    "flops": (26, 0, 0),
    "kl": (26, 0, 0),
    "lpips": (8, 18, 0),
    "modes": (26, 0, 0),
    "mse": (26, 0, 0),
    "nll": (26, 0, 0),
    "parameters": (26, 0, 0),
    "pieapp": (8, 18, 0),
    "psnr": (26, 0, 0),
    "seconds": (25, 0, 1),
    "shape_iou": (26, 0, 0),
    "ssim": (26, 0, 0),
    "variance": (24, 1, 1),
}
"""How many checks of each run, are skipped, and are expected to fail, but for the one that needs an accelerator."""


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in OWN.items() for name in names])
def test_it_keeps_the_contracts_of_the_zoo(kind: testing.Kind, name: str) -> None:
    outcome = testing.check(name, kind)
    assert outcome.failed == {}
    assert outcome.ok
    if name in EXTRA and find_spec(EXTRA[name]):
        pytest.skip(f"{EXTRA[name]} is installed: what can be checked depends on whether its weights can be had")
    ran, skipped, expected = COUNTS[name]
    if kind != "task":
        ran, skipped = (ran + 1, skipped) if ACCELERATOR else (ran, skipped + 1)
    assert (len(outcome.ran), len(outcome.skipped), len(outcome.expected)) == (ran, skipped, expected)


def test_all_of_ours_are_counted() -> None:
    assert sorted(COUNTS) == sorted(name for names in OWN.values() for name in names)


@pytest.mark.parametrize("name", [name for name in OWN["model"] if name not in BLIND | LOSES_X | ALIKE])
def test_the_pool_of_one_x_is_not_that_of_another(name: str) -> None:
    """y follows x closely here; the mean of a pool has to cross most of the way that the truth goes."""
    pairs = fields(400, SHAPE, SHAPE)
    sign = torch.sign(pairs.y.mean((1, 2, 3), keepdim=True) - 0.5 * pairs.x.mean((1, 2, 3), keepdim=True) - 0.25)
    model = make.model(name, SHAPE, SHAPE, **quick(name))
    steps = 800 if name.startswith("cdvae") else LONG.get(name, 400)
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
