"""Models, tasks, metrics and kinds of data by name, found through entry points and loaded on use.

Listing imports nothing. A package that is broken is reported when it is loaded, and costs nobody else anything.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache, reduce
from importlib import import_module
from types import FunctionType
from typing import Any, NamedTuple

from zoo.registry.installed import Distributions, installed
from zoo.registry.installed import Installed as Installed
from zoo.registry.installed import normal as normal
from zoo.utils.errors import RequestError, ZooError, nearest

GROUPS = {kind: f"zoo.{kind}" for kind in ("models", "tasks", "metrics", "data", "checkpoints", "suites")}
OWN = "cond-zoo"
"""The name of this project's own distribution; its names cannot be taken by another."""
MOVED = {
    "zoo.config": "from zoo import above, at_least, make_config, share",
    "zoo.data.base": "from zoo import Annotation, Attributes, Data, Image, Records, Split",
    "zoo.dcgan": "from zoo_networks.dcgan import Conv, Decoder, Linear, Tower",
    "zoo.device": "from zoo import pick",
    "zoo.errors": "from zoo import RequestError, ZooError, nearest",
    "zoo.files": "from zoo import whole_file",
    "zoo.loaded": "from zoo import Loaded, load",
    "zoo.lpp": "from zoo_networks.lpp import Embedding, lpp",
    "zoo.metric": "from zoo import Fitted, Metric, NotApplicable, Score",
    "zoo.model": "from zoo import Model, Preset, size_of",
    "zoo.noise": "from zoo import Noise, new_seed",
    "zoo.pairs": "from zoo import Batch, Pairs, Penalty",
    "zoo.progress": "from zoo import progress",
    "zoo.regression": "from zoo_networks.regression import Regression",
    "zoo.samples": "from zoo import Samples",
    "zoo.task": "from zoo import Task",
    "zoo.training": "from zoo import History, Step, Training",
    "zoo.unet": "from zoo_networks.unet import Decoder, Encoder",
}
"""Where the names are now that were in modules that are gone."""

OLD = {
    "rate": "rename rate(share) to lr_factor(progress)",
    "turns": "turns(self, batch, step) is a generator that yields (optimizer name, losses)",
}
"""Methods of models before recipes, each with one argument, and what to write in their place."""
_VALUE = re.compile(r"([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*(\[.*\])?")


class Entry(NamedTuple):
    """One registered name: where it is, and which distribution brought it."""

    kind: str
    name: str
    value: str
    distribution: str
    version: str

    @property
    def own(self) -> bool:
        return self.distribution == OWN

    @property
    def owner(self) -> str:
        return f"{self.distribution} {self.version}"

    @property
    def module(self) -> str:
        return self.value.partition(":")[0].strip()

    def broken(self, why: object) -> ZooError:
        return ZooError(f"{singular(self.kind)} {self.name!r} of {self.owner} is broken: {why}")

    def load(self) -> Any:
        """The object itself, or a ZooError that says which distribution is broken and how; stdout is kept for answers."""
        if not self.own:
            if wrong := trouble(self):
                raise self.broken(wrong)
            if _look_first is not None:
                _look_first(self)
        module, name, _ = _VALUE.fullmatch(self.value).groups()  # type: ignore[union-attr]
        try:
            with contextlib.nullcontext() if self.own else contextlib.redirect_stdout(sys.stderr):
                return reduce(getattr, name.split("."), import_module(module))
        except (Exception, SystemExit) as error:
            raise self.broken(reason(error)) from error


def singular(kind: str) -> str:
    """The word for one of a kind: ``model`` of ``models``, ``data`` of ``data``."""
    return kind if kind == "data" else kind.removesuffix("s")


def entries(kind: str) -> dict[str, list[Entry]]:
    """All entries of a kind (a key of :data:`GROUPS`), by name; more than one where names clash."""
    groups: dict[str, list[Entry]] = {}
    for plugin in plugins():
        for entry in entries_of(plugin):
            if entry.kind == kind:
                groups.setdefault(entry.name, []).append(entry)
    return dict(sorted(groups.items()))


def names(kind: str) -> list[str]:
    return list(entries(kind))


def entry(kind: str, name: str) -> Entry:
    """The entry of that name, a built-in before any other; a RequestError where there is none, or two packages claim it."""
    known = entries(kind)
    if name not in known:
        raise RequestError(f"no {singular(kind)} is called {name!r}: {nearest(name, known)}")
    first, *others = sorted(known[name], key=lambda claim: (not claim.own, claim.owner))
    if others and not first.own:
        owners = " and ".join(claim.owner for claim in (first, *others))
        raise RequestError(f"two packages bring a {singular(kind)} called {name!r}: {owners}; uninstall one")
    return first


def load(kind: str, name: str) -> Any:
    return entry(kind, name).load()


def create(kind: str, name: str, *args: Any, **config: Any) -> Any:
    """The object registered as ``name``, called with these arguments; a ZooError where it is broken says whose it is."""
    registered = load(kind, name)
    try:
        return registered(*args, **config)
    except Exception as error:
        where = entry(kind, name)
        if where.own or isinstance(error, ZooError):
            raise
        raise where.broken(f"it cannot be made: {reason(error)}") from error


def plugins() -> tuple[Installed, ...]:
    """The distributions that bring something, this project's own among them, and those that would if they were readable."""
    return distributions().plugins


def entries_of(plugin: Installed) -> list[Entry]:
    kinds = {group: kind for kind, group in GROUPS.items()}
    return [
        Entry(kinds[group], name, value, plugin.name, plugin.version) for group, name, value in plugin.points if group in kinds
    ]


def trouble(entry: Entry) -> str:
    """The fault of a third party's entry that its metadata alone shows, "" where there is none. Imports nothing of it."""
    from importlib.util import find_spec

    if entry.kind in ("checkpoints", "suites"):
        return ""  # zoo.catalog reads the file that it names, and says what is wrong with it
    if not _VALUE.fullmatch(entry.value):
        return f"its entry point is {entry.value!r}; it must be module:object"
    top = entry.module.partition(".")[0]
    try:
        absent = find_spec(top) is None
    except (ImportError, ValueError):  # it is being imported already, or has no spec of its own
        absent = top not in sys.modules
    return f"there is no module {top!r}" if absent else ""


def clash(entry: Entry) -> str:
    """The reason why an entry's name is not its own: a built-in has it, or another package claims it too; "" where it is."""
    others = [claim for claim in entries(entry.kind)[entry.name] if claim.distribution != entry.distribution]
    if entry.own or not others:
        return ""
    if any(claim.own for claim in others):
        return "ignored: a built-in name"
    return f"unusable: two packages bring it, and one is {' and '.join(sorted(claim.owner for claim in others))}"


def distributions() -> Distributions:
    return _distributions(os.environ.get("ZOO_PLUGINS"))


def forget() -> None:
    """Read what is installed anew when it is next asked for."""
    _distributions.cache_clear()


@cache
def _distributions(plugins: str | None) -> Distributions:
    everything = installed(GROUPS.values())
    if plugins == "":
        return everything._replace(plugins=tuple(plugin for plugin in everything.plugins if plugin.name == OWN))
    return everything


_look_first: Callable[[Entry], None] | None = None


@contextlib.contextmanager
def looking_first(look: Callable[[Entry], None]) -> Iterator[None]:
    """Within it, ``look`` is asked before a third party's code is first imported, and may refuse it by raising."""
    global _look_first
    before, _look_first = _look_first, look
    try:
        yield
    finally:
        _look_first = before


def reason(error: BaseException) -> str:
    """An error in a third party's code, in a line; of an import that is gone, what to write in its place."""
    text = f"{type(error).__name__}: {error}"
    module = error.name or "" if isinstance(error, ImportError) else ""
    if module in MOVED:
        return f"{text}; write `{MOVED[module]}`"
    if module.startswith("zoo."):
        return f"{text}; plugins import public names only: `from zoo import ...`"
    return text


def refuse_old(cls: type) -> None:
    """Raise a TypeError that says what to write, where a new class of models has such a method."""
    methods = {name: method for name, method in vars(cls).items() if isinstance(method, FunctionType)}
    advice = [words for name, words in OLD.items() if name in methods and methods[name].__code__.co_argcount == 2]
    if advice:
        raise TypeError(f"{cls.__name__} is written for an older zoo: {'; '.join(advice)}")
