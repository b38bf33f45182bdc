"""Files that appear whole or not at all, and the folder for those that may be lost."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.utils.errors import ZooError


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
    temporary = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise ZooError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; on success it replaces ``path``, else (ZooError) that stays as it was."""
    import tempfile

    alone = not path.parent.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(".part", f".{path.name}.", path.parent, ignore_cleanup_errors=True) as scratch:
            new, old = Path(scratch) / "new", Path(scratch) / "old"
            new.mkdir()
            yield new
            if path.exists():
                os.replace(path, old)
            try:
                os.replace(new, path)
            except OSError:
                if old.exists():
                    os.replace(old, path)
                raise
    except OSError as error:
        raise ZooError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if alone:
            with contextlib.suppress(OSError):  # it goes only if nothing came of it
                path.parent.rmdir()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, whole or not at all; a NaN or an infinity is an error, not a word."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    import hashlib  # here and in whole_folder, since the command line starts with this module

    digest = hashlib.sha256()
    with path.open("rb") as handle:
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
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "zoo"
