"""Settings of a bench: which model and task takes which."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from zoo.contracts import make
from zoo.utils.errors import RequestError, ZooError, nearest


class Settings:
    """Which of the settings each model and task takes: those for all are for those that have them.

    Args:
        given: all of them, the suite's too, which may be for models that are not among those chosen.
        asked: those that the command names; each must be somebody's.
    """

    def __init__(self, given: Mapping[str, Any], asked: Collection[str]) -> None:
        self.given, self.asked, self.used = given, asked, set[str]()
        self.known: set[str] = set()
        self.broken = False

    def of(self, model: str, task: str) -> dict[str, Any]:
        """Those of one model on one task, as :func:`zoo.run` takes them; raises where either is broken."""
        models, tasks = self._fields(model, "models"), self._fields(task, "tasks")
        found: dict[str, Any] = {}
        for key, value in self.given.items():
            head, dot, tail = key.partition(".")
            if head == "training" and dot:
                found[key] = value
                self.used.add(key)
            elif head == "task" and dot:
                self.known |= {f"task.{name}" for name in tasks}
                if tail in tasks:
                    found.setdefault(key, value)
                    self.used.add(key)
            elif head == task and dot:
                self.known |= {f"{task}.{name}" for name in tasks}
                found[f"task.{tail}"] = value
                self.used.add(key)
            elif not dot or head == model:
                self.known |= models
                if dot or key in models:
                    found[tail if dot else key] = value
                    self.used.add(key)
        return found

    def check(self) -> None:
        """After all models and tasks: see that every setting that was asked for was somebody's.

        Raises:
            RequestError: one was nobody's.
        """
        for key in self.asked:
            if key in self.used or self.broken:
                continue
            head, dot, _ = key.partition(".")
            if dot and head != "task":
                raise RequestError(
                    f"setting {key!r}: write KEY for models, MODEL.KEY or TASK.KEY for one, task.KEY or training.KEY"
                )
            raise RequestError(f"none of the {'tasks' if dot else 'models'} has a setting {key!r}: {nearest(key, self.known)}")

    def _fields(self, name: str, kind: str) -> set[str]:
        try:
            config = make.model_class(name)[0].Config if kind == "models" else make.task_class(name).Config
        except ZooError:
            self.broken = True
            raise
        return {one.name for one in dataclasses.fields(config)}
