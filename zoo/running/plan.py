"""What a run is asked to do, made and checked as far as possible before anything long begins."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.contracts import make
from zoo.utils.config import make_config
from zoo.utils.errors import RequestError, ZooError

if TYPE_CHECKING:
    import torch

    from zoo.catalog.loaded import Loaded
    from zoo.contracts.metric import Metric
    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.records import Data

METRICS = registry.GROUPS["metrics"]


@dataclass
class Plan:
    """One run, ready to start.

    Attributes:
        model_name, task_name: entry-point names.
        model: made, on the CPU, not fitted; or fitted, where a checkpoint is scored.
        task, data: made.
        metrics: made, by name.
        skipped: metrics that cannot be had, with the reason.
        unasked: those of the metrics that a third party brings and nobody asked for: if one fails, the run goes on.
        n: samples an item.
        epochs, seed, device: of the fit.
        training: settings of the training loop.
        settings: the model's, the task's and training's settings as they were given.
        checkpoint: the name of the checkpoint that is scored, or None.
        chosen: the metrics that were asked for by name, or None.
        items: how many test items are scored, spread evenly over all of them; None for all.
    """

    model_name: str
    task_name: str
    model: Model
    task: Task
    data: Data
    metrics: dict[str, Metric]
    n: int
    epochs: int | None
    seed: int
    device: torch.device
    skipped: dict[str, str] = field(default_factory=dict)
    unasked: frozenset[str] = frozenset()
    training: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    checkpoint: str | None = None
    chosen: tuple[str, ...] | None = None
    items: int | None = None

    def request(self) -> dict[str, Any]:
        """What decides the fitted weights, as plain values: a run that goes on must be the same request."""
        from dataclasses import asdict

        return {
            "model": self.model_name,
            "config": self.model.config_dict(),
            "task": self.task_name,
            "task_config": asdict(self.task.config),
            "data": str(self.data),
            "seed": self.seed,
            "epochs": self.epochs,
            "training": self.training,
            "checkpoint": self.checkpoint,
        }

    def command(self, out: str | None = None) -> str:
        """The command line that does this again."""
        words = ["zoo", "run"]
        if self.checkpoint is None:
            words += ["--model", self.model_name, "--task", self.task_name]
        else:
            words += ["--checkpoint", self.checkpoint]
        words += ["--data", str(self.data), "-n", str(self.n), "--seed", str(self.seed)]
        if self.items is not None:
            words += ["--items", str(self.items)]
        if self.epochs is not None:
            words += ["--epochs", str(self.epochs)]
        for key, value in self.settings.items():
            words += ["--set", f"{key}={_text(value)}"]
        for name in self.chosen or ():
            words += ["--metric", name]
        return shlex.join([*words, *(["--out", out] if out else [])])


def make_plan(
    model: str | None,
    task: str | None,
    data: str | None,
    n: int,
    epochs: int | None,
    seed: int,
    device: str | torch.device,
    settings: Mapping[str, Any],
    checkpoint: str | None,
    metrics: Sequence[str] | None,
    items: int | None = None,
) -> Plan:
    """The plan of a request, everything in it made and checked; see :func:`zoo.running.run.run` for the arguments.

    Raises:
        RequestError: something in the request is wrong.
        ZooError: something that was asked for is broken.
    """
    from zoo.utils.device import pick

    for name, value, least in (("n", n, 1), ("epochs", epochs, 1), ("items", items, 1), ("seed", seed, None)):
        if value is None and name in ("epochs", "items"):
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise RequestError(f"{name} is {value!r}; it must be a whole number")
        if least is not None and value < least:
            raise RequestError(f"{name} is {value}; it must be at least {least}")
    place = pick(device)
    own, of_task, of_training = split_settings(settings)
    if checkpoint is not None:
        loaded = _loaded(checkpoint, model, task, place, epochs, settings)
        made, made_task = loaded.model, loaded.task
        of_data = make.data(data or made_task.data)
        assert loaded.facts.task is not None
        model, task, checkpoint = loaded.facts.model, loaded.facts.task["name"], loaded.name
    else:
        if model is None or task is None:
            lacking = "model" if model is None else "task"
            known = ", ".join(registry.names(f"{lacking}s"))
            raise RequestError(f"no {lacking} is named; known: {known} (or name a checkpoint)")
        made_task, of_data = task_for(task, of_task, data)
        made = make.model(model, tuple(made_task.x_shape), tuple(made_task.y_shape), **own)
    if of_training:
        from zoo.fitting.recipe import Training

        make_config(Training, of_training, "training")
    chosen, skipped, unasked = _metrics(metrics)
    return Plan(
        model_name=model,
        task_name=task,
        model=made,
        task=made_task,
        data=of_data,
        metrics=chosen,
        n=n,
        epochs=epochs,
        seed=seed,
        device=place,
        skipped=skipped,
        unasked=unasked,
        training=of_training,
        settings=dict(settings),
        checkpoint=checkpoint,
        chosen=None if metrics is None else tuple(metrics),
        items=items,
    )


def task_for(name: str, settings: Mapping[str, Any], data: str | None) -> tuple[Task, Data]:
    """The task, with the settings that its data decides where they were not given, and the data."""
    task = make.task(name, **settings)
    of_data = make.data(data or task.data)
    more = task.settings_of(of_data)
    return (make.task(name, **{**more, **settings}) if more else task), of_data


def split_settings(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The settings of the model, of the task (``task.key``) and of training (``training.key``).

    Raises:
        RequestError: a key has another prefix.
    """
    parts: dict[str, dict[str, Any]] = {"": {}, "task": {}, "training": {}}
    for key, value in settings.items():
        head, dot, tail = key.partition(".")
        if dot and head not in parts:
            raise RequestError(f"setting {key!r}: write KEY for the model, task.KEY for the task, training.KEY for training")
        parts[head if dot else ""][tail if dot else key] = value
    return parts[""], parts["task"], parts["training"]


def _loaded(
    name: str,
    model: str | None,
    task: str | None,
    device: torch.device,
    epochs: int | None,
    settings: Mapping[str, Any],
) -> Loaded:
    from zoo.catalog.loaded import load

    if epochs is not None or settings:
        what = "epochs" if epochs is not None else f"setting {next(iter(settings))!r}"
        raise RequestError(f"a checkpoint is scored as it is: leave out {what}")
    loaded = load(name, device)
    assert loaded.facts.task is not None
    for word, given, own in (("model", model, loaded.facts.model), ("task", task, loaded.facts.task["name"])):
        if given is not None and given != own:
            raise RequestError(f"checkpoint {name} is of {word} {own!r}, not {given!r}: leave out the {word}")
    return loaded


def _metrics(names: Sequence[str] | None) -> tuple[dict[str, Metric], dict[str, str], frozenset[str]]:
    """The metrics by name; where none are named all of them, less what somebody's package cannot be trusted with.

    Third parties' metrics come into a run that never named them, so they must cost it nothing: they are tried elsewhere
    first, and what does not import quickly, or changes the process by it, is left out with the reason.
    """
    if names is not None:
        return {name: make.metric(name) for name in names}, {}, frozenset()
    from zoo.probing.probe import outcomes

    made, skipped, unasked = {}, {}, set()
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
            made[name] = metric
            if entry.distribution != registry.OWN:
                unasked.add(name)
        except ZooError as error:
            skipped[name] = str(error)
    return made, skipped, frozenset(unasked)


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
