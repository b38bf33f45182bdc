"""One small score of a checkpoint, and the golden samples that it is kept with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from zoo.contracts import make
from zoo.contracts.model import Model
from zoo.contracts.stored import golden_x
from zoo.measuring.evaluate import evaluate
from zoo.saving import golden
from zoo.saving.checkpoint import CONFIG
from zoo.saving.facts import read_facts
from zoo.saving.golden import Golden, SmallScore, write_golden

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
    score = None
    if pairs is not None and metric is not None:
        values = small_scores(model, pairs, metric, items=ITEMS, n=N, seed=0)
        score = _last(values, data, pairs.digest, min(ITEMS, len(pairs)), N, 0)
    return write_golden(folder, x, model.sample(x, golden.SAMPLES, seed=seed), seed, score)


def keep_scored(folder: Path, metric: str | None, model: Model, pairs: Pairs, samples: Tensor, data: str, seed: int) -> Golden:
    """Keep golden samples beside the checkpoint in ``folder``, and the small score of what was sampled to be scored.

    Args:
        folder, metric: as for :func:`keep_golden`.
        model: what was saved in ``folder``.
        pairs: test pairs of the task's embedded data.
        samples: (K, n, *y_shape), of the first K pairs with ``seed``, the first K of the whole test split among them.
        data: the description of the data.
        seed: of the samples, and of the pairs.
    """
    count, n = samples.shape[:2]
    values = {}
    if metric is not None:
        first = pairs.subset(torch.arange(count))
        values = {
            metric + suffix: value.double().mean().item()
            for suffix, value in make.metric(metric)(samples, first.y, x=first.x).items()
        }
    score = _last(values, data, pairs.digest, count, n, seed)
    x = pairs.x[: golden.ITEMS]
    return write_golden(folder, x, model.sample(x, golden.SAMPLES, seed=0), 0, score)


def items_of(n: int) -> int:
    """How many items the small score is of where n samples an item are at hand: as few as cost about as much as its own."""
    return max(1, min(ITEMS, ITEMS * N // n))


def small_scores(model: Model, pairs: Pairs, metric: str, *, items: int, n: int, seed: int) -> dict[str, float]:
    """The values of one metric on the first ``items`` of ``pairs``, from n samples an item; {} if the model has none."""
    few = pairs.subset(torch.arange(min(items, len(pairs))))
    scores = evaluate(model, few, {metric: make.metric(metric)}, n, seed=seed).scores
    return {name: score.value for name, score in scores.items()}


def _last(values: dict[str, float], data: str, digest: str, items: int, n: int, seed: int) -> SmallScore | None:
    """The last of some values as the small score; None where there are none."""
    if not values:
        return None
    name, value = list(values.items())[-1]
    return SmallScore(name=name, value=value, tolerance=0.01, data=data, digest=digest, items=items, n=n, seed=seed)
