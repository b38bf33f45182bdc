"""Folders that one process works in at a time: claimed by making them, and held by a lock that goes with the process."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from zoo.utils.errors import RequestError, ZooError, cause
from zoo.utils.files import is_temporary
from zoo.utils.lock import hold, owner

LOCK = ".lock"


@contextlib.contextmanager
def claimed(folder: Path, work: str = "run", *, fresh: bool = False) -> Iterator[Path]:
    """Hold ``folder`` for this process, made where it is not there; what was made goes again if nothing was put into it.

    Whoever makes a folder, or else gets the lock in it, has it. The lock of a process that has ended, however it ended,
    hinders nobody. Where the file system has no locks, the number in the lock's file says whether its process lives.

    Args:
        folder: what to hold.
        work: what is done in it, for the message.
        fresh: it must be one that nobody had: where its name is taken, it is numbered, from 2 on.

    Raises:
        RequestError: another process holds it, or it cannot be made or written to.

    Examples:
        >>> with claimed(Path("runs/a"), fresh=True) as first, claimed(Path("runs/a"), fresh=True) as second:
        ...     print(first.name, second.name)
        a a-2
        >>> Path("runs").exists()
        False
    """
    path, made, release = _take(folder, work, fresh)
    try:
        yield path
    finally:
        release()
        _unmake(made)


def content(folder: Path) -> list[str]:
    """The names in a folder, less its lock and the temporary folders that killed processes have left.

    Examples:
        >>> with claimed(Path("b")) as folder:
        ...     content(folder)
        []
    """
    return [name for name in os.listdir(folder) if name != LOCK and not is_temporary(name)]


def sweep(folder: Path) -> None:
    """Remove the temporary folders that killed processes have left anywhere in ``folder``, which this process holds."""
    import shutil

    for above, names, _ in os.walk(folder):
        for name in filter(is_temporary, list(names)):
            names.remove(name)
            shutil.rmtree(Path(above) / name, ignore_errors=True)


def _take(folder: Path, work: str, fresh: bool) -> tuple[Path, list[Path], Callable[[], None]]:
    for number in count(1):
        path, made = folder if number == 1 or not fresh else folder.with_name(f"{folder.name}-{number}"), list[Path]()
        try:
            made = _make(path, fresh)
            release = hold(path / LOCK)
        except OSError as error:
            _unmake(made)
            if fresh and isinstance(error, FileExistsError):
                continue
            if number < 100 and isinstance(error, FileNotFoundError):  # somebody gave it up, and took it away, just now
                continue
            kind = ZooError if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) else RequestError
            raise kind(f"{path} cannot be claimed: {cause(error)}; name another folder") from error
        if release is not None:
            return path, made, release
        if not fresh:
            raise RequestError(f"another {work} works in {path} ({owner(path / LOCK)}); wait for it, or stop it")
    raise AssertionError


def _make(path: Path, fresh: bool) -> list[Path]:
    """Make a folder and those above it; gives what was made, from the inside out. FileExistsError: it may not be there."""
    above = [] if path.parent.exists() else _make(path.parent, False)
    try:
        path.mkdir()
    except FileExistsError:
        if fresh or not path.is_dir():
            raise
        return above
    return [path, *above]


def _unmake(made: list[Path]) -> None:
    with contextlib.suppress(OSError):  # what is not empty stays
        for one in made:
            one.rmdir()
