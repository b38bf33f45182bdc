"""Metrics of a fitted model over the test pairs, in batches of bounded memory, with intervals by resampling."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo import registry
from zoo.contracts.metric import Fitted, Metric, NotApplicable, Score
from zoo.utils.bounds import afford
from zoo.utils.errors import RequestError, ZooError, shown
from zoo.utils.progress import progress as progress_bar

if TYPE_CHECKING:
    from zoo.contracts.model import Model
    from zoo.data.pairs import Pairs

NUMBERS = 2**24
"""Sampled numbers held at once (64 MB of float32)."""
ITEMS = 256
"""Test items taken at once, at most."""
RESAMPLED = 2**24
"""Values of resampled items held at once."""


@dataclass(frozen=True)
class Evaluation:
    """Scores by name, the values (N,) in float64 of all items that each is the mean of, and reasons by skipped metric.

    A score that is of some of the items only, or no mean of the values (:meth:`Metric.reduce`), has no values. Of some items
    the first samples are ``kept``, each (count, *y_shape) on the CPU.
    """

    scores: dict[str, Score]
    values: dict[str, Tensor]
    skipped: dict[str, str]
    kept: dict[int, Tensor]


@torch.no_grad()
def evaluate(
    model: Model,
    pairs: Pairs,
    metrics: Mapping[str, Metric],
    n: int,
    *,
    seed: int = 0,
    progress: bool = False,
    optional: Container[str] = (),
    fitted: Fitted | None = None,
    keep: Mapping[int, int] | None = None,
) -> Evaluation:
    """Score a fitted ``model`` on ``pairs`` by each of ``metrics`` (by name), from n samples an item.

    The batches change nothing in the values: the samples for one x do not depend on the others. Metrics in ``optional`` are
    left out with the reason where they fail, those that have to see the whole run where it (``fitted``) is not given; its
    task names the unit of y. ``keep`` says how many of the first samples to keep, by the place of the item in ``pairs``.

    Raises:
        RequestError: there are no pairs.
        ZooError: a metric gives something other than one finite number an item.
    """
    if not len(pairs):
        raise RequestError("there are no test items to score; at least one is needed")
    check_room(n, pairs.y_shape, sum((keep or {}).values()))
    size = max(1, min(ITEMS, NUMBERS // (n * math.prod(pairs.y_shape))))
    densities = any(metric.needs == "joint_log_prob" for metric in metrics.values())
    parts: dict[str, dict[str, list[Tensor]]] = {name: {} for name in metrics}
    kept: dict[int, Tensor] = {}
    skipped = _prepared(metrics, fitted, optional)
    with progress_bar(len(pairs), "evaluate", show=progress) as bar:
        for start in range(0, len(pairs), size):
            index = torch.arange(start, min(start + size, len(pairs)))
            part = pairs.subset(index).to(model.device)
            with registry.calling("models", model.name or type(model).__name__, "it cannot be sampled"):
                samples = model.sample(part.x, n, seed=seed)
            kept |= {i: samples[i - start, :count].cpu() for i, count in (keep or {}).items() if i in index}
            density, lacking = _density(model, part, seed) if densities else (None, "")
            for name, metric in metrics.items():
                if metric.needs == "joint_log_prob" and density is None:
                    skipped[name] = lacking
                if name in skipped:
                    continue
                with _spared(name, optional, skipped):
                    given = metric(samples, part.y, x=part.x, pool=part.pool, joint_log_prob=density, index=index)
                    for suffix, value in _named(given, name).items():
                        parts[name].setdefault(suffix, []).append(_checked(value, name, len(part)))
            bar.update(start + len(part))
    scores, values = dict[str, Score](), dict[str, Tensor]()
    y_unit = fitted.task.y_unit if fitted is not None else ""
    for name in (name for name in metrics if name not in skipped):
        with _spared(name, optional, skipped):
            columns = {suffix: torch.cat(batches) for suffix, batches in parts[name].items()}
            for suffix, score in bootstrap(columns, metrics[name]).items():
                if y_unit and metrics[name].needs != "fitted":
                    score = replace(score, unit=f"{score.unit}, y in {y_unit}")
                scores[name + suffix] = score
            if type(metrics[name]).reduce is Metric.reduce:  # each score is the mean of what the items have
                values |= {name + suffix: value for suffix, value in columns.items() if len(value) == len(pairs)}
    return Evaluation(scores, values, skipped, kept)


def bootstrap(values: Mapping[str, Tensor], metric: Metric, *, resamples: int = 2000, seed: int = 0) -> dict[str, Score]:
    """The scores that a metric makes of its ``values``, (N,) under each suffix, by suffix.

    Each has its percentile bootstrap interval (95 %), resampling items, the same ones for all suffixes.
    """
    if not values:
        return {}
    values = {suffix: value.double().cpu() for suffix, value in values.items()}
    items = len(next(iter(values.values())))
    generator = torch.Generator().manual_seed(seed)
    drawn: dict[str, list[Tensor]] = {}
    for _ in range(0, resamples, 200):
        index = torch.randint(items, (200, items), generator=generator)
        for rows in index.split(max(8, RESAMPLED // (items * len(values)))):
            for suffix, score in _reduced(metric, {suffix: value[rows] for suffix, value in values.items()}).items():
                drawn.setdefault(suffix, []).append(score)
    scores, ends = {}, torch.tensor([0.025, 0.975], dtype=torch.float64)
    for suffix, score in _reduced(metric, values).items():
        value, (low, high), departure = score.item(), torch.cat(drawn[suffix]).quantile(ends).tolist(), None
        if metric.right_at_zero:
            departure, value, low, high = value, abs(value), max(low, -high, 0.0), max(-low, high)
        scores[suffix] = Score(value, low, high, metric.unit, metric.better, departure)
    return scores


def _reduced(metric: Metric, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The scores that a metric makes of values (..., N): a finite number of each set of N items, (...), under each suffix."""
    name, sets = type(metric).__name__, next(iter(values.values())).shape[:-1]
    given = _named(metric.reduce(values), name)
    for score in given.values():
        if not (isinstance(score, Tensor) and score.shape == sets and torch.isfinite(score).all()):
            raise ZooError(f"reduce of metric {name!r} must give a tensor of one finite number a set of items, and did not")
    return {suffix: score.double() for suffix, score in given.items()}


def _prepared(metrics: Mapping[str, Metric], fitted: Fitted | None, optional: Container[str]) -> dict[str, str]:
    """Show every metric the run; gives those that cannot be measured of it, with the reason."""
    if fitted is None:
        return {name: "it is measured of whole runs only" for name, metric in metrics.items() if metric.needs == "fitted"}
    skipped: dict[str, str] = {}
    for name, metric in metrics.items():
        with _spared(name, optional, skipped):
            try:
                metric.prepare(fitted)
            except NotApplicable as error:
                skipped[name] = str(error)
    return skipped


@contextlib.contextmanager
def _spared(name: str, optional: Container[str], skipped: dict[str, str]) -> Iterator[None]:
    """Within it, the failure of an optional metric is its own: it is skipped with the reason."""
    try:
        with registry.calling("metrics", name, "it failed"):
            yield
    except ZooError as error:
        if name not in optional:
            raise
        skipped[name] = str(error)


def _density(model: Model, pairs: Pairs, seed: int) -> tuple[Tensor | None, str]:
    """log p(x, y) of each pair; or None and the reason: the model has none, or was stored without what it takes."""
    try:
        with registry.calling("models", model.name or type(model).__name__, "its density failed"):
            density = model.joint_log_prob(pairs.y, pairs.x, seed=seed)
    except RequestError as error:
        return None, str(error)
    return density, f"model {model.name or type(model).__name__} has no density of (x, y)"


def check_room(n: int, y_shape: tuple[int, ...], kept: int = 0) -> None:
    """Refuse (RequestError) n samples an item that memory has no room for, with what metrics make of them, and those kept."""
    numbers = math.prod(y_shape)
    afford(4 * numbers * (4 * n + kept), f"{n} samples of {numbers} numbers at once", "take fewer (-n)")


def _named(given: Any, metric: str) -> Mapping[str, Tensor]:
    if not (isinstance(given, Mapping) and all(isinstance(suffix, str) for suffix in given)):
        raise ZooError(f"metric {metric!r} gave {shown(given)}; it must be values by name")
    return given


def _checked(value: Any, metric: str, items: int) -> Tensor:
    if not isinstance(value, Tensor):
        raise ZooError(f"metric {metric!r} gave {shown(value)}; it must be a tensor of one number an item")
    if tuple(value.shape) != (items,):
        raise ZooError(f"metric {metric!r} gave values of shape {tuple(value.shape)} for {items} items")
    if not torch.isfinite(value).all():
        raise ZooError(f"metric {metric!r} gave a value that is not a finite number")
    return value.double().cpu()
