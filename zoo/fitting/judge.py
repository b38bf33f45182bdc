"""The score of a model on held-out pairs while it is fitted: by a metric of few samples, or by the model's own loss."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from zoo import registry
from zoo.data.pairs import Pairs
from zoo.fitting.recipe import LOSS, Step, Training
from zoo.fitting.steps import Fit, Learner, mix
from zoo.utils.errors import RequestError, cause

ITEMS, N = 32, 10
"""Held-out pairs that a metric is measured of, at most, and samples of each."""
LOSS_ITEMS = 512
"""Held-out pairs that the loss is of, at most."""


class ByMetric:
    """The score by a metric of samples, of the same pairs with the same noise each time."""

    def __init__(self, name: str) -> None:
        self.metric = registry.create("metrics", name)
        if self.metric.needs != "samples" or self.metric.better not in ("lower", "higher"):
            why = "has no direction" if self.metric.needs == "samples" else "is of more than samples"
            raise RequestError(f"validate_by is {name!r}, a metric that {why}; name another one, or {LOSS!r}")
        self.sign = 1.0 if self.metric.better == "lower" else -1.0
        self.items = ITEMS

    def first(self, model: Learner, pairs: Pairs) -> float:
        """The score of the truth, by which it is seen whether there is one."""
        return self._of(pairs.y[:, None].expand(-1, N, *pairs.y_shape), pairs)

    def __call__(self, model: Learner, pairs: Pairs) -> float:
        """The score of a model."""
        return self._of(model.sample(pairs.x, N, seed=0), pairs)

    def _of(self, samples: Tensor, pairs: Pairs) -> float:
        index = torch.arange(len(pairs))
        return [*scores_of(self.metric, samples, pairs.y, x=pairs.x, pool=pairs.pool, index=index).values()][-1]


class ByLoss:
    """The sum of the totals of a model's turns, weighted as in the last step of the fit, with the same noise each time."""

    sign = 1.0

    def __init__(self, fit: Fit) -> None:
        self.fit, self.items = fit, LOSS_ITEMS
        self.copy: Any = copy.deepcopy(fit.model)  # a turn may change more than gradients

    def first(self, model: Learner, pairs: Pairs) -> float:
        """The loss of a few pairs, by which it is seen whether there is one."""
        return self(model, pairs.subset(torch.arange(min(2, len(pairs)), device=pairs.x.device)))

    def __call__(self, model: Any, pairs: Pairs) -> float:
        """The loss of a model."""
        self.copy.load_state_dict(model.state_dict())
        self.copy.eval()
        last = Step(self.fit.total - 1, self.fit.total, torch.Generator().manual_seed(mix(self.fit.seed, -2)))
        found = 0.0
        for index in torch.arange(len(pairs), device=pairs.x.device).split(self.fit.training.batch_size):
            batch = replace(pairs.batch(index), index=None)  # which counts the pairs that are fitted to
            with torch.enable_grad():
                found += len(index) * sum(float(losses["total"].detach()) for _, losses in self.copy.turns(batch, last))
        return found / len(pairs)


def check_judge(training: Training) -> None:
    """See (RequestError) that there is what ``training`` says held-out pairs are scored by."""
    if training.validation and training.validate_by != LOSS:
        ByMetric(training.validate_by)


def judge_of(fit: Fit, held: Pairs) -> ByMetric | ByLoss:
    """The judge that ``fit.training.validate_by`` names, seen to be one for these pairs.

    Raises:
        RequestError: it is none.
    """
    name = fit.training.validate_by
    judge = ByLoss(fit) if name == LOSS else ByMetric(name)
    try:
        judge.first(fit.model, held)
    except Exception as error:  # of many kinds: it is somebody's code
        raise RequestError(f"held-out pairs have no {name}: {cause(error)}; choose another validate_by") from error
    return judge


def scores_of(metric: Any, samples: Tensor, y: Tensor, **known: Any) -> Mapping[str, float]:
    """The scores by a metric, by suffix, of samples (B, n, *y_shape) for y (B, *y_shape)."""
    given = {suffix: value.double().cpu() for suffix, value in metric(samples, y, **known).items()}
    scores = metric.reduce(given).items()
    return {suffix: (value.abs() if metric.right_at_zero else value).item() for suffix, value in scores}
