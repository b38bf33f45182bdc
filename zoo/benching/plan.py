"""The plan of a bench: a suite and what the request changes of it, checked before anything is written."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zoo import registry
from zoo.benching import sweep
from zoo.benching.cells import Cell
from zoo.benching.engines import LOCAL, SHARDS, engine_words, shard_words
from zoo.catalog import suites
from zoo.catalog.files import Suite
from zoo.contracts import make
from zoo.running.folder import check_folder
from zoo.running.plan import MOST, written
from zoo.utils.bounds import seed_of, whole
from zoo.utils.config import names_in, plain
from zoo.utils.errors import RequestError, ZooError, shown
from zoo.utils.files import user_path
from zoo.utils.words import typed

if TYPE_CHECKING:
    from zoo.fitting.recipe import Callback

PLAIN = "plain"  # the suite of a bench that names none
REFERENCES = "references"
"""The suite whose models every table has too, to read the others by."""
LENGTHS = ("training.seconds", "training.steps", "training.epochs")
"""The settings that say how long a fit is."""
HOW = ("workers", "progress", "engine", "shard", "collect", "callback")
"""The parts of a request that say how a bench is done, and not what its table is of."""


@dataclass(frozen=True)
class BenchRequest:
    """Everything that a bench is asked for, as for :func:`zoo.bench`; names are looked up by :func:`resolve`."""

    suite: str | None = None
    data: Any = None
    models: Sequence[str] | None = None
    tasks: Sequence[str] | None = None
    seeds: int | None = None
    n: int | None = None
    items: int | None = None
    quick: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    out: str | None = None
    workers: int | None = None
    progress: bool = True
    fair: float | None = None
    tune: int = 0
    tune_by: str | None = None
    references: bool = True
    split_seed: int = 0
    metrics: Sequence[str] | None = None
    sweep: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    engine: str = LOCAL
    shard: str | None = None
    collect: str | None = None
    callback: Callback | None = None

    def __post_init__(self) -> None:
        if self.data is not None and not isinstance(self.data, str):
            object.__setattr__(self, "data", make.given_data(self.data))
            self._stay("data in memory", ", or save it and name arrays:FILE")
        if self.callback is not None:
            from zoo.fitting.recipe import check_callback

            check_callback(self.callback)
            self._stay("a callback")
        if self.suite is None and self.tasks is None and self.data is not None:
            object.__setattr__(self, "tasks", [task] if (task := make.task_for(self.data)) else None)
        for name, least, most in (("workers", 0, None), ("seeds", 1, 10_000), ("n", 1, MOST), ("items", 1, None)):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, whole(value, name, least, most))
        object.__setattr__(self, "split_seed", seed_of(self.split_seed, "split_seed"))
        object.__setattr__(self, "tune", whole(self.tune, "tune", 0, 1000))
        if self.fair is not None and not 0 < self.fair < math.inf:
            raise RequestError(f"fair is {shown(self.fair)}; it must be seconds above 0")
        if self.tune_by is not None and not self.tune:
            raise RequestError("tune_by says what settings are chosen by: say among how many too (--tune)")
        for name in ("out", "collect"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, str(user_path(value)))
        self._check_how()
        if not isinstance(self.settings, Mapping) or not all(isinstance(key, str) for key in self.settings):
            raise RequestError(f"settings are {shown(self.settings)}; they must be values by name")
        object.__setattr__(self, "settings", {key: plain(value) for key, value in self.settings.items()})
        object.__setattr__(self, "sweep", sweep.checked(self.sweep))
        if twice := next((key for key in self.sweep if key in self.settings), None):
            raise RequestError(f"{twice} is set and swept over: leave one of these out")
        for name in ("models", "tasks", "metrics"):
            object.__setattr__(self, name, names_in(getattr(self, name), name))

    def _stay(self, what: str, more: str = "") -> None:
        """Have the cells done in this process, because of what is not sent to others."""
        if self.workers or engine_words(self.engine)[0] != LOCAL:
            raise RequestError(f"{what} is not sent to workers: leave them out{more}")
        object.__setattr__(self, "workers", 0)

    def _check_how(self) -> None:
        """See that the parts which say how the bench is done go together."""
        if engine_words(self.engine)[0] != LOCAL and self.workers is not None:
            raise RequestError("a cluster has workers of its own: leave out workers")
        if self.shard is not None:
            shard_words(self.shard)
            if self.engine != LOCAL:
                raise RequestError("a shard is what one machine does of a bench: leave out shard, or the engine")
            if self.data is not None and not isinstance(self.data, str):
                raise RequestError("data in memory is not there for the other shards: save it and name arrays:FILE")

    def command(self) -> str:
        """The command line that does this again."""
        words = ["zoo", "bench", *([self.suite] if self.suite else [])]
        for part in dataclasses.fields(self)[1:]:
            if part.name in HOW:
                continue
            value = getattr(self, part.name)
            if part.name == "sweep":
                each = ((key, ",".join(map(written, values))) for key, values in value.items())
                words += [word for key, values in each for word in ("--sweep", f"{key}={values}")]
            elif part.name == "metrics":
                words += [word for name in value or () for word in ("--metric", name)]
            elif part.name == "settings":
                words += [word for key, one in value.items() for word in ("--set", f"{key}={written(one)}")]
            elif isinstance(value, bool):
                words += [] if value is part.default else [f"--{'' if value else 'no-'}{part.name}"]
            elif value != part.default:
                text = ",".join(value) if isinstance(value, (list, tuple)) else str(value)
                words += ["-n" if part.name == "n" else f"--{part.name.replace('_', '-')}", text]
        return typed(words)


@dataclass
class BenchPlan:
    """A bench, resolved: each setting is what the request says, or else the suite.

    ``data`` is what each task runs on, in words or as data in memory, "" for one that is broken; ``references`` are those of
    the models that the others are compared with; ``cells`` are in the order in which they are done, ``trials`` the fits that
    settings are chosen by; ``left_out`` has the models of suites that are not made for the fields of a task, or need true
    draws where there are none, by (task, model), with the reason; ``truths`` are the models that answer with true draws.
    ``rows`` are the models by the names that they have in tables: of a bench over settings each stands there several times
    (:mod:`zoo.benching.sweep`).
    """

    request: BenchRequest
    suite: Suite
    data: dict[str, Any]
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    seeds: int
    n: int
    items: int | None
    settings: dict[str, Any]
    out: Path
    references: tuple[str, ...] = ()
    cells: list[Cell] = field(default_factory=list)
    trials: list[Any] = field(default_factory=list)
    left_out: dict[tuple[str, str], str] = field(default_factory=dict)
    truths: set[str] = field(default_factory=set)
    rows: dict[str, sweep.Row] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """The device that cells are checked on before they are done: none that only another machine has."""
        return self.request.device if self.request.engine == LOCAL and self.request.collect is None else "cpu"


def resolve(request: BenchRequest) -> BenchPlan:
    """The bench that a request means; a wrong name or folder is refused (RequestError). Imports nothing heavy."""
    if request.suite is None and not (request.models and request.tasks):
        known = ", ".join(name for name in suites.known().named if name not in (PLAIN, REFERENCES))
        raise RequestError(f"name a suite ({known}), or models and tasks: zoo bench --models a,b --tasks t")
    suite = suites.find(PLAIN if request.suite is None else request.suite)
    if request.metrics is not None:
        suite = msgspec.structs.replace(suite, metrics=tuple(request.metrics))
    fast = suite.quick if request.quick else None
    models = _chosen("models", request.models, suite.models, suite.name)
    tasks = _chosen("tasks", request.tasks, tuple(suite.tasks), suite.name)
    source = request.data or suite.data
    if source and request.tasks is None:
        kind = str(source).partition(":")[0]
        tasks = tuple(task for task in tasks if not suite.tasks[task] or kind in suite.tasks[task])
        if not tasks:
            registry.entry("data", kind)
            kinds = ", ".join(sorted({name for names in suite.tasks.values() for name in names}))
            raise RequestError(
                f"suite {suite.name!r} has no task for data of kind {kind!r}; its kinds: {kinds} (or name --tasks)"
            )
    references = suites.find(REFERENCES).models if request.references and REFERENCES in suites.known().named else ()
    models += tuple(name for name in references if name not in models)
    for kind, names in (("models", models), ("tasks", tasks), ("metrics", suite.measured or ())):
        for name in names:
            registry.entry(kind, name)
    data = {task: source or _data_of(task) for task in tasks}
    seeds, n, items = (
        getattr(request, name) or getattr(fast, name, None) or getattr(suite, name) for name in ("seeds", "n", "items")
    )
    settings = {**suite.settings, **(fast.settings if fast else {}), **request.settings}
    if request.fair is not None:
        if twice := next((key for key in LENGTHS if key in {**request.settings, **request.sweep}), None):
            raise RequestError(f"a fair bench has as many steps as its seconds allow: leave out {twice}")
        settings = {key: value for key, value in settings.items() if key not in LENGTHS} | {"training.seconds": request.fair}
    for name in (request.tune_by,) if request.tune_by else ():
        registry.entry("metrics", name)
    folder = _folder(request, suite, data)
    references = references if set(models) - set(references) else ()  # alone, they are what is compared
    return BenchPlan(request, suite, data, tasks, models, seeds, n, items, settings, folder, references)


def _chosen(kind: str, names: Sequence[str] | None, own: tuple[str, ...], suite: str) -> tuple[str, ...]:
    """The names that count: those given, in the suite's order where all of them are in it."""
    if names is None:
        if not own:
            raise RequestError(f"suite {suite!r} names no {kind}: name them with --{kind}")
        return own
    given = tuple(dict.fromkeys(names))
    if not given or not all(given):
        raise RequestError(f"{kind} are {','.join(names)!r}; write names with commas between them")
    return tuple(name for name in own if name in given) if set(given) <= set(own) else given


def _data_of(task: str) -> str:
    try:
        return str(make.class_of("tasks", task).data)
    except RequestError:
        raise
    except ZooError:  # the task is broken, which is reported later
        return ""


def _folder(request: BenchRequest, suite: Suite, data: Mapping[str, Any]) -> Path:
    kinds = dict.fromkeys(str(source).partition(":")[0] or "own" for source in data.values())
    alone = request.sweep and len(request.models or ()) == len(request.tasks or ()) == 1
    name = ["sweep", *(request.models or ()), *(request.tasks or ())] if alone else ["bench", suite.name]
    own = Path("runs") / "-".join([*name, *kinds, *(["quick"] if request.quick else [])])
    out = own if request.out is None else user_path(request.out)
    return check_folder(out, holds_bench(out), "bench")


def holds_bench(out: Path) -> bool:
    """Whether a folder is that of a bench, or of shards of one."""
    return (out / "cells").is_dir() or (out / SHARDS).is_dir()
