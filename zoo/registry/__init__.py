"""Models, tasks, metrics and kinds of data by name, found through entry points and loaded on use.

Listing imports nothing. A package that is broken is reported when it is loaded; everything else keeps working.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache, reduce
from importlib import import_module
from typing import Any, NamedTuple

from zoo.registry.faults import MOVED as MOVED
from zoo.registry.faults import OLD as OLD
from zoo.registry.faults import place as place
from zoo.registry.faults import reason as reason
from zoo.registry.faults import refuse_old as refuse_old
from zoo.registry.installed import Distributions, installed
from zoo.registry.installed import Installed as Installed
from zoo.registry.installed import normal as normal
from zoo.utils.errors import RequestError, ZooError, cause, lacks_memory, nearest, shown, step

GROUPS = {kind: f"zoo.{kind}" for kind in ("models", "tasks", "metrics", "data", "checkpoints", "suites")}
OWN = "cond-zoo"
"""The name of this project's own distribution; its names cannot be taken by another."""
_VALUE = re.compile(r"([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*(\[.*\])?")
_NAME = re.compile(r"\w[\w.+-]{0,99}")  # folders are called by it, and the command line takes it apart at : and =


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
            raise self.broken(reason(error, self.module)) from error


def singular(kind: str) -> str:
    """The word for one of a kind: ``model`` of ``models``, ``data`` of ``data``."""
    return kind if kind == "data" else kind.removesuffix("s")


def plural(kind: str) -> str:
    """The key of :data:`GROUPS` for the word of one: ``models`` of ``model``, ``data`` of ``data``."""
    return kind if kind == "data" else f"{kind}s"


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
    if not isinstance(name, str) or name not in known:
        raise RequestError(
            f"no {singular(kind)} is called {shown(name, 200)}: {nearest(name if isinstance(name, str) else '', known)}"
        )
    first, *others = sorted(known[name], key=lambda claim: (not claim.own, claim.owner))
    if others and not first.own:
        owners = " and ".join(claim.owner for claim in (first, *others))
        raise RequestError(f"two packages bring a {singular(kind)} called {name!r}: {owners}; uninstall one")
    return first


def load(kind: str, name: str) -> Any:
    return entry(kind, name).load()


def create(kind: str, name: str, /, *args: Any, **config: Any) -> Any:
    """The object registered as ``name``, called with these arguments; a ZooError where it is broken says whose it is.

    The settings are looked at (RequestError) before they become arguments of anything: one may be called as a parameter is.
    """
    registered = load(kind, name)
    with contextlib.nullcontext() if entry(kind, name).own else calling(kind, name, "it cannot be made", registered):
        _check_config(kind, registered, config)
        return registered(*args, **config)


def _check_config(kind: str, registered: Any, config: dict[str, Any]) -> None:
    from dataclasses import is_dataclass

    from zoo.utils.config import make_config

    alone = isinstance(registered, type)  # else it is a preset
    cls: Any = registered if alone else getattr(registered, "model", None)
    if isinstance(fields := getattr(cls, "Config", None), type) and is_dataclass(fields):
        settings = config if alone else {**getattr(registered, "config", {}), **config}
        make_config(fields, settings, f"{singular(kind)} {cls.__name__}")


@contextlib.contextmanager
def calling(kind: str, name: str, doing: str, made: object = None) -> Iterator[None]:
    """Within it, code registered as ``name`` is called, which may raise anything: it becomes one line, with file and line.

    Our own errors pass. ``made`` is what is called, where it may be called wrongly.

    Raises:
        ZooError: the code failed; says whose it is, and where in it.

    Examples:
        >>> with calling("models", "nn", "it cannot be fitted"):
        ...     raise KeyError("size")
        Traceback (most recent call last):
        zoo.utils.errors.ZooError: model 'nn' of cond-zoo ... is broken: it cannot be fitted: KeyError: it lacks 'size' (...)
    """
    try:
        yield
    except ZooError:
        raise
    except (Exception, SystemExit) as error:
        if lacks_memory(error):
            raise ZooError(f"{singular(kind)} {name!r}: {doing}: {cause(error)}") from error
        claims = sorted(entries(kind).get(name, ()), key=lambda claim: not claim.own)
        if not claims:  # it was made by hand
            raise ZooError(f"{singular(kind)} {name!r}: {doing}: {reason(error)}") from error
        raise claims[0].broken(f"{doing}: {reason(error, claims[0].module, made)}") from error


def told(error: BaseException) -> str:
    """An error of any kind in a line, with its type, and its place in the code of a plugin, if it went through any."""
    others = {one.module.partition(".")[0] for plugin in plugins() if plugin.name != OWN for one in entries_of(plugin)}
    where = step(error, *others) if others else ""
    return reason(error) if not where else f"{type(error).__name__}: {cause(error)} ({where})"


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
    if not _NAME.fullmatch(entry.name):
        return "its name must be letters, digits, and . _ + - after the first of them; at most 100"
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
