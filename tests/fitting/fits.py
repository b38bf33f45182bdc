"""Short fits of small models, for the tests and for the processes that they start."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from zoo import History, Model, Pairs
from zoo.contracts import make

SMALL = {
    "cdvae-mdn12": {"codes": (4, 2), "widths": (16, 16), "components": 2},
    "cgml": {"width": 4, "predictor_width": 8, "latent_steps": 3, "inference_steps": 2},
}


def pairs(items: int = 64, *, crops: bool = False) -> Pairs:
    g = torch.Generator().manual_seed(0)
    x = torch.rand(items, 1, 8, 8, generator=g)
    wide = torch.rand(items, 1, 12, 12, generator=g)
    return Pairs(x, 1 - x, wide=(wide, 1 - wide) if crops else None)


def model(name: str = "cdvae-mdn12", **config: object) -> Model:
    return make.model(name, (1, 8, 8), (1, 8, 8), **{**SMALL[name], **config})


def fit(m: Model, p: Pairs, **more: object) -> History:
    return m.fit(p, **{"seed": 0, "device": "cpu", "steps": 10, "batch_size": 16, "progress": False, **more})


def same(a: Model, b: Model) -> bool:
    return all(torch.equal(u, v) for u, v in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def fit_long(resume: Path | None, *, slowly: bool = False) -> tuple[Model, History]:
    """A fit with a moving average; slowly, and with its state written after each step, so that it can be killed on its way."""
    m = model()
    losses = m.losses
    m.losses = lambda batch, step: (time.sleep(0.02 * slowly), losses(batch, step))[1]  # type: ignore[method-assign]
    return m, fit(m, pairs(crops=True), steps=100, ema=0.9, resume=resume, save_seconds=0.0 if slowly else 30.0)


def fit_among_several(folder: Path, rank: str) -> None:
    """Fit a model of each kind and write its weights."""
    from safetensors.torch import save_file

    for name in SMALL:
        m = model(name)
        given = {"ema": 0.9, "validation": 0.25, "accumulate": 2, "resume": folder / name, "save_seconds": 0.0}
        history = fit(m, pairs(96, crops=True), batch_size=32, steps=20, callback=lambda *point: False, **given)
        assert [point["step"] for point in history.checks] == [20]
        save_file({k: v.contiguous() for k, v in m.state_dict().items()}, folder / f"{name}{rank}")
    save_file({k: v.contiguous() for k, v in fit_without_noise().state_dict().items()}, folder / f"l1{rank}")


def fit_without_noise() -> Model:
    """A short fit whose losses follow from the pairs alone, of batches that two processes cannot share evenly."""
    m = make.model("l1", (2,), (2,), width=8)
    g = torch.Generator().manual_seed(0)
    fit(m, Pairs(torch.rand(48, 2, generator=g), torch.rand(48, 2, generator=g)), batch_size=3, steps=20)
    return m
