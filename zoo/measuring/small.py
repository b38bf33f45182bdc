"""One small score of a checkpoint, and the golden samples that it is kept with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo.contracts import make
from zoo.contracts.model import Model
from zoo.fitting.judge import scores_of
from zoo.saving.checkpoint import CONFIG
from zoo.saving.facts import read_facts
from zoo.saving.golden import CHANGE, SAMPLES, Golden, SmallScore, golden_x, write_golden

if TYPE_CHECKING:
    from zoo.data.pairs import Pairs

ITEMS, N = 32, 10
"""Test items and samples an item of the small score."""


def keep_golden(folder: Path, metric: str | None = None, *, seed: int = 0) -> Golden:
    """Sample from the checkpoint in ``folder`` as it is stored, and keep the samples and one small score beside it.

    The score is the last value (``error_of_best@10``) of a metric of samples. Where the file system refuses, nothing is left.
    """
    model = Model.load(folder)
    x, score = small_score(model, read_facts(folder / CONFIG).task, metric, seed)
    return write_golden(folder, x, model.sample(x, SAMPLES, seed=seed), seed, score)


def small_score(
    model: Model, task: Mapping[str, Any] | None, metric: str | None, seed: int = 0
) -> tuple[Tensor, SmallScore | None]:
    """The x of golden samples, (K, *x_shape), and the small score of a model on the data that its task embeds."""
    x, pairs, data = golden_x(model.x_shape, task, seed)
    if pairs is None or metric is None:
        return x, None
    return x, score_of(model.sample(pairs.x[:ITEMS], N, seed=0), pairs, metric, data, 0)


def score_of(samples: Tensor, pairs: Pairs, metric: str, data: str, seed: int) -> SmallScore | None:
    """The small score of samples (K, n, *y_shape) of the first K pairs of the embedded data; None if the metric gives none."""
    items, n = samples.shape[:2]
    if not (values := values_of(samples, pairs, metric)):
        return None
    name, digest = list(values)[-1], pairs.digest
    return SmallScore(name=name, value=values[name], tolerance=CHANGE, data=data, digest=digest, items=items, n=n, seed=seed)


def values_of(samples: Tensor, pairs: Pairs, metric: str) -> dict[str, float]:
    """The scores by a metric of the first pairs by name, from samples of each, (K, n, *y_shape)."""
    first, measure = pairs.subset(torch.arange(len(samples))), make.metric(metric)
    return {metric + suffix: value for suffix, value in scores_of(measure, samples, first.y, x=first.x).items()}
