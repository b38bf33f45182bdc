"""Held-out pairs, the weights that are kept by them, parts of a step, and a callback: each the same after a stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo import Batch, History, Model, Noise, Pairs, Recipe, RequestError, Step, ZooError
from zoo.fitting.state import FILE

GROUPS = [f"photo {i // 4}" for i in range(40)]


class Mean(Model):
    """Draws around a mean of its own; the rate is so high that it comes near the pairs' mean and then leaves it again."""

    Config = Recipe
    dies_at = -1

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: object) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.mean = nn.Parameter(torch.zeros(y_shape))
        self.seen: list[Tensor] = []

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        if step.index == self.dies_at:
            raise KeyboardInterrupt
        self.seen.append(batch.x[:, 0])
        off = batch.y - self.mean
        return {"total": off.square().mean() if step.share < 0.5 else -off.mean(), "off": off.mean()}

    def draw(self, code: Any, n: int, noise: Noise) -> Tensor:
        return self.mean + 0.1 * noise.normal(n, *self.y_shape)


def fit(model: Model | None = None, **more: Any) -> tuple[Mean, History]:
    model = model or Mean((1,), (1,), learning_rate=0.05)
    numbers = torch.arange(40.0)[:, None]
    given = {"steps": 180, "batch_size": 8, "device": "cpu", "progress": False, **more}
    return model, model.fit(Pairs(numbers, 1 + 0.01 * numbers, groups=GROUPS), **given)  # type: ignore[return-value]


def dies_at(step: int) -> Mean:
    model = Mean((1,), (1,), learning_rate=0.05)
    model.dies_at = step
    return model


def test_held_out_groups_are_never_fitted_to_and_the_best_weights_stay() -> None:
    model, history = fit(validation=0.2)
    seen = {int(number) // 4 for part in model.seen for number in part}
    assert (history.held_out, len(seen)) == (8, 8), "two photos of ten"
    scores = {point["step"]: point["validation"] for point in history.checks}
    assert [*scores] == [*range(20, 181, 20)]
    assert history.best_at == min(scores, key=scores.__getitem__) < 180
    last, other = fit(validation=0.2, keep="last")
    assert (other.best_at, other.checks) == (0, history.checks)
    assert abs(model.mean.item() - 1.2) < 0.2 < abs(last.mean.item() - 1.2)


def test_held_out_pairs_change_no_step() -> None:
    """The last weights are those of a fit to the rest alone."""
    some = {"validation": 0.2, "keep": "last"}
    model, _ = fit(**some)
    for by in ({"validate_by": "loss"}, {"validations": 2}):
        assert torch.equal(fit(**some, **by)[0].mean, model.mean)


@pytest.mark.parametrize("more", [{}, {"patience": 3}, {"validate_by": "loss", "ema": 0.5}])
def test_what_was_stopped_goes_on_with_the_same_curves_and_the_same_best(tmp_path: Path, more: dict[str, Any]) -> None:
    whole, one = fit(validation=0.2, **more)
    with pytest.raises(KeyboardInterrupt):
        fit(dies_at(87), validation=0.2, resume=tmp_path, **more)
    for resumed_at in (87, one.stopped_at or 180):  # and once more, when there is nothing left to do
        parts, other = fit(validation=0.2, resume=tmp_path, **more)
        assert other.resumed_at == resumed_at
        assert torch.equal(whole.mean, parts.mean)
        assert (one.losses, one.checks, one.best_at) == (other.losses, other.checks, other.best_at)
        assert (one.stopped_at, one.stopped_by, one.pairs) == (other.stopped_at, other.stopped_by, other.pairs)
    assert (one.stopped_by, one.pairs < 1440) == (("patience", True) if "patience" in more else ("", False))
    with pytest.raises(RequestError, match="validation was"):
        fit(validation=0.2, validations=3, resume=tmp_path, **more)


def test_a_step_in_parts_is_the_same_step(tmp_path: Path) -> None:
    whole, _ = fit()
    parts, history = fit(accumulate=3)
    assert [len(part) for part in parts.seen[:3]] == [3, 3, 2]
    assert torch.equal(torch.cat(parts.seen), torch.cat(whole.seen))
    batches = [Batch(torch.zeros(pairs, 1), torch.zeros(pairs, 1)) for pairs in (8, 9, 3)]
    counts = [[len(part.x) for part in batch.parts(4)] for batch in batches]
    assert counts == [[2, 2, 2, 2], [3, 2, 2, 2], [1, 1, 1]], "processes with 8 and 9 pairs wait for each other 4 times each"
    assert torch.allclose(parts.mean, whole.mean, atol=1e-5)
    with pytest.raises(KeyboardInterrupt):
        fit(dies_at(50), accumulate=3, resume=tmp_path)
    with pytest.raises(RequestError, match="accumulate was 3, now 1"):
        fit(resume=tmp_path)
    resumed, other = fit(accumulate=3, resume=tmp_path)
    assert (other.resumed_at, other.losses) == (50, history.losses)
    assert torch.equal(resumed.mean, parts.mean)


def test_a_callback_sees_the_curves_and_ends_the_fit(tmp_path: Path) -> None:
    told: list[tuple[int, dict[str, float], float]] = []

    def callback(step: int, losses: dict[str, float], lr: float) -> bool:
        told.append((step, losses, lr))
        return step == 60

    model, history = fit(callback=callback, validation=0.2, validations=2, keep="last", resume=tmp_path)
    assert [(step, lr) for step, _, lr in told] == [(20, 0.05), (40, 0.05), (60, 0.05)]
    assert {"total", "off"} <= told[0][1].keys()
    assert (history.stopped_by, history.stopped_at, history.pairs) == ("callback", 60, 480)
    assert [point["step"] for point in history.checks] == [60], "where it ends there is a score"
    again, other = fit(validation=0.2, validations=2, keep="last", resume=tmp_path)
    assert (other.stopped_at, other.losses) == (60, history.losses), "a fit that was ended is finished"
    assert torch.equal(again.mean, model.mean)
    assert (tmp_path / FILE).exists()


def test_an_error_in_a_callback_is_one_line_and_costs_no_step(tmp_path: Path) -> None:
    def callback(step: int, losses: dict[str, float], lr: float) -> bool:
        return step == 40 and losses["missing"] > 0

    whole, _ = fit()
    with pytest.raises(ZooError, match=r"^the callback failed at step 40: KeyError: it lacks 'missing' \(.*in callback\)$"):
        fit(callback=callback, resume=tmp_path)
    again, history = fit(resume=tmp_path)
    assert history.resumed_at == 40, "what came before the error is kept, though a state is due every 30 s"
    assert torch.equal(again.mean, whole.mean)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"callback": 3}, "callback is 3; it must be a function of step, losses and learning rate"),
        ({"patience": 2}, "patience counts validations"),
        ({"validate_by": "loss"}, "validate_by is of validation, and no pairs are held out"),
        ({"validation": 1.0}, r"validation is 1.0; it must be in \[0, 1\)"),
        ({"validation": 0.1, "validate_by": "energy_scor"}, "energy_score"),
        ({"validation": 0.1, "validate_by": "seconds"}, "a metric that is of more than samples"),
        (
            {"validation": 0.1, "validate_by": "loss"},
            r"held-out pairs have no loss: .*'NoneType'.*; choose another validate_by",
        ),
        ({"accumulate": 9}, "accumulate is 9; a step has 8 pairs"),
    ],
)
def test_wrong_settings_are_refused_before_the_first_step(wrong: dict[str, Any], message: str) -> None:
    model = Mean((1,), (1,))
    model.losses = lambda batch, step: {"total": model.mean[batch.index.sum() * 0]}  # type: ignore[method-assign]
    with pytest.raises(RequestError, match=message) as caught:
        fit(model, **wrong)
    assert "\n" not in str(caught.value)
    assert not model.seen
