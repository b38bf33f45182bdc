"""The parts of a run: everything that a request names, made and checked before anything long begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.contracts import make
from zoo.running.request import Request
from zoo.utils.config import make_config
from zoo.utils.errors import RequestError, ZooError

if TYPE_CHECKING:
    import torch

    from zoo.contracts.metric import Metric
    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.records import Data

METRICS = registry.GROUPS["metrics"]


@dataclass(frozen=True)
class Plan:
    """One run, ready to start.

    Attributes:
        request: what was asked for, with the names of the model, the task, the data and the checkpoint filled in.
        model_name, task_name: entry-point names.
        model: on the CPU, not fitted; or fitted, where a checkpoint is scored.
        task, data: as the request names them.
        metrics: by name.
        skipped: metrics that cannot be had, with the reason.
        unasked: those of the metrics that a third party brings and nobody asked for: if one fails, the run goes on.
        device: of the fit and the samples.
        weights: all that decides the fitted weights (:meth:`Request.weights`).
    """

    request: Request
    model_name: str
    task_name: str
    model: Model
    task: Task
    data: Data
    metrics: dict[str, Metric]
    skipped: dict[str, str]
    unasked: frozenset[str]
    device: torch.device
    weights: dict[str, Any]


def make_plan(request: Request) -> Plan:
    """The plan of a request.

    Raises:
        RequestError: there is no such model, task, data, metric, checkpoint or device, or it refuses its settings.
        ZooError: something that was asked for is broken.
    """
    from zoo.utils.device import pick

    device = pick(request.device)
    if request.checkpoint is not None:
        from zoo.catalog.loaded import load

        loaded = load(request.checkpoint, device)
        assert loaded.facts.task is not None
        model, model_name, task, task_name = loaded.model, loaded.facts.model, loaded.task, loaded.facts.task["name"]
        for word, given, own in (("model", request.model, model_name), ("task", request.task, task_name)):
            if given not in (None, own):
                raise RequestError(
                    f"checkpoint {request.checkpoint} is of {word} {own!r}, not {given!r}: leave out the {word}"
                )
        data, checkpoint = make.data(request.data or task.data), loaded.name
    else:
        assert request.model is not None
        assert request.task is not None
        model_name, task_name, checkpoint = request.model, request.task, None
        task, data = task_on(task_name, request.parts["task"], request.data)
        model = make.model(model_name, tuple(task.x_shape), tuple(task.y_shape), **request.parts["model"])
    if request.parts["training"]:
        from zoo.fitting.recipe import Training

        make_config(Training, request.parts["training"], "training")
    metrics, skipped, unasked = _metrics(request.metrics)
    request = dataclasses.replace(request, model=model_name, task=task_name, data=str(data), checkpoint=checkpoint)
    weights = request.weights(model.config_dict(), dataclasses.asdict(task.config))
    return Plan(request, model_name, task_name, model, task, data, metrics, skipped, unasked, device, weights)


def task_on(name: str, settings: Mapping[str, Any], data: str | None) -> tuple[Task, Data]:
    """The task, with the settings that its data decides where they were not given, and the data."""
    task = make.task(name, **settings)
    source = make.data(data or task.data)
    decided = task.settings_of(source)
    return (make.task(name, **{**decided, **settings}) if decided else task), source


def _metrics(names: Sequence[str] | None) -> tuple[dict[str, Metric], dict[str, str], frozenset[str]]:
    """The metrics by name; where none are named all of them, less what somebody's package cannot be trusted with.

    Third parties' metrics come into a run that never named them, so they must cost it nothing: they are tried elsewhere
    first, and what does not import quickly, or changes the process by it, is left out with the reason.
    """
    if names is not None:
        return {name: make.metric(name) for name in names}, {}, frozenset()
    from zoo.probing.probe import outcomes

    metrics, skipped, unasked = {}, {}, set()
    tried = outcomes(plugin for plugin in registry.plugins() if any(group == METRICS for group, _, _ in plugin.points))
    for name in registry.names("metrics"):
        try:
            entry = registry.entry("metrics", name)
            outcome = tried.get(entry.distribution, {}).get((entry.kind, name))
            if outcome is not None and outcome.faults:
                if outcome.reason:
                    raise entry.broken(outcome.reason)
                skipped[name] = f"{entry.owner}: {', '.join(outcome.faults)}; name it as a metric to have it all the same"
                continue
            metric = make.metric(name)
            if metric.opt_in:
                continue
            metrics[name] = metric
            if entry.distribution != registry.OWN:
                unasked.add(name)
        except ZooError as error:
            skipped[name] = str(error)
    return metrics, skipped, frozenset(unasked)
