"""One small score of a checkpoint, and the golden samples that it is kept with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from zoo.contracts import make
from zoo.contracts.model import Model
from zoo.contracts.stored import golden_x
from zoo.measuring.evaluate import evaluate
from zoo.saving.checkpoint import CONFIG
from zoo.saving.facts import read_facts
from zoo.saving.golden import SAMPLES, Golden, SmallScore, write_golden

if TYPE_CHECKING:
    from zoo.data.pairs import Pairs

ITEMS, N = 32, 10
"""Test items and samples an item of the small score."""


def keep_golden(folder: Path, metric: str | None = None, *, model: Model | None = None, seed: int = 0) -> Golden:
    """Sample from the checkpoint in ``folder`` as it is stored, and keep the samples and one small score beside it.

    Args:
        folder: a saved checkpoint.
        metric: the entry-point name of the metric for the small score; its last value is kept (``error_of_best@10``).
        model: what was saved in ``folder``, whole and in float32, where it need not be loaded again.
        seed: of the samples.

    Raises:
        ZooError: the file system refused; nothing is left behind.
    """
    if model is None:
        model = Model.load(folder)
    x, pairs, data = golden_x(model.x_shape, read_facts(folder / CONFIG).task, seed)
    score = None if pairs is None or metric is None else _small_score(model, pairs, data, metric)
    return write_golden(folder, x, model.sample(x, SAMPLES, seed=seed), seed, score)


def small_scores(model: Model, pairs: Pairs, metric: str, *, items: int, n: int, seed: int) -> dict[str, float]:
    """The values of one metric on the first ``items`` of ``pairs``, from n samples an item; {} if the model has none."""
    few = pairs.subset(torch.arange(min(items, len(pairs))))
    scores = evaluate(model, few, {metric: make.metric(metric)}, n, seed=seed).scores
    return {name: score.value for name, score in scores.items()}


def _small_score(model: Model, pairs: Pairs, data: str, metric: str) -> SmallScore | None:
    values = small_scores(model, pairs, metric, items=ITEMS, n=N, seed=0)
    if not values:
        return None
    name, value = list(values.items())[-1]
    return SmallScore(name, value, 0.01, data, pairs.digest, min(ITEMS, len(pairs)), N, 0)
