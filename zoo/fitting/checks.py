"""Looks at a model while it is fitted, which change nothing in the fit: a score on held-out pairs, a diagnosis of its own."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import nn

from zoo.data.pairs import Pairs
from zoo.fitting.course import Course
from zoo.fitting.judge import judge_of
from zoo.fitting.steps import Fit, Learner
from zoo.utils.errors import ZooError, shown

PAIRS = 256
"""Pairs that a model may look at for its diagnosis."""
SCORE = "validation"
"""The name of the score of held-out pairs in ``course.checks``."""


class Checks:
    """Looks at the model of a fit each ``every`` steps, and after the last; ``best`` has its weights of the best score."""

    def __init__(self, fit: Fit, course: Course, held: Pairs | None, looks: int) -> None:
        self.fit, self.course, self.held = fit, course, held
        self.every = looks * max(1, fit.total // (looks * fit.training.validations))
        self.best: nn.Module | None = None
        if held is not None:
            held = replace(held, x=held.x.float(), y=held.y.float()).still()
            with fit.clock.aside(), as_fitted(fit.model, fit.accelerator.device):
                self.judge = judge_of(fit, held.to(fit.accelerator.device))
                self.held = held.subset(held.spread(self.judge.items)).to(fit.accelerator.device)
            if fit.training.keep == "best":
                self.best = copy.deepcopy(fit.averaged)  # type: ignore[assignment]

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The part of the state of training that is here."""
        return {} if self.best is None else {"best": self.best}

    def at(self, done: int, last: bool = False) -> dict[str, float]:
        """The numbers found after so many steps, by name, put on record; none between two looks, or with nothing to find."""
        if (done % self.every and not last) or (self.held is None and not self.fit.accelerator.is_main_process):
            return {}
        with self.fit.clock.aside(), as_fitted(self.fit.averaged, self.fit.accelerator.device) as model:
            main = self.fit.accelerator.is_main_process
            found = self._look(model) if main else {}
            found = found if self.held is None else self.fit.agreed(found)
        if found:
            self.course.checks.append({"step": done, **found})
        if self.best is not None and self.best_at == done:
            self.best.load_state_dict(self.fit.averaged.state_dict())  # type: ignore[attr-defined]
        return found

    @property
    def best_at(self) -> int:
        """The step of the best score, 0 where there is none."""
        scored = self._scored()
        return int(min(scored, key=lambda point: point[1])[0]) if scored else 0

    @property
    def exhausted(self) -> bool:
        """Whether patience has come to an end: so many scores in a row were no better than the best before."""
        patience, scored = self.fit.training.patience, self._scored()
        return patience is not None and sum(step > self.best_at for step, _ in scored) >= patience

    def _scored(self) -> list[tuple[float, float]]:
        """The steps that have a score, with what is to be small."""
        points = [(point["step"], self.judge.sign * point[SCORE]) for point in self.course.checks if SCORE in point]
        return [(step, cost if math.isfinite(cost) else math.inf) for step, cost in points]

    def _look(self, model: Any) -> dict[str, float]:
        found = _plain(model.diagnose(self.pairs), model)
        return found if self.held is None else found | {SCORE: self.judge(model, self.held)}

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs that a model may look at, as they are."""
        data = self.fit.data.still()
        return data.subset(data.spread(PAIRS).to(self.fit.accelerator.device))


@contextlib.contextmanager
def as_fitted(model: Learner, device: torch.device) -> Iterator[Learner]:
    """``model`` as if it were fitted, without gradients; afterwards it, and the global random state, are as before."""
    assert isinstance(model, nn.Module)
    modes, fitted = {module: module.training for module in model.modules()}, model.fitted
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.no_grad():
        model.eval()
        model.fitted = True
        try:
            yield model
        finally:
            model.fitted = fitted
            for module, mode in modes.items():
                module.training = mode


def _plain(found: Mapping[str, float], model: Learner) -> dict[str, float]:
    """A model's diagnosis, seen to be numbers by name; those that are not finite are left out."""
    name = type(model).__name__
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise ZooError(f"diagnose of {name} gave {shown(found)}; it must be numbers by name")
    try:
        values = {key: float(value) for key, value in found.items()}
    except (TypeError, ValueError) as error:
        raise ZooError(f"diagnose of {name} gave {shown(found)}; it must be numbers by name") from error
    return {key: value for key, value in values.items() if math.isfinite(value)}
