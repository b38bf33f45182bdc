"""On which line of a TOML file a table or a key stands, so that a mistake in it can be pointed at."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from zoo.utils.errors import RequestError

Keys = tuple["str | int", ...]
"""Keys from the top of the file down; the number of an entry, from 0, in an array of tables."""


def parse(text: str) -> dict[str, Any]:
    """The values in ``text``.

    Raises:
        RequestError: it is no TOML; says the line and the column.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise RequestError(f"no TOML: {error}") from error


class Lines:
    """The lines of one TOML text, searched only once something is wrong."""

    def __init__(self, text: str) -> None:
        self.text = text

    def of(self, path: Keys) -> int | None:
        """The line, from 1, of the table or key at ``path``, else of what is nearest above it; None where nothing is."""
        lines = self._lines()
        for end in range(len(path), 0, -1):
            if path[:end] in lines:
                return lines[path[:end]]
        return None

    def _lines(self) -> dict[Keys, int]:
        """Each header and each key on a line of its own, as TOML itself reads that line; other lines name nothing."""
        found: dict[Keys, int] = {}
        table: Keys = ()
        counts: dict[Keys, int] = {}
        for number, line in enumerate(self.text.splitlines(), 1):
            stripped = line.strip()
            if not stripped or stripped.startswith("#"):
                continue
            try:
                value = parse(_opened(stripped))
            except RequestError:
                continue
            path = _keys(value)
            if stripped.startswith("[["):
                counts[path] = counts.get(path, -1) + 1
                table = (*path, counts[path])
                found.setdefault(table, number)
            elif stripped.startswith("["):
                table = path
                found.setdefault(table, number)
            else:
                found.setdefault((*table, *path), number)
                if stripped.endswith("}"):  # the keys of a table on one line stand on that line too
                    _inner(value, table, number, found)
        return found


def _opened(line: str) -> str:
    """A line that opens a list, a table or a long text, closed so that it can be read alone."""
    for opening, closing in (("[", "]"), ("{", "}"), ('"""', '"""'), ("'''", "'''")):
        if "=" in line and line.endswith(opening):
            return line + closing
    return line


def _keys(value: Mapping[str, Any]) -> Keys:
    """The keys that one header or one assignment names, outermost first."""
    keys: list[str | int] = []
    inner: Any = value
    while isinstance(inner, (dict, list)) and len(inner) == 1:
        if isinstance(inner, list):
            inner = inner[0]
            continue
        (key, inner), *_ = inner.items()
        keys.append(key)
    return tuple(keys)


def _inner(value: Any, above: Keys, line: int, found: dict[Keys, int]) -> None:
    if isinstance(value, dict):
        for key, one in value.items():
            found.setdefault((*above, key), line)
            _inner(one, (*above, key), line, found)
