"""Suites by name, and published numbers: each a file of the package, of the user or of a plugin.

A plugin names its package under ``zoo.suites`` by the name of the suite, which lies there as ``NAME.toml``; a user's own
lie in the folder ``suites`` beside the user's ``registry.toml``.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from zoo import registry
from zoo.catalog.checkpoints import USER, Claims, file_in, gather, only, user_file
from zoo.catalog.files import Published, Suite, SuiteTable
from zoo.saving.strict import read
from zoo.utils.errors import RequestError


def known() -> Claims[Suite]:
    """All suites, as :func:`zoo.catalog.checkpoints.known` has the checkpoints."""
    paths = sorted((user_file().parent / "suites").glob("[!.]*.toml"))  # a hidden one is somebody's editor's
    user = (_read(path, path.stem, USER) for path in paths)
    return gather("suites", user, _brought)


def find(name: str) -> Suite:
    """The suite of that name; raises as :func:`zoo.catalog.checkpoints.find`."""
    return only("suite", name, known())


def published(task: str) -> list[Published]:
    """The published numbers for a task, in the order of the suites; raises as :func:`known`."""
    return [row for claims in known().named.values() for suite in claims for row in suite.published if row.task == task]


def _brought(entry: registry.Entry) -> list[Suite]:
    return [_read(file_in(entry.value, f"{entry.name}.toml"), entry.name, entry.distribution)]


def _read(path: Path, name: str, owner: str) -> Suite:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise RequestError(f"{path}: the name of a suite has lower-case letters, digits, dots and dashes, unlike {name!r}")
    return Suite(**msgspec.structs.asdict(read(path, SuiteTable)), name=name, owner=owner, file=path)
