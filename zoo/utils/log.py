"""A file beside long work that keeps what was said on stderr while it ran, and the error that ended it, whole."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from zoo.utils.files import own_file
from zoo.utils.words import visible

FIRST = "# zoo, "
"""What a log begins with."""
_open: list[_Log] = []


class _Log:
    """Stands for a stream: what is written goes there as it is, and to a file line by line, less what draws bars."""

    def __init__(self, file: TextIO, stream: TextIO) -> None:
        self._file, self._stream, self._rest, self._guard = file, stream, "", threading.Lock()

    def write(self, text: str) -> int:
        with self._guard:
            *lines, self._rest = (self._rest + text).split("\n")
            if "\r" in self._rest:
                self._rest = "\r" + self._rest.rpartition("\r")[2]
        for line in lines:
            if "\r" not in line:
                self.keep(line)
        return self._stream.write(text)

    def keep(self, *lines: str) -> None:
        for line in lines:
            with contextlib.suppress(OSError, ValueError):  # a full disk, or a file that is closed, stops no work
                self._file.write(visible(line, lines=True) + "\n")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def logged(path: Path, about: str) -> Iterator[None]:
    """Add to the log at ``path`` what is said on stderr inside, and the traceback of an error that leaves; it never fails.

    Args:
        path: of the file; what it holds stays. Where it is a link, or no file, nothing is logged.
        about: what begins here, one line.

    Examples:
        >>> with logged(Path("log.txt"), "count"):
        ...     print("one", file=sys.stderr)
        >>> print(Path("log.txt").read_text())
        # zoo, ... count
        one
        <BLANKLINE>
        >>> is_log(Path("log.txt"))
        True
    """
    file = _opened(path)
    if file is None:
        yield
        return
    log = _Log(file, sys.stderr)
    log.keep(f"{FIRST}{time.strftime('%Y-%m-%dT%H:%M:%S%z')}, process {os.getpid()}: {' '.join(about.split())}")
    sys.stderr = log
    _open.append(log)
    try:
        yield
    except BaseException as error:
        log.keep(*"".join(traceback.format_exception(error)).splitlines())
        raise
    finally:
        _open.remove(log)
        if sys.stderr is log:
            sys.stderr = log._stream
        with contextlib.suppress(OSError):
            file.close()


def note(line: str) -> None:
    """Write a line to the logs that are kept now, and nowhere else."""
    for log in list(_open):
        log.keep(line)


def is_log(path: Path) -> bool:
    """Whether there is a log at ``path``, or at most a file without a word in it."""
    with contextlib.suppress(OSError), os.fdopen(own_file(path, os.O_RDONLY), "rb") as file:
        return file.read(len(FIRST)) in (b"", FIRST.encode())
    return False


def _opened(path: Path) -> TextIO | None:
    with contextlib.suppress(OSError):
        handle = own_file(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        return os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace", buffering=1)
    return None
