"""A cell of a bench, one model on one task with one seed, and its folder: done, stopped in the middle, or not begun."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from zoo.utils.errors import RequestError

RECORD = "cell.json"
"""Written last into a cell's folder: what was asked for. Where it is, the cell is done."""


def begun(folder: Path) -> Path:
    """What is written beside a cell's folder before the cell is begun, and goes when it is done: what was asked for."""
    return folder.with_name(f"{folder.name}.begun.json")


@dataclass
class Cell:
    """One cell.

    Attributes:
        task, model: entry-point names.
        seed: of everything random.
        folder: where it goes.
        arguments: for :func:`zoo.run`.
        request: everything that decides its numbers, as plain values.
        fitted: the part of the request that decides the weights, as a stopped run keeps it.
        status: ``"done"``, ``"stopped"``, ``"new"`` or ``"failed"``.
        reason: one line of a failed cell; of one that is made anew, what was there before.
        reused: done before this bench began.
        metrics: the content of its ``metrics.json``.
        run: the content of its ``run.json``.
    """

    task: str
    model: str
    seed: int
    folder: Path
    arguments: dict[str, Any] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)
    fitted: dict[str, Any] = field(default_factory=dict)
    status: str = "new"
    reason: str = ""
    reused: bool = False
    metrics: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.task} {self.model} seed {self.seed}"

    def look(self) -> None:
        """Find out what the folder holds, and set ``status``; writes nothing.

        Raises:
            RequestError: it holds something that no bench left there.
        """
        if not self.folder.exists() or (self.folder.is_dir() and not any(self.folder.iterdir())):
            return
        finished, stopped = self.folder / "run.json", self.folder / "training" / "request.json"
        if not finished.is_file() and not stopped.is_file():
            raise RequestError(f"{self.folder} is in the way: it holds no run; move it, or name another folder with --out")
        if (old := _read(self.folder / RECORD)) is not None:
            differs = _difference(old.get("request"), self.request)
            if not differs and self.load():
                self.reused = True
                return
            self.reason = differs or "it is not whole"
        elif finished.is_file():
            self.reason = "it was stopped at its very end"
        elif differs := _difference(_read(stopped), self.fitted) or self._other_data():
            self.reason = differs
        else:
            self.status = "stopped"

    def _other_data(self) -> str:
        old = _read(begun(self.folder)) or {}
        return _difference(old, {"digests": self.request["digests"]})

    def load(self) -> bool:
        """Take the numbers of a cell that is done from its folder; False where they are not there."""
        run, metrics = _read(self.folder / "run.json"), _read(self.folder / "metrics.json")
        if run is None or metrics is None or not isinstance(metrics.get("metrics"), dict):
            return False
        self.run, self.metrics, self.status = run, metrics, "done"
        return True

    def begin(self) -> None:
        """Make way for the run: what is there goes, if it is not to be gone on with."""
        self.reason = ""
        if self.status == "new" and self.folder.exists():
            shutil.rmtree(self.folder)

    def fail(self, reason: str) -> None:
        """The cell has failed."""
        self.status, self.reason = "failed", " ".join(reason.split()) or "no reason was given"


def plain(request: Mapping[str, Any]) -> dict[str, Any]:
    """``request`` as JSON gives it back."""
    found: dict[str, Any] = json.loads(json.dumps(request))
    return found


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process; the lock goes with the process, however that ends.

    Raises:
        RequestError: another bench holds it.
    """
    path = folder / ".lock"
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (held open for as long as the lock)
        if not _lock(file):
            file.seek(0)
            owner = file.read().strip()
            file.close()
            raise RequestError(f"another bench works in {folder} (process {owner or 'unknown'}); wait for it, or stop it")
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                break
        file.close()  # the file was removed by the one that held it before
    try:
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        file.close()


def _lock(file: IO[str]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(1 << 20)  # beyond the number, which others read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _difference(old: Any, new: Mapping[str, Any]) -> str:
    """The first thing in which a request that was made differs from one that is made now; "" for none."""
    if not isinstance(old, dict):
        return "its record cannot be read"
    for key, value in new.items():
        if old.get(key) == value:
            continue
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            if inner := _difference(old[key], value):
                return f"{key} {inner}" if not inner.startswith("its") else inner
            continue
        return f"{key} was {_short(old.get(key))}, is {_short(value)}"
    return ""


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 40 else text[:36] + "..."
