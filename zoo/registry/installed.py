"""Installed distributions by what they say that they bring, read from their metadata; nothing of theirs is imported.

Every start of the command line does this, and importing ``importlib.metadata`` alone takes longer than all of it: that is
asked only where distributions may lie elsewhere than in folders of the path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple

from zoo.utils.files import read_bytes

Read = Callable[[str], "bytes | None"]  # the content of a file of a distribution's metadata, None where there is none


class Installed(NamedTuple):
    """A distribution with entry points for the zoo, each a group, a name and a value; ``trouble`` is why its metadata, which
    lies in ``folder``, cannot be read: there are no points then, and the name is the folder's."""

    name: str
    version: str
    points: tuple[tuple[str, str, str], ...]
    requires: tuple[str, ...]
    folder: str
    trouble: str = ""


class Distributions(NamedTuple):
    """The distributions with entry points for the zoo, and the folders of metadata of all distributions there are."""

    plugins: tuple[Installed, ...]
    environment: tuple[str, ...]


def installed(groups: Iterable[str]) -> Distributions:
    """All distributions with an entry point in one of ``groups``; of two with one name the first on the path counts."""
    heads = tuple(f"[{group}]".encode() for group in groups)
    plugins: dict[str, Installed] = {}
    folders = []
    for folder, read in _everything():
        folders.append(os.path.basename(folder))
        try:
            text = read("entry_points.txt")
        except OSError:  # whether it is one of ours cannot be known
            continue
        if text and any(head in text for head in heads):
            plugin = _read(folder, text, read)
            plugins.setdefault(normal(plugin.name), plugin)
    return Distributions(tuple(plugins.values()), tuple(sorted(folders)))


def normal(name: str) -> str:
    """A distribution's name as all ways of writing it are compared: ``zoo-toning`` of ``Zoo_Toning``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _everything() -> Iterator[tuple[str, Read]]:
    """The folder of metadata of each distribution, with what reads a file of it."""
    others = [finder for finder in sys.meta_path if hasattr(finder, "find_distributions") and finder is not PathFinder]
    if others or any(os.path.isfile(place) for place in sys.path):
        from importlib.metadata import distributions

        for distribution in distributions():
            folder = str(getattr(distribution, "_path", "") or distribution)
            yield folder, partial(_content, folder) if os.path.isdir(folder) else partial(_encoded, distribution.read_text)
        return
    for place in dict.fromkeys(sys.path):
        with contextlib.suppress(OSError):
            for name in os.listdir(place or "."):
                if name.endswith((".dist-info", ".egg-info")):
                    folder = os.path.join(place, name)
                    yield folder, partial(_content, folder)


def _encoded(read_text: Callable[[str], str | None], name: str) -> bytes | None:
    try:
        text = read_text(name)
    except UnicodeDecodeError as error:
        raise OSError(errno.EILSEQ, f"{name} is no UTF-8 text") from error
    return None if text is None else text.encode()


def _content(folder: str, name: str) -> bytes | None:
    try:
        return read_bytes(Path(folder) / name)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _read(folder: str, entry_points: bytes, read: Read) -> Installed:
    stem = os.path.basename(folder).rpartition(".")[0].partition("-")[0]
    try:
        text = read("METADATA")
        headers = _headers(read("PKG-INFO") if text is None else text)
        (name, *_), (version, *_) = headers["Name"], headers["Version"]
        return Installed(name, version, tuple(_points(entry_points)), tuple(headers["Requires-Dist"]), folder)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return Installed(stem, "?", (), (), folder, f"its metadata in {folder} cannot be read: {reason}")


def _headers(text: bytes | None) -> dict[str, list[str]]:
    """Name, version and requirements; an email in form, whose body is the description."""
    if text is None:
        raise ValueError("there is no METADATA")
    headers: dict[str, list[str]] = {"Name": [], "Version": [], "Requires-Dist": []}
    for line in _decoded(text, "METADATA").splitlines():
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if colon and key in headers:
            headers[key].append(value.strip())
    for key in ("Name", "Version"):
        if not headers[key] or not headers[key][0]:
            raise ValueError(f"METADATA has no {key}")
    return headers


def _points(text: bytes) -> Iterator[tuple[str, str, str]]:
    group = ""
    for line in _decoded(text, "entry_points.txt").splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif line and not line.startswith(("#", ";")):
            name, equals, value = line.partition("=")
            if not equals or not name.strip():
                raise ValueError(f"entry_points.txt has the line {line!r}; it must be NAME = VALUE")
            yield group, name.strip(), value.strip()


def _decoded(text: bytes, name: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is no UTF-8 text") from error
