"""Suites by name, and published numbers: each a file of the package, of the user or of a plugin.

A plugin names its package under ``zoo.suites`` by the name of the suite, which lies there as ``NAME.toml``; a user's own
lie in the folder ``suites`` beside the user's ``registry.toml``.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from zoo import registry
from zoo.catalog.checkpoints import user_file
from zoo.catalog.claims import USER, Claims, file_in, merge, only
from zoo.catalog.files import Published, Suite, SuiteFile
from zoo.saving.strict import read
from zoo.utils.errors import RequestError, ZooError


def known() -> Claims[Suite]:
    """All suites, as :func:`zoo.catalog.checkpoints.known` has the checkpoints.

    Raises:
        RequestError: one of the user's is wrong, or takes a name of the package's.
    """
    own: list[Suite] = []
    plugins: list[Suite] = []
    broken: dict[str, str] = {}
    for name, entries in registry.entries("suites").items():
        for entry in entries:
            try:
                suite = _read(file_in(entry.value, f"{name}.toml"), name, entry.distribution)
                (own if entry.distribution == registry.OWN else plugins).append(suite)
            except (ImportError, ValueError, ZooError) as error:
                broken[entry.owner] = "; ".join(filter(None, (broken.get(entry.owner), str(entry.broken(error)))))
    user = [_read(path, path.stem, USER) for path in sorted((user_file().parent / "suites").glob("*.toml"))]
    return Claims(merge("suite", own, user, plugins), broken)


def find(name: str) -> Suite:
    """The suite of that name; raises as :func:`zoo.catalog.checkpoints.find`."""
    return only("suite", name, known())


def published(task: str) -> list[Published]:
    """The published numbers for a task, in the order of the suites; raises as :func:`known`."""
    return [row for claims in known().named.values() for suite in claims for row in suite.published if row.task == task]


def _read(path: Path, name: str, owner: str) -> Suite:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise RequestError(f"{path}: the name of a suite has lower-case letters, digits, dots and dashes, unlike {name!r}")
    table = read(path, SuiteFile)
    return Suite(**msgspec.structs.asdict(table), name=name, owner=owner, file=path)
