"""What a bench is asked to do: a suite and what the command changes of it, checked before anything is written."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo import registry
from zoo.benching.cells import Cell, plain
from zoo.benching.settings import Settings
from zoo.catalog import suites
from zoo.catalog.files import Suite
from zoo.contracts import make
from zoo.utils.errors import RequestError, ZooError

PLAIN = "plain"
"""The suite of a bench that names none."""


@dataclass
class Request:
    """A bench, resolved. ``data`` is by task; ``cells`` are in the order in which they are done.

    ``left_out`` has the suite's models that are not made for the fields of a task, by (task, model), with the reason.
    """

    suite: Suite
    named: str | None
    data: dict[str, str]
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    seeds: int
    n: int
    items: int | None
    quick: bool
    settings: dict[str, Any]
    device: str
    out: Path
    own_folder: bool
    cells: list[Cell] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    left_out: dict[tuple[str, str], str] = field(default_factory=dict)

    def command(self) -> str:
        """The command line that does this again."""
        words = ["zoo", "bench", *([self.named] if self.named else [])]
        for key, value in self.given.items():
            if key == "settings":
                words += [word for name, one in value.items() for word in ("--set", f"{name}={one}")]
            elif value is True:
                words.append(f"--{key}")
            else:
                text = ",".join(value) if isinstance(value, tuple) else str(value)
                words += ["-n" if key == "n" else f"--{key}", text]
        return shlex.join(words)


def resolve(
    suite: str | None,
    data: str | None,
    models: Sequence[str] | None,
    tasks: Sequence[str] | None,
    seeds: int | None,
    n: int | None,
    items: int | None,
    quick: bool,
    device: str,
    settings: Mapping[str, Any] | None,
    out: str | os.PathLike[str] | None,
) -> Request:
    """The bench that these words mean; see :func:`zoo.bench`. Imports nothing heavy.

    Raises:
        RequestError: a name, a number or the folder is wrong.
    """
    if suite is None and not (models and tasks):
        known = ", ".join(name for name in suites.known().named if name != PLAIN)
        raise RequestError(f"name a suite ({known}), or models and tasks: zoo bench --models a,b --tasks t")
    chosen = suites.find(PLAIN if suite is None else suite)
    for name, value in (("seeds", seeds), ("n", n), ("items", items)):
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise RequestError(f"{name} is {value!r}; it must be a whole number, at least 1")
    fast = chosen.quick if quick else None
    rows = _chosen("models", models, chosen.models, chosen.name)
    columns = _chosen("tasks", tasks, tuple(chosen.tasks), chosen.name)
    source = data or chosen.data
    if source and tasks is None:
        columns = _for_kind(chosen, columns, source.partition(":")[0])
    for kind, names in (("models", rows), ("tasks", columns), ("metrics", chosen.measured or ())):
        for name in names:
            registry.entry(kind, name)
    given: dict[str, Any] = {
        "data": data,
        "models": models and tuple(models),
        "tasks": tasks and tuple(tasks),
        "seeds": seeds,
        "n": n,
    }
    given |= {"items": items, "quick": quick or None, "settings": dict(settings or {}) or None}
    given |= {"device": None if device == "auto" else device, "out": None if out is None else str(out)}
    made = Request(
        suite=chosen,
        named=suite,
        data=dict.fromkeys(columns, source),
        tasks=columns,
        models=rows,
        seeds=seeds or (fast and fast.seeds) or chosen.seeds,
        n=n or (fast and fast.n) or chosen.n,
        items=items or (fast and fast.items) or chosen.items,
        quick=quick,
        settings={**chosen.settings, **(fast.settings if fast else {}), **(settings or {})},
        device=device,
        out=Path(),
        own_folder=out is None,
        given={key: value for key, value in given.items() if value is not None},
    )
    for task in columns:
        if not source:
            made.data[task] = _or_nothing(task)
    made.out = Path(out) if out is not None else _default_folder(made)
    _check_folder(made.out)
    return made


def plan_cells(request: Request) -> None:
    """Make and check every model and task of a bench once, and lay out its cells; imports torch and the plugins.

    A model or task that is broken, rather than asked for wrongly, costs only its own cells: they come out as failed. A model
    of the suite that nobody named and that is not made for the fields of a task is left out there.

    Raises:
        RequestError: a setting, the data or the device is wrong, or a cell's folder holds something else.
        ZooError: the data is broken.
    """
    from zoo.running.plan import make_plan
    from zoo.utils.device import pick

    pick(request.device)
    digests: dict[tuple[str, int], dict[str, str]] = {}
    settings = Settings(request.settings, request.given.get("settings", {}))
    planned: dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any], str]] = {}
    for task in request.tasks:
        for model in request.models:
            fitted: dict[str, Any] = {}
            own, reason = {}, ""
            try:
                own = settings.of(model, task)
                args = (request.n, None, 0, request.device, own, None, request.suite.measured, request.items)
                plan = make_plan(model, task, request.data[task], *args)
                fitted = {**plan.request(), "metrics": sorted(plan.metrics)}
            except RequestError:
                unfit = "" if "models" in request.given else _unfit(model, task, own, request.data[task])
                if not unfit:
                    raise
                request.left_out[task, model] = unfit
                continue
            except Exception as error:
                reason = str(error) if isinstance(error, ZooError) else f"{type(error).__name__}: {error}"
            planned[task, model] = (own, fitted, reason)
    settings.check()
    for seed in range(request.seeds):
        for task in request.tasks:
            name = request.data[task]
            for model in request.models:
                if (task, model) in request.left_out:
                    continue
                own, fitted, reason = planned[task, model]
                cell = Cell(task, model, seed, request.out / "cells" / task / f"{model}-s{seed}")
                request.cells.append(cell)
                if reason:
                    cell.fail(reason)
                    continue
                if (name, seed) not in digests:
                    source = make.data(name)
                    digests[name, seed] = {s: source.read(s, seed=seed).digest for s in ("train", "test")}
                metrics = fitted["metrics"]
                cell.fitted = plain({**{k: v for k, v in fitted.items() if k != "metrics"}, "seed": seed})
                cell.request = plain(
                    {**cell.fitted, "n": request.n, "items": request.items, "metrics": metrics, "digests": digests[name, seed]}
                )
                cell.arguments = {
                    "model": model, "task": task, "data": name, "n": request.n, "items": request.items, "seed": seed,
                    "device": request.device, "settings": own, "metrics": request.suite.measured,
                    "out": str(cell.folder), "resume": True,
                }  # fmt: skip
                cell.look()
                if cell.reason.startswith("data was") and request.own_folder:
                    raise RequestError(f"{request.out} holds a bench of other data ({cell.reason}); name a folder with --out")


def _unfit(model: str, task: str, settings: Mapping[str, Any], data: str) -> str:
    """Why a model is not made for the fields of a task on this data, "" if it is."""
    from zoo.running.plan import split_settings, task_for

    fields, _ = task_for(task, split_settings(settings)[1], data)
    try:
        make.model(model, tuple(fields.x_shape), tuple(fields.y_shape))
    except RequestError as error:
        return str(error)
    return ""


def _chosen(kind: str, names: Sequence[str] | None, own: tuple[str, ...], suite: str) -> tuple[str, ...]:
    """The names that count: those given, in the suite's order where all of them are in it."""
    if names is None:
        if not own:
            raise RequestError(f"suite {suite!r} names no {kind}: name them with --{kind}")
        return own
    given = tuple(dict.fromkeys(name.strip() for name in names))
    if not given or not all(given):
        raise RequestError(f"{kind} are {','.join(names)!r}; write names with commas between them")
    return tuple(name for name in own if name in given) if set(given) <= set(own) else given


def _for_kind(suite: Suite, tasks: tuple[str, ...], kind: str) -> tuple[str, ...]:
    fitting = tuple(task for task in tasks if not suite.tasks[task] or kind in suite.tasks[task])
    if not fitting:
        registry.entry("data", kind)
        kinds = ", ".join(sorted({one for task in tasks for one in suite.tasks[task]}))
        raise RequestError(f"suite {suite.name!r} has no task for data of kind {kind!r}; its kinds: {kinds} (or name --tasks)")
    return fitting


def _or_nothing(task: str) -> str:
    """The data that a task has for itself; "" where the task is broken, which is reported later."""
    try:
        return make.task_class(task).data
    except ZooError as error:
        if isinstance(error, RequestError):
            raise
        return ""


def _default_folder(request: Request) -> Path:
    kinds = dict.fromkeys(name.partition(":")[0] or "own" for name in request.data.values())
    return Path("runs") / "-".join(["bench", request.suite.name, *kinds, *(["quick"] if request.quick else [])])


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise RequestError(f"{out} is a file; name a folder")
    if out.exists() and any(out.iterdir()) and not (out / "cells").is_dir() and not (out / ".lock").exists():
        raise RequestError(f"{out} is not empty and holds no bench; name a new folder")
    place = out
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise RequestError(f"{out} cannot be made: {place} is no folder that can be written to")
