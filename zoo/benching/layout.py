"""The cells of a bench: every model on every task with every seed, with the settings that are its own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from typing import Any

from zoo.benching.cells import Cell
from zoo.benching.plan import BenchPlan
from zoo.benching.worker import reason_of
from zoo.contracts import make
from zoo.running.plan import make_plan, task_on
from zoo.running.request import Request
from zoo.utils.device import pick
from zoo.utils.errors import RequestError, ZooError, nearest


def plan_cells(plan: BenchPlan) -> None:
    """Make and check every model and task of a bench once, and lay out its cells; imports torch and the plugins.

    A model or task that is broken, rather than asked for wrongly, costs only its own cells: they come out as failed. A model
    of the suite that nobody named and that is not made for the fields of a task is left out there.

    Raises:
        RequestError: a setting, the data or the device is wrong, or a cell's folder holds something else.
        ZooError: the data is broken.
    """
    pick(plan.request.device)
    settings = Settings(plan.settings, plan.request.settings)
    checked = {
        (task, model): kind for task in plan.tasks for model in plan.models if (kind := _check(plan, settings, task, model))
    }
    settings.check()
    digests: dict[tuple[str, int], dict[str, str]] = {}
    for seed in range(plan.seeds):
        for (task, model), (request, weights, metrics, reason) in checked.items():
            folder = plan.out / "cells" / task / f"{model}-s{seed}"
            cell = Cell(task, model, seed, folder, dataclasses.replace(request, seed=seed, out=str(folder)))
            plan.cells.append(cell)
            if reason:
                cell.fail(reason)
                continue
            name = plan.data[task]
            if (name, seed) not in digests:
                source = make.data(name)
                digests[name, seed] = {split: source.read(split, seed=seed).digest for split in ("train", "test")}
            more = {"n": plan.n, "items": plan.items, "metrics": metrics, "digests": digests[name, seed]}
            cell.weights = json.loads(json.dumps({**weights, "seed": seed}))
            cell.numbers = json.loads(json.dumps({**cell.weights, **more}))
            cell.look()
            if cell.reason.startswith("data was") and plan.request.out is None:
                raise RequestError(f"{plan.out} holds a bench of other data ({cell.reason}); name a folder with --out")


def _check(
    plan: BenchPlan, settings: Settings, task: str, model: str
) -> tuple[Request, dict[str, Any], list[str], str] | None:
    """The request of every cell of one model on one task, what decides its weights, its metrics, and why it cannot be had.

    None where the model is left out.
    """
    request = Request(
        model=model,
        task=task,
        data=plan.data[task],
        n=plan.n,
        device=plan.request.device,
        metrics=plan.suite.measured,
        items=plan.items,
        out=str(plan.out),
        resume=True,
    )
    try:
        request = dataclasses.replace(request, settings=settings.of(model, task))
        of_run = make_plan(request)
    except RequestError:
        unfit = "" if plan.request.models is not None else _unfit(request)
        if not unfit:
            raise
        plan.left_out[task, model] = unfit
        return None
    except Exception as error:
        return request, {}, [], reason_of(error)
    return request, of_run.weights, sorted(of_run.metrics), ""


def _unfit(request: Request) -> str:
    """Why a model is not made for the fields of a task on its data, "" if it is."""
    assert request.model is not None
    assert request.task is not None
    task, _ = task_on(request.task, request.parts["task"], request.data)
    try:
        make.model(request.model, tuple(task.x_shape), tuple(task.y_shape))
    except RequestError as error:
        return str(error)
    return ""


class Settings:
    """The settings of a bench, and which of them each model and task takes: those for all are for those that have them.

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
        own: dict[str, Any] = {}
        for key, value in self.given.items():
            head, dot, tail = key.partition(".")
            name = ""
            if dot and head == "training":
                name = key
            elif dot and head in ("task", task):
                self.known |= {f"{head}.{setting}" for setting in tasks}
                name = f"task.{tail}" if head == task or tail in tasks else ""
            elif not dot or head == model:
                self.known |= models
                name = tail if dot else key if key in models else ""
            if name:
                self.used.add(key)
                own[name] = own.get(name, value) if head == "task" else value
        return own

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
            config = (make.model_class(name)[0] if kind == "models" else make.class_of(kind, name)).Config
        except ZooError:
            self.broken = True
            raise
        return {part.name for part in dataclasses.fields(config)}
