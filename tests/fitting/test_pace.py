"""Steps found for so many seconds of a fit, by a clock that the test turns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from fits import same
from torch import Tensor, nn

from zoo import Batch, Model, Pairs, Recipe, RequestError, Step
from zoo.fitting import steps as module


class Slow(Model):
    """Takes two seconds before the first step, one for a step in the first half of a fit, three in the second."""

    Config = Recipe
    now = 0.0

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: object) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.mean = nn.Parameter(torch.zeros(y_shape))

    def prepare(self, pairs: Pairs, seed: int) -> None:
        Slow.now += 2

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        Slow.now += 1 if step.share < 0.5 else 3
        return {"total": (batch.y - self.mean).square().mean()}

    def diagnose(self, pairs: Pairs) -> dict[str, float]:
        Slow.now += 5  # which is none of the fit's
        return {"mean": float(self.mean)}


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.Clock, "_now", lambda clock: Slow.now)


def fitted(**more: object) -> tuple[Model, object]:
    model = Slow((1,), (1,), steps=1000)
    pairs = Pairs(torch.zeros(8, 1), torch.linspace(0, 1, 8)[:, None])
    return model, model.fit(pairs, device="cpu", progress=False, batch_size=4, **more)


def test_the_steps_fill_the_seconds_whatever_the_phases_cost() -> None:
    model, history = fitted(seconds=202)
    assert (history.steps, history.processor, history.pairs, history.checking) == (100, 202, 400, 25)
    assert same(model, fitted(steps=100)[0]), "the timed steps have changed nothing"
    assert fitted(seconds=0.5)[1].steps == 1


def test_what_was_found_is_kept_for_a_fit_that_goes_on(tmp_path: Path) -> None:
    fitted(seconds=202, resume=tmp_path)
    assert json.loads((tmp_path / "pace.json").read_text()) == {"seconds": 202, "steps": 100}
    again = fitted(seconds=202, resume=tmp_path)[1]
    assert (again.steps, again.resumed_at, again.processor) == (100, 100, 204), "of the fit before, and what is learned anew"
    (tmp_path / "a").mkdir()
    for text in ('{"seconds": 202, "steps": 0}', "[", '{"seconds": 7, "steps": 3}'):
        (tmp_path / "a" / "pace.json").write_text(text)
        assert fitted(seconds=22, resume=tmp_path / "a")[1].steps == 10
        (tmp_path / "a" / "training.safetensors").unlink()


def test_steps_that_are_named_twice_are_refused() -> None:
    for more in ({"steps": 3}, {"epochs": 1}):
        with pytest.raises(RequestError, match=f"leave out {next(iter(more))}"):
            fitted(seconds=5, **more)
