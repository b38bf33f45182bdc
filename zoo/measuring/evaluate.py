"""Metrics of a fitted model over the test pairs, in batches of bounded memory, with intervals by resampling."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from zoo import registry
from zoo.contracts.metric import Fitted, Metric, NotApplicable, Score
from zoo.measuring.gain import Gain
from zoo.measuring.scores import bootstrap, checked, group_codes, influence, named
from zoo.utils.bounds import afford
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.progress import progress as progress_bar

if TYPE_CHECKING:
    from zoo.contracts.model import Model
    from zoo.data.pairs import Pairs

NUMBERS = 2**24
"""Sampled numbers held at once (64 MB of float32)."""
ITEMS = 256
"""Test items taken at once, at most."""


@dataclass(frozen=True)
class Evaluation:
    """Scores by name, the values (N,) in float64 of all items that each is the mean of, and reasons by skipped metric.

    A score that is of some of the items only, or no mean of the values (:meth:`Metric.reduce`), has no values. Of some items
    the first samples are ``kept``, each (count, *y_shape) on the CPU. ``shares`` (N,) are what each item adds to a score
    that a metric has a reading of.
    """

    scores: dict[str, Score]
    values: dict[str, Tensor]
    skipped: dict[str, str]
    kept: dict[int, Tensor]
    shares: dict[str, Tensor] = field(default_factory=dict)


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
    look: Callable[[Tensor, Tensor], object] | None = None,
) -> Evaluation:
    """Score a fitted ``model`` on ``pairs`` by each of ``metrics`` (by name), from n samples an item.

    The batches change nothing in the values: the samples for one x do not depend on the others. Metrics in ``optional`` are
    left out with the reason where they fail, those that have to see the whole run where it (``fitted``) is not given; its
    task names the unit of y. ``keep`` says how many of the first samples to keep, by the place of the item in ``pairs``;
    ``look`` is shown the samples (B, n, *y_shape) and the truth (B, *y_shape) of every batch.

    Metrics with ``gains`` are asked a second time, with the samples for the x of an item of another group
    (:class:`zoo.measuring.gain.Gain`): by how much that is worse is the score ``x_gain@NAME``.

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
    groups = group_codes(pairs.groups)
    gain = Gain(pairs, groups, [name for name, metric in metrics.items() if metric.gains], seed)
    with progress_bar(len(pairs), "evaluate", show=progress) as bar:
        for start in range(0, len(pairs), size):
            index = torch.arange(start, min(start + size, len(pairs)))
            part = pairs.subset(index).to(model.device)
            with registry.calling("models", model.name or type(model).__name__, "it cannot be sampled"):
                samples = model.sample(part.x, n, seed=seed)
            own = {i: count for i, count in (keep or {}).items() if 0 <= i - start < len(part)}
            kept |= {i: samples[i - start, :count].to("cpu", copy=True) for i, count in own.items()}
            if look is not None:
                look(samples, part.y)
            density, lacking = _density(model, part, seed) if densities else (None, "")
            for name, metric in metrics.items():
                if metric.needs == "joint_log_prob" and density is None:
                    skipped[name] = lacking
                if name in skipped:
                    continue
                with _spared(name, optional, skipped):
                    try:
                        given = metric(samples, part.y, x=part.x, pool=part.pool, joint_log_prob=density, index=index)
                    except NotApplicable as error:
                        skipped[name] = str(error)
                        continue
                    for suffix, value in named(given, name).items():
                        parts[name].setdefault(suffix, []).append(checked(value, name, len(part)))
                    gain.ask(name, metric, samples, index)
            bar.update(start + len(part))
    scores, values, shares = dict[str, Score](), dict[str, Tensor](), dict[str, Tensor]()
    y_unit = fitted.task.y_unit if fitted is not None else ""
    for name in (name for name in metrics if name not in skipped):
        with _spared(name, optional, skipped):
            columns = {suffix: torch.cat(batches) for suffix, batches in parts[name].items()}
            made = {name: (metrics[name], columns)} | gain.made(name, metrics[name], columns)
            for named_as, (metric, of_items) in made.items():
                for suffix, score in bootstrap(of_items, metric, groups=groups).items():
                    if y_unit and metric.needs != "fitted":
                        score = replace(score, unit=f"{score.unit}, y in {y_unit}")
                    scores[named_as + suffix] = score
                if type(metric).reduce is Metric.reduce:  # each score is the mean of what the items have
                    values |= {named_as + suffix: value for suffix, value in of_items.items() if len(value) == len(pairs)}
            if metrics[name].reads and all(len(value) == len(pairs) for value in columns.values()):
                shares |= {name + suffix: share for suffix, share in influence(columns, metrics[name], groups).items()}
    return Evaluation(scores, values, skipped | gain.skipped, kept, shares)


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
