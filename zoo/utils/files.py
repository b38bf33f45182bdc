"""Files that appear whole or not at all, and the folder for those that may be lost."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.utils.errors import RequestError, ZooError, border, cause, shown


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success it takes the place of ``path`` in one step.

    Raises:
        ZooError: the file system refused (full disk, no permission); nothing is left behind.

    Examples:
        >>> with whole_file(Path("answer.txt")) as part:
        ...     _ = part.write_text("42")
        >>> Path("answer.txt").read_text()
        '42'
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _scratch(path) as scratch:
            yield (part := scratch / path.name)  # in a folder of ours, where nobody else can have put a link
            os.replace(part, path)
    except OSError as error:
        raise ZooError(f"cannot write {path}: {cause(error)}") from error


@contextlib.contextmanager
def whole_folder(path: Path, instead: str = "name a new folder") -> Iterator[Path]:
    """Give a temporary folder beside ``path``; on success it becomes ``path`` in one step.

    Raises:
        RequestError: ``path`` holds something, before or by now, which stays as it is; ``instead`` says what would do.
        ZooError: the file system refused; nothing is left behind.

    Examples:
        >>> with whole_folder(Path("answers")) as part:
        ...     _ = (part / "answer.txt").write_text("42")
        >>> with whole_folder(Path("answers")) as part:
        ...     pass
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: answers already holds something; name a new folder
    """
    target = Path(os.path.realpath(path))  # the folder itself, where a link leads to it
    alone = not target.parent.exists()
    try:
        see_free(path, instead)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _scratch(target) as scratch:
            (new := scratch / "new").mkdir()
            yield new
            see_free(path, instead)
            if os.name == "nt" and target.exists():
                target.rmdir()  # elsewhere an empty folder, and nothing else, makes way in the same step
            try:
                os.rename(new, target)
            except OSError:
                see_free(path, instead)
                raise
    except OSError as error:
        raise ZooError(f"cannot write {path}: {cause(error)}") from error
    finally:
        if alone:
            with contextlib.suppress(OSError):  # it goes only if nothing came of it
                target.parent.rmdir()


def see_free(path: Path, instead: str = "name a new folder") -> None:
    """See that there is nothing at ``path`` but, at most, an empty folder.

    Raises:
        RequestError: there is; ``instead`` says what would do.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise RequestError(f"{path} already holds something; {instead}")


def discard(folder: Path) -> None:
    """Remove a folder: in one step for whoever looks, though all that is in it takes longer.

    Raises:
        OSError: it cannot be moved out of the way.

    Examples:
        >>> Path("old/state").mkdir(parents=True)
        >>> discard(Path("old"))
        >>> Path("old").exists()
        False
    """
    if folder.is_dir():
        with _scratch(folder) as scratch:
            os.replace(folder, scratch / "old")


@contextlib.contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path``."""
    import tempfile

    name = f".{path.name[:60]}."  # with which the longest name of any script still fits
    with tempfile.TemporaryDirectory(".part", name, path.parent, ignore_cleanup_errors=True) as scratch:
        yield Path(scratch)


def is_temporary(name: str) -> bool:
    """Whether a folder of this name is the temporary one of something that is being written, or was when it was killed.

    Examples:
        >>> is_temporary(".report.html.x1_y2z3w.part"), is_temporary("report.html")
        (True, False)
    """
    return re.fullmatch(r"\..+\.[a-z0-9_]{8}\.part", name, re.DOTALL) is not None


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, whole or not at all; a NaN or an infinity is an error, not a word."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


LONGEST = 255
"""Bytes of a name that file systems take."""


def user_path(path: str | os.PathLike[str]) -> Path:
    """A path as a person writes it: ``~`` is their home folder.

    Raises:
        RequestError: no path can be called so (nothing, a zero byte, a number, somebody's home that is not known, a name that
            is too long), or it cannot be looked at (permission denied, links in a circle).

    Examples:
        >>> user_path("~/photos") == Path.home() / "photos"
        True
    """
    with border(f"the path is {shown(path)}", RequestError):
        text = os.fsdecode(path)
        if not text or "\0" in text:
            raise ValueError("it must name a file or a folder")
        found = Path(text).expanduser()
        try:
            if any(len(os.fsencode(part)) > LONGEST for part in found.parts):
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
            os.lstat(found)
        except OSError as error:  # what is not there may be what is to be made
            if error.errno in (errno.ENAMETOOLONG, errno.EACCES, errno.ELOOP):
                raise
        return found


def regular(path: Path) -> Path:
    """``path``, seen to be a file that can be read to an end: no folder, pipe, socket or device, nor a link to one.

    Raises:
        OSError: it is not; its ``strerror`` says what it is.

    Examples:
        >>> regular(Path("/dev/zero"))
        Traceback (most recent call last):
        OSError: [Errno 22] it is a device, not a file: '/dev/zero'
    """
    kind = stat.S_IFMT(os.stat(path).st_mode)
    if kind != stat.S_IFREG:
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(kind, 'something else')}, not a file", str(path))
    return path


def own_file(path: Path, flags: int) -> int:
    """Open a file that we have made, or make now, where others could put something else; gives its descriptor.

    No link is followed, no pipe is waited for, and nothing but a file is opened.

    Raises:
        OSError: it cannot be opened so.
    """
    handle = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o644)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, f"{path.name} is no file", str(path))
    return handle


def read_bytes(path: Path, most: int = 1 << 30) -> bytes:
    """The content of a regular file of at most ``most`` bytes.

    Raises:
        OSError: it cannot be read, is no regular file (:func:`regular`), or is larger.

    Examples:
        >>> write_text(Path("a.txt"), "abc")
        >>> read_bytes(Path("a.txt"))
        b'abc'
        >>> read_bytes(Path("a.txt"), most=2)
        Traceback (most recent call last):
        OSError: [Errno 27] it has more than 2 bytes: 'a.txt'
    """
    # Not to wait for a writer where a pipe has taken the place of the file since it was looked at.
    with open(os.open(regular(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1) if size <= most else b""
        if len(content) > size:  # it has grown since, or is one of those that the system makes as they are read
            content += file.read(most + 1 - len(content))
    if max(size, len(content)) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
    return content


def read_text(path: Path, most: int = 1 << 30) -> str:
    """The UTF-8 text in a regular file, without the mark that some editors put first; raises as :func:`read_bytes`.

    Raises:
        UnicodeDecodeError: it is no UTF-8.

    Examples:
        >>> _ = Path("b.txt").write_text("\ufeffabc", encoding="utf-8")
        >>> read_text(Path("b.txt"))
        'abc'
    """
    return read_bytes(path, most).decode("utf-8-sig")


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    import hashlib  # here and in whole_folder, since the command line starts with this module

    digest = hashlib.sha256()
    with regular(path).open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def cache_folder() -> Path:
    """``$ZOO_CACHE``, or ``zoo`` in the user's cache folder on this platform.

    Examples:
        >>> os.environ["ZOO_CACHE"] = "elsewhere"
        >>> str(cache_folder())
        'elsewhere'
    """
    if named := os.environ.get("ZOO_CACHE"):
        return user_path(named)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "zoo"
