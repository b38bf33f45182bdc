"""Locks that go with the process that has them: of the file system, or, where that has none, by the number of the process."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

from zoo.utils.files import own_file
from zoo.utils.words import one_line

_YOUNG = 10.0  # seconds after which a lock that does not say whose it is was left behind
_HELD: set[int] = set()


def hold(path: Path) -> Callable[[], None] | None:
    """Take the lock at ``path``; gives what lets go of it again, or None where another process has it."""
    while True:
        handle, made = _opened(path)
        try:
            ours = _locked(handle)
            if ours is None and not made:  # this file system has no locks: what is there is left, or it is somebody's
                if not _was_left(path, handle):
                    return None
                continue
            if ours is False:
                return None
            if not _is_at(handle, path):  # who had it before has removed it
                continue
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n{platform.node()}\n".encode(errors="replace"))
            _HELD.add(handle)
            return _release(path, handle, os.getpid())
        finally:
            if handle not in _HELD:
                os.close(handle)


def _opened(path: Path) -> tuple[int, bool]:
    """The file of a lock, and whether it was made just now."""
    while True:
        with contextlib.suppress(FileExistsError):
            return own_file(path, os.O_RDWR | os.O_CREAT | os.O_EXCL), True
        try:
            return own_file(path, os.O_RDWR), False
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise


def _locked(handle: int) -> bool | None:
    """Whether the open file is ours alone now; None where there are no locks."""
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(handle, 1 << 20, os.SEEK_SET)  # beyond the number, which others read
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN, errno.EDEADLK) else None
    return True


def _is_at(handle: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))
    return False


def _was_left(path: Path, handle: int) -> bool:
    """Whether the process that made the lock has ended, here; the lock is then out of the way."""
    import psutil

    made = os.fstat(handle).st_mtime
    number, host = _said(os.read(handle, 400))
    if number is None:
        left = time.time() - made > _YOUNG
    elif host != platform.node():
        left = False
    else:
        left = not psutil.pid_exists(number)
        with contextlib.suppress(psutil.Error):  # a younger process may have its number now
            left = left or psutil.Process(number).create_time() > made + 2
    if left and _is_at(handle, path):
        path.unlink(missing_ok=True)
    return left


def _release(path: Path, handle: int, owner: int) -> Callable[[], None]:
    def release() -> None:
        if os.getpid() == owner:  # and not a copy of it
            with contextlib.suppress(OSError):
                if _is_at(handle, path):
                    path.unlink()
            _HELD.discard(handle)
            os.close(handle)

    return release


def owner(path: Path) -> str:
    """Who holds the lock, in words."""
    number, host = None, ""
    with contextlib.suppress(OSError), os.fdopen(own_file(path, os.O_RDONLY), "rb") as file:
        number, host = _said(file.read(400))
    if number is None:
        return "process unknown"
    elsewhere = f" on {one_line(host)}; if it has ended there, remove {path}" if host != platform.node() else ""
    return f"process {number}{elsewhere}"


def _said(text: bytes) -> tuple[int | None, str]:
    """The number of a process, and its machine, as a lock has them."""
    first, _, rest = text.decode(errors="replace").partition("\n")
    number = int(first) if first.isascii() and first.isdigit() and len(first) < 12 else None
    return number, rest.partition("\n")[0] or platform.node()


def _forget() -> None:
    """In a copy of this process: the lock stays with the original, and goes when that ends."""
    while _HELD:
        os.close(_HELD.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
