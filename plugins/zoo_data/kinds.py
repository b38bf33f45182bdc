"""Two bases of kinds of data: a folder that has to be there, or as many generated items as are asked for."""

from __future__ import annotations

import errno
import os
import re
import stat
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo import (
    Data,
    Records,
    RequestError,
    Split,
    afford,
    border,
    check_alike,
    check_split,
    divided,
    one_line,
    read_text,
    regular,
    user_path,
)
from zoo_data.layouts import holds, seek, still_packed

TEXT = 1 << 28
"""Bytes of a list that is read; the largest, of CUB's attributes, has 97 MB."""


class FolderData(Data):
    """Data in a folder, ``kind:DIR``; a RequestError where none is named."""

    needs: ClassVar[str] = "the folder of the data set"
    form: ClassVar[str] = ""  # how to write it, where that is not kind:DIR

    def __init__(self, path: str = "") -> None:
        super().__init__(path)
        self.folder = path  # the part of the path that is the folder
        if not path:
            where = self.layout and f", where {self.layout}"
            raise RequestError(f"{self.kind} needs {self.needs}: write {self.form or f'{self.kind}:DIR'}{where}")

    def read(self, split: Split, *, seed: int = 0) -> Records:
        """The records of one split; a RequestError where folder, files or images are missing, or not in their format."""
        check_split(split)
        root = user_path(self.folder)
        with border(str(self), RequestError):
            try:
                there = stat.S_ISDIR(os.stat(root).st_mode)
            except (FileNotFoundError, NotADirectoryError):
                raise self.wrong("there is no such folder") from None
            if not there:
                raise self.wrong("this is a file; a folder is needed")
            try:
                return self.records(root, split, seed)
            except RequestError as error:
                if "\n" not in str(error):
                    raise
                raise RequestError(one_line(error)) from error  # a list or a file's name has a line break in it

    @abstractmethod
    def records(self, root: Path, split: Split, seed: int) -> Records:
        """The records of one split, of a folder that is there; raises as :meth:`read`."""

    def wrong(self, what: str) -> RequestError:
        return RequestError(f"{self}: {what}{self.layout and '; '}{self.layout}")

    def below(self, path: Path) -> str:
        """Where ``path`` is below the folder of the data, with slashes; "" where it is that folder."""
        inside = Path(os.path.relpath(path, Path(self.folder).expanduser())).as_posix()
        return "" if inside == "." else inside

    def file(self, root: Path, *names: str) -> Path:
        """The first of these files or folders that is there; a RequestError where none is."""
        path = first_of(root, *names)
        if path is None:
            raise self.wrong(f"there is no {names[0]}")
        return path

    def sought(self, root: Path, name: str, *patterns: str, folder: bool = False) -> Path:
        """The file or folder ``name``, called as a pattern says, in ``root`` or deeper; a RequestError if none is."""
        path = seek(root, *patterns, folder=folder)
        if path is None:
            raise self.wrong(f"there is no {name} (DIR holds {holds(root)}{still_packed(root, name)})")
        return path


class SplitData(Data):
    """Data that says itself which splits it has, and is read at once; without one for testing, items are held out."""

    def __init__(self, path: str = "") -> None:
        super().__init__(path)
        self._parts: Mapping[str, Records] = {}

    def read(self, split: Split, *, seed: int = 0) -> Records:
        """The records of one split; the seed changes nothing. A RequestError where it cannot be had or is not right."""
        check_split(split)
        if not self._parts:
            with border(str(self), RequestError):
                self._parts = check_alike(self, self.parts())
        return self._parts[split] if "test" in self._parts else divided(self, self._parts["train"], split)

    @abstractmethod
    def parts(self) -> Mapping[str, Records]:
        """The records for training and, where there are any, those for testing; raises as :meth:`read`."""


class GeneratedData(Data):
    """Items that are made here: ``kind``, or ``kind:N`` for N training items; a RequestError where N is no such number."""

    items: ClassVar[str]  # in words
    sizes: ClassVar[tuple[int, int]]  # for training, which N changes, and for testing
    each: ClassVar[int] = 8000  # bytes of memory that an item takes at least, with a field or two
    generate: Callable[[Split, int, int], Records]  # of a split, the seed and the number of items

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "items" in vars(cls) and "layout" not in vars(cls):
            cls.layout = f"nothing has to be there; {cls.kind}:N has {cls.items}"

    def __init__(self, path: str = "") -> None:
        if path and not re.fullmatch("0*[1-9][0-9]{0,14}", path):
            raise RequestError(f"{self.kind}:{path}: write {self.kind}, or {self.kind}:N for {self.items}")
        super().__init__(path)
        self.count = path  # "" for as many as there are by default

    @classmethod
    def example(cls, folder: Path) -> str:
        """Few items."""
        return "64"

    def read(self, split: Split, *, seed: int = 0) -> Records:
        """The records of one split; other seeds and the other split give other items, and fewer are the first of more."""
        count = int(self.count or self.sizes[0]) if check_split(split) == "train" else self.sizes[1]
        afford(count * self.each, str(self), f"write {self.kind}:N with a smaller N")
        return self.generate(split, seed, count)


def first_of(root: Path, *names: str) -> Path | None:
    """The first of these files or folders in ``root`` that is there."""
    return next((root / name for name in names if os.path.exists(root / name)), None)


def one_word(name: str) -> str:
    """``name`` as the name of an attribute: whatever is no letter, digit, ``_``, ``-`` or ``.`` becomes one ``_``."""
    return re.sub(r"[^\w.-]+", "_", name).strip("_") or "_"


def own_words(names: Sequence[str]) -> list[str]:
    """Each of ``names`` as :func:`one_word`, and as one of its own: of ``a b`` and ``a_b`` the later is ``a_b_2``."""
    words: dict[str, int] = {}
    for name in names:
        word = own = one_word(name)
        while own in words:
            words[word] += 1
            own = f"{word}_{words[word]}"
        words[own] = 1
    return list(words)


def lines_of(path: Path) -> list[str]:
    """The lines of a text file; a RequestError where it cannot be read."""
    with border(f"cannot read {path}", RequestError):
        return read_text(path, TEXT).splitlines()


def numbers_in(rows: Sequence[str] | Path, columns: Sequence[int], wanted: str) -> NDArray[np.int32]:
    """Columns of whole numbers in the lines of a file, (N, K); a RequestError, ``wanted``, where there is another word."""
    with border(wanted, RequestError):
        if isinstance(rows, Path) and regular(rows).stat().st_size > TEXT:
            raise OSError(errno.EFBIG, f"it has more than {TEXT:,} bytes")
        return np.loadtxt(rows, np.int32, usecols=columns, ndmin=2, comments=None, encoding="utf-8-sig")
