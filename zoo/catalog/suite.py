"""Suites: named sets of runs that make one table, read from the ``[suites]`` part of a ``registry.toml``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    from zoo.catalog.toml import Table


class Quick(NamedTuple):
    """What the quick form of a suite changes; None for what it leaves."""

    seeds: int | None = None
    n: int | None = None
    items: int | None = None
    settings: Mapping[str, Any] = {}


class Suite(NamedTuple):
    """One suite.

    Attributes:
        name: how it is asked for.
        title: of its table.
        models: entry-point names, in the order of the rows; empty where they have to be named.
        tasks: the kinds of data that each applies to, by entry-point name; no kinds for every kind.
        metrics: the columns of the table, ``NAME`` or ``NAME@K``; empty for all that are registered.
        data: what it runs on where no data is named; "" for each task's own.
        seeds: how many.
        n: samples an item.
        items: test items that are scored, at most; None for all.
        scatter: the metrics that the scatter plot has across and up; without ``@K``, at the largest K. None for no plot.
        settings: as ``KEY`` of models, ``MODEL.KEY``, ``task.KEY``, ``TASK.KEY`` and ``training.KEY``.
        quick: the changes of its quick form.
        owner: the distribution that brought it, or ``the user``.
        file: the ``registry.toml`` it stands in.
    """

    name: str
    title: str
    models: tuple[str, ...]
    tasks: Mapping[str, tuple[str, ...]]
    metrics: tuple[str, ...]
    data: str
    seeds: int
    n: int
    items: int | None
    scatter: tuple[str, str] | None
    settings: Mapping[str, Any]
    quick: Quick
    owner: str
    file: Path

    @property
    def measured(self) -> tuple[str, ...] | None:
        """The entry-point names of the metrics in the columns; None for all that are registered."""
        return tuple(dict.fromkeys(column.partition("@")[0] for column in self.metrics)) or None


def read_suite(name: str, table: Table, owner: str) -> Suite:
    """The suite in ``table``.

    Raises:
        RequestError: it is not of this form.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise RequestError(f"{table.at()}: a name has lower-case letters, digits, dots and dashes")
    kinds = table.take("tasks", dict, {})
    tasks = {task: _words(value, table, "tasks", task) for task, value in kinds.items()}
    quick, scatter = table.inner("quick"), table.inner("scatter")
    made = Suite(
        name=name,
        title=table.take("title", str),
        models=_words(table.take("models", list, []), table, "models"),
        tasks=tasks,
        metrics=_words(table.take("metrics", list, []), table, "metrics"),
        data=table.take("data", str, ""),
        seeds=_count(table, "seeds", 1),
        n=_count(table, "n", 100),
        items=_count(table, "items", 0) or None,
        scatter=None if scatter is None else (scatter.take("x", str), scatter.take("y", str)),
        settings=_settings(table),
        quick=Quick() if quick is None else _quick(quick),
        owner=owner,
        file=table.place.file,
    )
    for part in (table, scatter):
        if part is not None:
            part.end()
    return made


def _quick(table: Table) -> Quick:
    seeds, n, items = (_count(table, key, 0) or None for key in ("seeds", "n", "items"))
    made = Quick(seeds, n, items, _settings(table))
    table.end()
    return made


def _count(table: Table, key: str, default: int) -> int:
    value: int = table.take(key, int, default)
    if key in table.given and value < 1:
        raise RequestError(f"{table.at(key)}: {key} is {value}; it must be at least 1")
    return value


def _settings(table: Table) -> dict[str, Any]:
    found: dict[str, Any] = table.take("settings", dict, {})
    for key, value in found.items():
        if not isinstance(value, (str, int, float, bool, list)):
            raise RequestError(
                f'{table.at("settings", key)}: setting {key!r} is {value!r}; write "{key}.NAME" = VALUE, with the quotes'
            )
    return found


def _words(values: Any, table: Table, key: str, *inner: str) -> tuple[str, ...]:
    """The names listed under ``key``, or under ``inner`` of it."""
    wrong = ""
    if not isinstance(values, Sequence) or isinstance(values, str) or not all(isinstance(v, str) and v for v in values):
        wrong = f"is {values!r}; it must be a list of names"
    elif twice := sorted({value for value in values if values.count(value) > 1}):
        wrong = f"has {twice[0]!r} twice"
    if wrong:  # the line is looked for only now: that reads the file once more
        what = " ".join((key, *map(repr, inner)))
        raise RequestError(f"{table.at(key, *inner)}: {what} {wrong}")
    return tuple(values)
