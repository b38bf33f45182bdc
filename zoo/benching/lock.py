"""One bench at a time in a folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from zoo.utils.errors import RequestError


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process; the lock goes with the process, however that ends.

    Raises:
        RequestError: another bench holds it.
    """
    path = folder / ".lock"
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        if not _lock(file, path):
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise RequestError(f"another bench works in {folder} (process {owner}); wait for it, or stop it")
        try:
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()


def _lock(file: IO[str], path: Path) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(1 << 20)  # beyond the number, which others read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())  # the one that held it before may have removed it
    except OSError:
        return False
