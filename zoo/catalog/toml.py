"""One ``registry.toml``, read and checked: every mistake is answered with the file, the key and what would be right."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from zoo.catalog.suite import Suite, read_suite
from zoo.catalog.toml_lines import Keys, Lines, parse
from zoo.hub.source import parse as parse_source
from zoo.utils.errors import RequestError, nearest

SCHEMA = 1


class Checkpoint(NamedTuple):
    """One registered checkpoint.

    Attributes:
        name: ``family/task``.
        model, task: entry-point names.
        source: ``package:DIR``, ``hf:ORG/REPO@REVISION`` or ``dir:PATH``.
        sha256: of its ``model.safetensors``.
        licence, data, made_by: for the reader.
        scores: metric values by name.
        size: of its weights in bytes, 0 if it is not said.
        owner: the distribution that brought it, or ``the user``.
        file: the ``registry.toml`` it stands in.
        base: what ``package:`` is relative to.
    """

    name: str
    model: str
    task: str
    source: str
    sha256: str
    licence: str
    data: str
    made_by: str
    scores: Mapping[str, float]
    size: int
    owner: str
    file: Path
    base: Path


class Published(NamedTuple):
    """One model's numbers in one table of a paper; ``metrics`` in this project's own names and units."""

    paper: str
    source: str
    data: str
    task: str
    model: str
    n: int
    metrics: Mapping[str, float]


class RegistryFile(NamedTuple):
    """What one file holds."""

    path: Path
    checkpoints: Mapping[str, Checkpoint]
    published: tuple[Published, ...]
    suites: Mapping[str, Suite] = {}


def read_registry(path: Path, owner: str) -> RegistryFile:
    """The registry in the file ``path``, brought by ``owner``.

    Raises:
        RequestError: it is no TOML or not of this form.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = parse(text)
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RequestError(f"{path} is no UTF-8 text: byte {error.start} cannot be read") from error
    except RequestError as error:
        raise RequestError(f"{path} is {error}") from error
    top = Table(values, Place(path, Lines(text)))
    schema = top.values.pop("schema", None)
    if schema != SCHEMA:
        newer = isinstance(schema, int) and schema > SCHEMA
        right = "upgrade cond-zoo to use it" if newer else f"write schema = {SCHEMA}"
        raise RequestError(f"{top.at('schema')}: schema is {schema!r}; {right}")
    checkpoints, published = top.take("checkpoints", dict, {}), top.take("published", list, [])
    suites = top.take("suites", dict, {})
    top.end()
    place = top.place
    named = {
        name: _checkpoint(name, Table(value, place.below(f"checkpoint {name!r}", "checkpoints", name)), owner)
        for name, value in checkpoints.items()
    }
    numbers = tuple(
        _published(Table(value, place.below(f"published entry {i + 1}", "published", i))) for i, value in enumerate(published)
    )
    sets = {
        name: read_suite(name, Table(value, place.below(f"suite {name!r}", "suites", name)), owner)
        for name, value in suites.items()
    }
    return RegistryFile(path, named, numbers, sets)


class Place(NamedTuple):
    """Where a table stands: in which file, under which keys, and what it is in words."""

    file: Path
    lines: Lines
    path: Keys = ()
    words: str = ""

    def below(self, words: str, *keys: str | int) -> Place:
        """The place of a table inside this one."""
        return self._replace(path=(*self.path, *keys), words=": ".join(part for part in (self.words, words) if part))


class Table:
    """The keys of one table, taken one by one; what is left at the end is a mistake."""

    def __init__(self, values: Any, place: Place) -> None:
        self.place = place
        if not isinstance(values, dict):
            raise RequestError(f"{self.at()} must be a table of keys and values")
        self.values, self.keys = dict(values), list[str]()
        self.given = frozenset(self.values)

    def at(self, *keys: str) -> str:
        """How a message about this table begins, or about a key of it: the file, the line, the table in words."""
        line = self.place.lines.of((*self.place.path, *keys))
        where = str(self.place.file) if line is None else f"{self.place.file}:{line}"
        return f"{where}: {self.place.words}" if self.place.words else where

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        self.keys.append(key)
        if key not in self.values:
            if default is None:
                raise RequestError(f"{self.at()} lacks {key!r}")
            return default
        value = self.values.pop(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            word = {str: "text", int: "a whole number", dict: "a table", list: "a list"}[kind]
            raise RequestError(f"{self.at(key)}: {key} is {value!r}; it must be {word}")
        return value

    def numbers(self, key: str, default: Any = None) -> dict[str, float]:
        found = self.take(key, dict, default)
        for name, value in found.items():
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
                raise RequestError(f"{self.at(key, name)}: {key} {name!r} is {value!r}; it must be a number")
        return {name: float(value) for name, value in found.items()}

    def inner(self, key: str) -> Table | None:
        """The table under ``key``, None where there is none."""
        values = self.take(key, dict, {})
        return Table(values, self.place.below(key, key)) if key in self.given else None

    def end(self) -> None:
        for key in self.values:
            raise RequestError(f"{self.at(key)} has the unknown key {key!r}: {nearest(key, self.keys)}")


def _checkpoint(name: str, table: Table, owner: str) -> Checkpoint:
    path = table.place.file
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)+", name):
        raise RequestError(f"{table.at()}: a name is of the form family/task, in lower case")
    made = Checkpoint(
        name=name,
        model=table.take("model", str),
        task=table.take("task", str),
        source=table.take("source", str),
        sha256=table.take("sha256", str).lower(),
        licence=table.take("licence", str, ""),
        data=table.take("data", str, ""),
        made_by=table.take("made_by", str, ""),
        scores=table.numbers("scores", {}),
        size=table.take("size", int, 0),
        owner=owner,
        file=path,
        base=path.parent / "checkpoints",
    )
    table.end()
    if not re.fullmatch(r"[0-9a-f]{64}", made.sha256):
        raise RequestError(f"{table.at('sha256')}: sha256 is {made.sha256!r}; it must be 64 hexadecimal digits")
    kind, _, rest = made.source.partition(":")
    inside = rest and not PurePosixPath(rest).is_absolute() and ".." not in PurePosixPath(rest).parts
    right = {
        "package": bool(inside),
        "dir": bool(rest),
        "hf": kind == "hf" and _pinned(rest),
    }
    if not right.get(kind):
        raise RequestError(
            f"{table.at('source')}: source is {made.source!r}; it must be package:DIR, dir:PATH or hf:ORG/REPO@REVISION"
        )
    return made


def _pinned(text: str) -> bool:
    """Whether it is a repository of the Hub with a revision."""
    try:
        return parse_source(text).revision is not None
    except RequestError:
        return False


def _published(table: Table) -> Published:
    made = Published(
        **{key: table.take(key, str) for key in ("paper", "source", "data", "task", "model")},
        n=table.take("n", int),
        metrics=table.numbers("metrics"),
    )
    table.end()
    return made
