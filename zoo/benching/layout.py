"""The cells of a bench: every model on every task with every seed, with the settings that are its own."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from zoo.benching.cells import Cell
from zoo.benching.crew import reason_of
from zoo.benching.plan import BenchPlan
from zoo.benching.sweep import Row, folder_name
from zoo.contracts import make
from zoo.running.plan import Request, make_plan, task_on, written
from zoo.running.truth import lacking
from zoo.utils.device import pick
from zoo.utils.errors import RequestError, ZooError, nearest

if TYPE_CHECKING:
    from zoo.contracts.model import Model


def plan_cells(plan: BenchPlan) -> None:
    """Make and check every model and task of a bench once, and lay out its cells; imports torch and the plugins.

    A model or task that is broken, rather than asked for wrongly, costs only its own cells: they come out as failed. A model
    of the suite that nobody named and that is not made for the fields of a task is left out there.
    """
    pick(plan.device)
    settings = Settings(plan.settings, [*plan.request.settings, *plan.request.sweep])
    _spread(plan)
    pairs = [(task, model) for task in plan.tasks for model in plan.models]
    models = [cell for pair in pairs if (cell := _check(plan, settings, *pair))]
    settings.check()
    digests: dict[tuple[Any, int], dict[str, str]] = {}
    for seed, model in itertools.product(range(plan.seeds), models):
        folder = plan.out / "cells" / model.task / f"{folder_name(model.model)}-s{seed}"
        request = dataclasses.replace(model.request, seed=seed, out=str(folder), resume=True)
        cell = dataclasses.replace(model, seed=seed, folder=folder, request=request)
        plan.cells.append(cell)
        if cell.status == "failed":
            continue
        name = plan.data[cell.task]
        if (name, seed) not in digests:
            source = make.data(name, plan.request.split_seed)
            digests[name, seed] = {split: source.read(split, seed=seed).digest for split in ("train", "test")}
        more = {"seed": seed, "n": plan.n, "items": plan.items, "digests": digests[name, seed]}
        cell.numbers = json.loads(json.dumps({**model.numbers, **more}))
        if plan.request.tune:  # which settings it will have is not known yet: is its folder free?
            dataclasses.replace(cell).look()
            continue
        cell.look()
        if cell.reason.startswith("data was") and plan.request.out is None:
            raise RequestError(f"{plan.out} holds a bench of other data ({cell.reason}); name a folder with --out")
    _leave_out(plan)


def _spread(plan: BenchPlan) -> None:
    """Make rows of a plan's models: each with every combination of its settings, references with those of the task alone."""
    swept = [model for model in plan.models if model not in plan.references]
    rows = {model: _rows(plan, model, len(swept) > 1 or model not in swept) for model in plan.models}
    plan.references = tuple(label for model in plan.references for label in rows[model])
    plan.rows = {label: row for of_model in rows.values() for label, row in of_model.items()}
    plan.models = tuple(plan.rows)
    folders: dict[str, str] = {}
    for label in plan.rows:  # of which some file systems take two for one that differ by case alone
        if (other := folders.setdefault(folder_name(label).casefold(), label)) != label:
            raise RequestError(f"the rows {other!r} and {label!r} would lie in one folder: leave one of them out")


def _rows(plan: BenchPlan, model: str, named: bool) -> dict[str, Row]:
    keys = [key for key in plan.request.sweep if _takes(plan, model, key)]
    found = {}
    for values in itertools.product(*(plan.request.sweep[key] for key in keys)):
        words = " ".join(f"{key.removeprefix(f'{model}.')}={written(value)}" for key, value in zip(keys, values, strict=True))
        label = " ".join([*([model] if named or not words else []), *([words] if words else [])])
        found[label] = Row(model, dict(zip(keys, values, strict=True)))
    return found


def _takes(plan: BenchPlan, model: str, key: str) -> bool:
    """Whether a setting is one of this model on some of the tasks; those of training are not of references."""
    head, dot, _ = key.partition(".")
    if dot and (head == "task" or head in plan.tasks):
        return True
    if model in plan.references:
        return False
    if dot:
        return head in ("training", model)
    try:
        return key in {field.name for field in dataclasses.fields(make.model_class(model)[0].Config)}
    except ZooError:  # it is broken, which is said where it is made
        return False


def _leave_out(plan: BenchPlan) -> None:
    """Leave out the cells of models that need true draws where the data has none, or too few; where the model was asked for,
    that is refused (RequestError). What is done is not looked at again.
    """
    waiting = {(cell.task, cell.model): cell for cell in plan.cells if cell.status in ("new", "stopped")}
    for (task, model), cell in waiting.items():
        if model not in plan.truths:
            continue
        made, data = task_on(task, cell.request.parts["task"], cell.request.data, plan.request.split_seed)
        try:
            reason = lacking(made, data, plan.n)
        except Exception:  # which is said where the pairs are made for all cells of the task
            continue
        if reason and _asked(plan, model):
            raise RequestError(f"model {model!r} {reason}")
        if reason:
            plan.left_out[task, model] = f"it {reason}"
            plan.cells = [other for other in plan.cells if (other.task, other.model) != (task, model)]


def _asked(plan: BenchPlan, model: str) -> bool:
    """Whether the request names the model of a row, rather than a suite that has it."""
    return plan.rows[model].model in {name.strip() for name in plan.request.models or ()}


def _check(plan: BenchPlan, settings: Settings, task: str, model: str) -> Cell | None:
    """Any cell of one model on one task, for all seeds to be made of; None where the model is left out."""
    row = plan.rows[model]
    request = Request(
        row.model,
        task,
        plan.data[task],
        plan.n,
        device=plan.device,
        metrics=plan.suite.measured,
        items=plan.items,
        split_seed=plan.request.split_seed,
        callback=plan.request.callback,
    )
    cell = Cell(task, model, 0, plan.out, request)
    try:
        cell.request = dataclasses.replace(request, settings=settings.of(row.model, task, row.settings))
        of_run = make_plan(cell.request)
        cell.numbers, cell.added = {**of_run.weights, "metrics": sorted(of_run.metrics)}, of_run.added
        if of_run.model.needs_truth:
            plan.truths.add(model)
    except RequestError:
        if not _asked(plan, model):
            made, _ = task_on(task, cell.request.parts["task"], request.data)
            try:
                make.model(row.model, tuple(made.x_shape), tuple(made.y_shape))
            except RequestError as error:
                plan.left_out[task, model] = str(error)
                return None
        raise
    except Exception as error:
        cell.fail(reason_of(error))
    return cell


class Settings:
    """The settings of a bench, and which of them each model and task takes: those for all are for those that have them.

    ``given`` are all, the suite's too, which may be for models that were not chosen; each of ``asked`` must be somebody's. Of
    two for one thing, that of a row counts, else the one that was asked for, else the one for this model or task alone.
    """

    def __init__(self, given: Mapping[str, Any], asked: Collection[str]) -> None:
        self.given, self.asked = given, asked
        self.used, self.known, self.broken = set[str](), set[str](), False

    def of(self, model: str, task: str, more: Mapping[str, Any]) -> dict[str, Any]:
        """Those of one model on one task, and ``more``, as :func:`zoo.run` takes them; raises where either is broken."""
        try:
            model_class = make.model_class(model)[0]
            configs = model_class.Config, make.class_of("tasks", task).Config
        except ZooError:
            self.broken = True
            raise
        models, tasks = ({part.name for part in dataclasses.fields(config)} for config in configs)
        own: dict[str, Any] = {}
        ranks: dict[str, tuple[bool, bool, bool]] = {}
        for key, value in {**self.given, **more}.items():
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
            if name == "training.seconds" and not _stepwise(model_class):
                self.used.add(key)
            elif name:
                self.used.add(key)
                rank = key in more, key in self.asked, bool(dot) and head != "task"
                if rank >= ranks.get(name, rank):
                    own[name], ranks[name] = value, rank
        return own

    def check(self) -> None:
        """After all models and tasks: see (RequestError) that every setting that was asked for was somebody's."""
        for key in () if self.broken else self.asked:
            head, dot, _ = key.partition(".")
            if key in self.used:
                continue
            if dot and head != "task":
                raise RequestError(
                    f"setting {key!r}: write KEY for models, MODEL.KEY or TASK.KEY for one, task.KEY or training.KEY"
                )
            raise RequestError(f"none of the {'tasks' if dot else 'models'} has a setting {key!r}: {nearest(key, self.known)}")


def _stepwise(model: type[Model]) -> bool:
    """Whether a model is trained by the loop of :mod:`zoo.fitting`, which counts steps."""
    from zoo.contracts.model import Model

    return model.losses is not Model.losses or model.turns is not Model.turns
