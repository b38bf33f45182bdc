"""A run as it is asked for: by the command line, by :func:`zoo.run`, by a bench."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from zoo import registry
from zoo.utils.errors import RequestError


@dataclass(frozen=True)
class Request:
    """Everything that a run is asked for; see :func:`zoo.run` for the meaning of each part.

    Raises:
        RequestError: something is wrong in itself; names are looked up by :func:`zoo.running.plan.make_plan`.
    """

    model: str | None = None
    task: str | None = None
    data: str | None = None
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

    def __post_init__(self) -> None:
        if self.out is None and (self.resume or int(os.environ.get("WORLD_SIZE", "1")) > 1):
            why = "to go on with it" if self.resume else "for several processes"
            raise RequestError(f"name the folder of the run (out) {why}")
        for name, least in (("n", 1), ("epochs", 1), ("items", 1), ("seed", None)):
            value = getattr(self, name)
            if value is None and name in ("epochs", "items"):
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise RequestError(f"{name} is {value!r}; it must be a whole number")
            if least is not None and value < least:
                raise RequestError(f"{name} is {value}; it must be at least {least}")
        _ = self.parts
        if self.checkpoint is None:
            lacking = "model" if self.model is None else "task" if self.task is None else ""
            if lacking:
                known = ", ".join(registry.names(f"{lacking}s"))
                raise RequestError(f"no {lacking} is named; known: {known} (or name a checkpoint)")
        elif self.epochs is not None or self.settings:
            what = "epochs" if self.epochs is not None else f"setting {next(iter(self.settings))!r}"
            raise RequestError(f"a checkpoint is scored as it is: leave out {what}")

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

    def weights(self, config: Mapping[str, Any], task_config: Mapping[str, Any]) -> dict[str, Any]:
        """All that decides the fitted weights, with the whole configs: what a run that goes on must agree with."""
        return {
            "model": self.model,
            "config": config,
            "task": self.task,
            "task_config": task_config,
            "data": self.data,
            "seed": self.seed,
            "epochs": self.epochs,
            "training": self.parts["training"],
            "checkpoint": self.checkpoint,
        }

    def command(self) -> str:
        """The command line that asks for the same numbers."""
        options: dict[str, Any] = {"--model": self.model, "--task": self.task}
        if self.checkpoint is not None:
            options = {"--checkpoint": self.checkpoint}
        options |= {"--data": self.data, "-n": self.n, "--seed": self.seed, "--items": self.items, "--epochs": self.epochs}
        words = [word for key, value in options.items() if value is not None for word in (key, str(value))]
        words += [word for key, value in self.settings.items() for word in ("--set", f"{key}={_text(value)}")]
        words += [word for name in self.metrics or () for word in ("--metric", name)]
        return shlex.join(["zoo", "run", *words])


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
