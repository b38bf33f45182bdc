"""One ``registry.toml``, read and checked: every mistake is answered with the file, the key and what would be right."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from zoo.errors import RequestError, nearest
from zoo.suite import Suite, read_suite

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
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise RequestError(f"{path} is no TOML: {error}") from error
    schema = values.pop("schema", None)
    if schema != SCHEMA:
        newer = isinstance(schema, int) and schema > SCHEMA
        raise RequestError(
            f"{path}: schema is {schema!r}; " + ("upgrade cond-zoo to use it" if newer else f"write schema = {SCHEMA}")
        )
    tables = Table(values, str(path))
    checkpoints, published = tables.take("checkpoints", dict, {}), tables.take("published", list, [])
    suites = tables.take("suites", dict, {})
    tables.end()
    named = {name: _checkpoint(name, value, path, owner) for name, value in checkpoints.items()}
    numbers = tuple(_published(value, f"{path}: published entry {i + 1}") for i, value in enumerate(published))
    sets = {name: read_suite(name, Table(value, f"{path}: suite {name!r}"), owner, path) for name, value in suites.items()}
    return RegistryFile(path, named, numbers, sets)


class Table:
    """The keys of one table, taken one by one; what is left at the end is a mistake."""

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, dict):
            raise RequestError(f"{where} must be a table of keys and values")
        self.values, self.where, self.keys = dict(values), where, list[str]()
        self.given = frozenset(self.values)

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        self.keys.append(key)
        if key not in self.values:
            if default is None:
                raise RequestError(f"{self.where} lacks {key!r}")
            return default
        value = self.values.pop(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            word = {str: "text", int: "a whole number", dict: "a table", list: "a list"}[kind]
            raise RequestError(f"{self.where}: {key} is {value!r}; it must be {word}")
        return value

    def numbers(self, key: str, default: Any = None) -> dict[str, float]:
        found = self.take(key, dict, default)
        for name, value in found.items():
            if not isinstance(value, (int, float)) or isinstance(value, bool) or value != value:
                raise RequestError(f"{self.where}: {key} {name!r} is {value!r}; it must be a number")
        return {name: float(value) for name, value in found.items()}

    def inner(self, key: str) -> Table | None:
        """The table under ``key``, None where there is none."""
        values = self.take(key, dict, {})
        return Table(values, f"{self.where}: {key}") if key in self.given else None

    def end(self) -> None:
        for key in self.values:
            raise RequestError(f"{self.where} has the unknown key {key!r}: {nearest(key, self.keys)}")


def _checkpoint(name: str, value: Any, path: Path, owner: str) -> Checkpoint:
    table = Table(value, f"{path}: checkpoint {name!r}")
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)+", name):
        raise RequestError(f"{table.where}: a name is of the form family/task, in lower case")
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
        owner=owner,
        file=path,
        base=path.parent / "checkpoints",
    )
    table.end()
    if not re.fullmatch(r"[0-9a-f]{64}", made.sha256):
        raise RequestError(f"{table.where}: sha256 is {made.sha256!r}; it must be 64 hexadecimal digits")
    kind, _, rest = made.source.partition(":")
    inside = rest and not PurePosixPath(rest).is_absolute() and ".." not in PurePosixPath(rest).parts
    right = {
        "package": bool(inside),
        "dir": bool(rest),
        "hf": re.fullmatch(r"[\w.-]+/[\w.-]+@[\w./-]+", rest) is not None,
    }
    if not right.get(kind):
        raise RequestError(
            f"{table.where}: source is {made.source!r}; it must be package:DIR, dir:PATH or hf:ORG/REPO@REVISION"
        )
    return made


def _published(value: Any, where: str) -> Published:
    table = Table(value, where)
    made = Published(
        **{key: table.take(key, str) for key in ("paper", "source", "data", "task", "model")},
        n=table.take("n", int),
        metrics=table.numbers("metrics"),
    )
    table.end()
    return made
