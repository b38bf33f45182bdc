"""One small score of a checkpoint, and the golden samples that it is kept with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

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


def keep_golden(folder: Path, metric: str | None = None, *, seed: int = 0) -> Golden:
    """Sample from the checkpoint in ``folder`` as it is stored, and keep the samples and one small score beside it.

    Args:
        folder: a saved checkpoint.
        metric: the entry-point name of the metric for the small score; its last value is kept (``error_of_best@10``).
        seed: of the samples.

    Raises:
        ZooError: the file system refused; nothing is left behind.
    """
    model = Model.load(folder)
    x, score = small_score(model, read_facts(folder / CONFIG).task, metric, seed)
    return write_golden(folder, x, model.sample(x, SAMPLES, seed=seed), seed, score)


def small_score(
    model: Model, task: Mapping[str, Any] | None, metric: str | None, seed: int = 0
) -> tuple[Tensor, SmallScore | None]:
    """The x of golden samples, (K, *x_shape), and the small score of a model on the data that its task embeds.

    Args:
        model: fitted.
        task: its task's ``name`` and ``config``.
        metric: as for :func:`keep_golden`.
        seed: of the x, where they are not of that data.
    """
    x, pairs, data = golden_x(model.x_shape, task, seed)
    if pairs is None or metric is None:
        return x, None
    values = small_scores(model, pairs, metric, items=ITEMS, n=N, seed=0)
    return x, _last(values, data, pairs.digest, min(ITEMS, len(pairs)), N, 0)


def score_of(samples: Tensor, pairs: Pairs, metric: str, data: str, seed: int) -> SmallScore | None:
    """The small score of samples that are at hand.

    Args:
        samples: (K, n, *y_shape), of the first K pairs.
        pairs: test pairs of the embedded data, the first K of the whole split among them.
        metric: as for :func:`keep_golden`.
        data: the description of the data.
        seed: of the samples, and of the pairs.
    """
    count, n = samples.shape[:2]
    first = pairs.subset(torch.arange(count))
    given = make.metric(metric)(samples, first.y, x=first.x)
    values = {metric + suffix: value.double().mean().item() for suffix, value in given.items()}
    return _last(values, data, pairs.digest, count, n, seed)


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
