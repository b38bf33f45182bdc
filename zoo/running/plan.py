"""A run as it is asked for, and its parts, made and checked before anything long begins."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.contracts import make
from zoo.fitting.tracking import check_tracker
from zoo.utils.bounds import seed_of, whole
from zoo.utils.config import added, by_name, make_config, names_in
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import user_path
from zoo.utils.words import typed

if TYPE_CHECKING:
    import torch

    from zoo.contracts.metric import Metric
    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.records import Data
    from zoo.fitting.recipe import Callback


MOST = 10**7
"""Samples of one item, at most."""


@dataclass(frozen=True)
class Request:
    """Everything that a run is asked for, as for :func:`zoo.run`; names are looked up by :func:`make_plan`."""

    model: str | None = None
    task: str | None = None
    data: Any = None
    n: int = 100
    epochs: int | None = None
    seed: int = 0
    device: str = "auto"
    settings: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: str | None = None
    metrics: Sequence[str] | None = None
    items: int | None = None
    out: str | None = None
    resume: bool = False
    progress: bool = True
    split_seed: int = 0
    track: str | None = None
    callback: Callback | None = None
    fit_of: str | None = None
    """The folder of a run; if it is finished and its fit is the one that this run would make, that is taken."""

    def __post_init__(self) -> None:
        if self.out is None and (self.resume or int(os.environ.get("WORLD_SIZE", "1")) > 1):
            why = "to go on with it" if self.resume else "for several processes"
            raise RequestError(f"name the folder of the run (out) {why}")
        self._normalise()
        if self.task is None and self.checkpoint is None and self.data is not None:
            object.__setattr__(self, "task", make.task_for(self.data) or None)
        _ = self.parts
        for word in ("model", "task") if self.checkpoint is None else ():
            if getattr(self, word) is None:
                known = ", ".join(registry.names(f"{word}s"))
                raise RequestError(f"no {word} is named; known: {known} (or name a checkpoint)")
        if self.checkpoint is not None:
            given = [name for name in ("epochs", "track", "callback") if getattr(self, name) is not None]
            if given:
                raise RequestError(f"a checkpoint is fitted already: leave out {given[0]}")
        if self.track is not None:
            check_tracker(self.track)
        if self.callback is not None:
            from zoo.fitting.recipe import check_callback

            check_callback(self.callback)

    def _normalise(self) -> None:
        """See that each part is of its kind, numpy's integers and ``~`` among them, and keep it as a plain value."""
        settings = by_name(self.settings)
        parts: dict[str, Any] = {"n": whole(self.n, "n", 1, MOST), "seed": seed_of(self.seed), "settings": settings}
        if self.data is not None and not isinstance(self.data, str):
            parts["data"] = make.given_data(self.data)
        parts["split_seed"] = seed_of(self.split_seed, "split_seed")
        parts["metrics"] = names_in(self.metrics, "metrics")
        parts |= {"out": None if self.out is None else str(user_path(self.out))}
        epochs = settings.pop("training.epochs", None)
        if epochs is not None and self.epochs is not None:
            raise RequestError("epochs are named twice, once as training.epochs: leave that out")
        epochs = self.epochs if epochs is None else int(epochs) if isinstance(epochs, str) and epochs.isdigit() else epochs
        for name, value in (("epochs", epochs), ("items", self.items)):
            parts[name] = None if value is None else whole(value, name, 1, 10**12)
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    @cached_property
    def parts(self) -> dict[str, dict[str, Any]]:
        """The settings of the ``"model"``, of the ``"task"`` (``task.KEY``) and of ``"training"`` (``training.KEY``)."""
        parts: dict[str, dict[str, Any]] = {"model": {}, "task": {}, "training": {}}
        for key, value in self.settings.items():
            head, dot, tail = key.partition(".")
            if dot and head not in ("task", "training"):
                words = "write KEY for the model, task.KEY for the task, training.KEY for training"
                raise RequestError(f"setting {key!r}: {words}")
            parts[head if dot else "model"][tail if dot else key] = value
        return parts

    def command(self) -> str:
        """The command line that asks for the same numbers."""
        options: dict[str, Any] = {"--model": self.model, "--task": self.task}
        if self.checkpoint is not None:
            options = {"--checkpoint": self.checkpoint}
        options |= {"--data": self.data, "-n": self.n, "--seed": self.seed, "--split-seed": self.split_seed or None}
        options |= {"--items": self.items, "--epochs": self.epochs}
        words = [word for key, value in options.items() if value is not None for word in (key, str(value))]
        words += [word for key, value in self.settings.items() for word in ("--set", f"{key}={written(value)}")]
        words += [word for name in self.metrics or () for word in ("--metric", name)]
        return typed(["zoo", "run", *words])


def written(value: Any) -> str:
    """The value of a setting as a command line has it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


@dataclass(frozen=True)
class Plan:
    """One run, ready to start; the request has the names of the model, the task, the data and the checkpoint filled in.

    ``weights`` is all that decides the fitted weights, with the whole configs: what a run that goes on must agree with.
    ``added`` has the settings of these configs that records of before lack, with what they then were. The model is on the CPU
    and not fitted, or fitted, where a checkpoint is scored. ``skipped`` has the reasons by metric.
    """

    request: Request
    model: Model
    task: Task
    data: Data
    metrics: dict[str, Metric]
    skipped: dict[str, str]
    device: torch.device
    weights: dict[str, Any]
    added: dict[str, dict[str, Any]]


def make_plan(request: Request) -> Plan:
    """The plan of a request; a RequestError for what there is not and for wrong settings, a ZooError for what is broken."""
    from zoo.fitting.recipe import Training, recipe_defaults
    from zoo.measuring.evaluate import check_room
    from zoo.utils.device import pick

    device = pick(request.device)
    if request.checkpoint is not None:
        from zoo.catalog.loading import load

        loaded = load(request.checkpoint, device, request.settings)
        assert loaded.facts.task is not None
        model, model_name, task, task_name = loaded.model, loaded.facts.model, loaded.task, loaded.facts.task["name"]
        for word, given, own in (("model", request.model, model_name), ("task", request.task, task_name)):
            if given not in (None, own):
                raise RequestError(
                    f"checkpoint {request.checkpoint} is of {word} {own!r}, not {given!r}: leave out the {word}"
                )
        data, checkpoint = make.data(request.data or task.data, request.split_seed), loaded.name
    else:
        assert request.model is not None
        assert request.task is not None
        model_name, task_name, checkpoint = request.model, request.task, None
        task, data = task_on(task_name, request.parts["task"], request.data, request.split_seed)
        model = make.model(model_name, tuple(task.x_shape), tuple(task.y_shape), **request.parts["model"])
    if request.parts["training"]:
        from zoo.fitting.judge import check_judge

        check_judge(make_config(Training, request.parts["training"], "training"))
    metrics, skipped = _metrics(request.metrics)
    check_room(request.n, tuple(task.y_shape), request.n)
    request = dataclasses.replace(request, model=model_name, task=task_name, data=str(data), checkpoint=checkpoint)
    weights = {name: getattr(request, name) for name in ("model", "task", "data", "seed", "epochs", "checkpoint")}
    with registry.calling("models", model_name, "its config cannot be told"):
        weights["config"] = model.config_dict()
    with registry.calling("tasks", task_name, "its config cannot be told"):
        weights["task_config"] = dataclasses.asdict(task.config)
    weights["training"] = request.parts["training"]
    weights |= {"split_seed": request.split_seed} if request.split_seed else {}
    since = {"config": recipe_defaults(model.config), "task_config": added(task.config)}
    return Plan(request, model, task, data, metrics, skipped, device, weights, json.loads(json.dumps(since)))


def task_on(name: str, settings: Mapping[str, Any], data: Any, split_seed: int = 0) -> tuple[Task, Data]:
    """The task, with the settings that its data decides where they were not given, and the data."""
    task = make.task(name, **settings)
    source = make.data(data or task.data, split_seed)
    with registry.calling("tasks", name, "it cannot say what settings the data decides"):
        decided = task.settings_of(source)
    return (make.task(name, **{**decided, **settings}) if decided else task), source


def _metrics(names: Sequence[str] | None) -> tuple[dict[str, Metric], dict[str, str]]:
    """The metrics by name; where none are named all of them, less what somebody's package cannot be trusted with.

    Third parties' metrics come into a run that never named them, so they must cost it nothing: they are tried elsewhere
    first, and what does not import quickly, or changes the process by it, is left out with the reason.
    """
    if names is not None:
        return {name: make.metric(name) for name in names}, {}
    from zoo.probing.outcome import Tried
    from zoo.probing.probe import outcomes

    metrics, skipped, group = {}, {}, registry.GROUPS["metrics"]
    outcome = outcomes(plugin for plugin in registry.plugins() if any(point[0] == group for point in plugin.points))
    for name in registry.names("metrics"):
        try:
            entry = registry.entry("metrics", name)
            tried = outcome.get(entry.distribution, {}).get((entry.kind, name), Tried())
            if tried.reason:
                raise entry.broken(tried.reason)
            if tried.faults:
                skipped[name] = f"{entry.owner}: {', '.join(tried.faults)}; name it as a metric to have it all the same"
            elif not (metric := make.metric(name)).opt_in:
                metrics[name] = metric
        except ZooError as error:
            skipped[name] = str(error)
    return metrics, skipped
