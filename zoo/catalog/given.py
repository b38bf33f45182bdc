"""The photos, folders of photos and patterns that words name; and names for the things made of each."""

from __future__ import annotations

import glob
import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from zoo.utils.errors import RequestError, cause
from zoo.utils.files import user_path

MOST_NAME = 200
"""Bytes of a name that are made of what it is of; file systems take 255."""
KEPT = 1 << 28
"""Bytes of photos that are kept once they have been looked at; others are read again when it is their turn."""
TOLD = 3
"""How many of the files that were left out are named."""


@dataclass
class Given:
    """The items that were named, in their order, each seen to be one; and what was left out of folders, in words."""

    words: list[str]
    left_out: list[str]
    _read: Callable[[str], Any]
    _kept: dict[int, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for i, word in enumerate(self.words):
            yield word, self._kept.pop(i) if i in self._kept else self._read(word)


def look(words: Sequence[str], read: Callable[[str], Any], check: Callable[[Any], None], folders: bool) -> Given:
    """Read every item that is named, and check it, before anything is made of the first.

    Args:
        words: each an item; with ``folders`` also a folder, which means the photos that lie in it, or a pattern.
        read: from a word to an item; a RequestError where it is none.
        check: refuses (RequestError) an item of which nothing can be made.

    Raises:
        RequestError: of ``read`` and ``check`` for what was named itself; a folder or a pattern without any photo.
    """
    given, room = Given([], [], read), KEPT
    for word in words:
        found = _found(word) if folders else None
        left, before = {}, len(given.words)
        for path in [word] if found is None else found:
            try:
                if found is not None and (reason := _unfit(Path(path))):
                    raise RequestError(reason)
                item = read(path)
            except RequestError as error:
                if found is None:
                    raise
                left[path] = cause(error.__cause__ or error)
                continue
            check(item)
            room -= (size := getattr(item, "nbytes", 1))
            if room >= 0:
                given._kept[len(given.words)] = item
            else:
                room += size
            given.words.append(path)
        if found is not None and len(given.words) == before:
            raise RequestError(f"there is no photo in {word}" + (f": {_told(left)}" if left else ""))
        if left:
            given.left_out.append(f"{word}: {len(left)} left out: {_told(left)}")
    return given


def _cut(stem: str) -> str:
    """No more of a name than file systems take, and no character cut in two."""
    short = os.fsdecode(os.fsencode(stem)[:MOST_NAME])
    while not stem.startswith(short):
        short = short[:-1]
    return short


def own_names(words: Sequence[str]) -> list[str]:
    """A name for each item, of its own, numbered from 2 on where file systems would take two for one.

    Examples:
        >>> own_names(["a/photo.png", "b/Photo.png", "Eyeglasses,!Male"])
        ['photo', 'Photo-2', 'Eyeglasses,!Male']
    """
    names: list[str] = []
    taken: set[str] = set()
    for path in map(Path, map(os.path.expanduser, words)):
        stem = _cut(path.stem if os.path.isfile(path) else path.name) or "item"
        stem = stem if stem.strip(".") else "item"
        name = next(name for i in count(1) if _folded(name := stem if i == 1 else f"{stem}-{i}") not in taken)
        taken.add(_folded(name))
        names.append(name)
    return names


def _folded(name: str) -> str:
    """The same for all names that some file system, blind to case or to how accents are written, takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _found(word: str) -> list[str] | None:
    """The paths in a folder, or that fit a pattern, by name; None for a word that is neither."""
    path = user_path(word)
    if path.is_dir():
        try:
            return sorted(map(str, path.iterdir()))
        except OSError as error:
            raise RequestError(f"cannot read {path}: {cause(error)}") from error
    if glob.has_magic(word) and not os.path.lexists(path):
        return sorted(glob.glob(str(path), recursive=True))
    return None


def _unfit(path: Path) -> str:
    """Why a path that was found is not even looked into; "" for one that is."""
    return "hidden" if path.name.startswith(".") else "a folder, to be named itself" if path.is_dir() else ""


def _told(left: dict[str, str]) -> str:
    named = [f"{os.path.basename(path) or path} ({reason})" for path, reason in list(left.items())[:TOLD]]
    return ", ".join(named) + (f" and {len(left) - TOLD} more" if len(left) > TOLD else "")
