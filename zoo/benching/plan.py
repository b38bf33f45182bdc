"""The plan of a bench: a suite and what the request changes of it, checked before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo import registry
from zoo.benching.cells import Cell
from zoo.benching.request import BenchRequest
from zoo.catalog import suites
from zoo.catalog.files import Suite
from zoo.contracts import make
from zoo.running.folder import check_writable
from zoo.utils.errors import RequestError, ZooError

PLAIN = "plain"
"""The suite of a bench that names none."""


@dataclass
class BenchPlan:
    """A bench, resolved.

    Attributes:
        request: what was asked for.
        suite: the one that is named, or :data:`PLAIN`.
        data: what each task runs on, by its name; "" for one that is broken.
        tasks, models, seeds, n, items, settings: what the request says, or else the suite.
        out: the folder.
        cells: in the order in which they are done.
        left_out: the suite's models that are not made for the fields of a task, by (task, model), with the reason.
    """

    request: BenchRequest
    suite: Suite
    data: dict[str, str]
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    seeds: int
    n: int
    items: int | None
    settings: dict[str, Any]
    out: Path
    cells: list[Cell] = field(default_factory=list)
    left_out: dict[tuple[str, str], str] = field(default_factory=dict)


def resolve(request: BenchRequest) -> BenchPlan:
    """The bench that a request means. Imports nothing heavy.

    Raises:
        RequestError: a name or the folder is wrong.
    """
    if request.suite is None and not (request.models and request.tasks):
        known = ", ".join(name for name in suites.known().named if name != PLAIN)
        raise RequestError(f"name a suite ({known}), or models and tasks: zoo bench --models a,b --tasks t")
    suite = suites.find(PLAIN if request.suite is None else request.suite)
    fast = suite.quick if request.quick else None
    models = _chosen("models", request.models, suite.models, suite.name)
    tasks = _chosen("tasks", request.tasks, tuple(suite.tasks), suite.name)
    source = request.data or suite.data
    if source and request.tasks is None:
        tasks = _for_kind(suite, tasks, source.partition(":")[0])
    for kind, names in (("models", models), ("tasks", tasks), ("metrics", suite.measured or ())):
        for name in names:
            registry.entry(kind, name)
    data = {task: source or _data_of(task) for task in tasks}
    return BenchPlan(
        request=request,
        suite=suite,
        data=data,
        tasks=tasks,
        models=models,
        seeds=request.seeds or (fast and fast.seeds) or suite.seeds,
        n=request.n or (fast and fast.n) or suite.n,
        items=request.items or (fast and fast.items) or suite.items,
        settings={**suite.settings, **(fast.settings if fast else {}), **request.settings},
        out=_folder(request, suite, data),
    )


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
    """Those of a suite's tasks that apply to data of a kind."""
    fitting = tuple(task for task in tasks if not suite.tasks[task] or kind in suite.tasks[task])
    if not fitting:
        registry.entry("data", kind)
        kinds = ", ".join(sorted({name for task in tasks for name in suite.tasks[task]}))
        raise RequestError(f"suite {suite.name!r} has no task for data of kind {kind!r}; its kinds: {kinds} (or name --tasks)")
    return fitting


def _data_of(task: str) -> str:
    """The data that a task has for itself; "" where the task is broken, which is reported later."""
    try:
        data: str = make.class_of("tasks", task).data
        return data
    except RequestError:
        raise
    except ZooError:
        return ""


def _folder(request: BenchRequest, suite: Suite, data: dict[str, str]) -> Path:
    """The folder of a bench, by default named by suite and kinds of data, if it can be used."""
    kinds = dict.fromkeys(name.partition(":")[0] or "own" for name in data.values())
    own = Path("runs") / "-".join(["bench", suite.name, *kinds, *(["quick"] if request.quick else [])])
    out = own if request.out is None else Path(request.out)
    if out.exists() and not out.is_dir():
        raise RequestError(f"{out} is a file; name a folder")
    if out.exists() and any(out.iterdir()) and not (out / "cells").is_dir() and not (out / ".lock").exists():
        raise RequestError(f"{out} is not empty and holds no bench; name a new folder")
    check_writable(out)
    return out
