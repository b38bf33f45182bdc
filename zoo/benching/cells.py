"""A cell of a bench, one model on one task with one seed, and its folder: done, stopped in the middle, or not begun."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.running.plan import Request
from zoo.utils.errors import RequestError

RECORD = "cell.json"
"""Written last into a cell's folder: what was asked for. Where it is, the cell is done."""


def begun(folder: Path) -> Path:
    """The file beside a cell's folder that says what was asked for, from before the cell is begun until it is done."""
    return folder.with_name(f"{folder.name}.begun.json")


@dataclass
class Cell:
    """One model on one task with one seed; ``status`` is ``"done"``, ``"stopped"``, ``"new"`` or ``"failed"``.

    ``numbers`` is all that decides its numbers, as plain values; ``reason`` one line of a failed cell, or of one that is made
    anew, what was there before; ``reused`` says that it was done before this bench began.
    """

    task: str
    model: str
    seed: int
    folder: Path
    request: Request
    numbers: dict[str, Any] = field(default_factory=dict)
    status: str = "new"
    reason: str = ""
    reused: bool = False
    metrics: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.task} {self.model} seed {self.seed}"

    def look(self) -> None:
        """Set ``status`` by what the folder holds; writes nothing, refuses (RequestError) what no bench left there."""
        if not self.folder.exists() or (self.folder.is_dir() and not any(self.folder.iterdir())):
            return
        finished = (self.folder / "run.json").is_file()
        if not finished and not (self.folder / "training" / "request.json").is_file():
            raise RequestError(f"{self.folder} is in the way: it holds no run; move it, or name another folder with --out")
        if (old := _read(self.folder / RECORD)) is not None:
            self.reason = _difference(old.get("request"), self.numbers)
            if not self.reason and self.load():
                self.reused = True
            else:
                self.reason = self.reason or "it is not whole"
        elif finished:
            self.reason = "it was stopped at its very end"
        else:
            weights = {key: value for key, value in self.numbers.items() if key not in ("n", "items", "metrics")}
            self.reason = _difference(_read(begun(self.folder)), weights)
            self.status = "new" if self.reason else "stopped"

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
        self.status, self.reason = "failed", " ".join(reason.split()) or "no reason was given"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _difference(old: Any, new: Mapping[str, Any]) -> str:
    """The first thing in which a request that was made differs from one that is made now; "" for none."""
    if not isinstance(old, dict):
        return "its record cannot be read"
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := _difference(before, value):
                return f"{key} {inner}"
        elif before != value:
            return f"{key} was {_short(before)}, is {_short(value)}"
    return ""


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 40 else text[:36] + "..."
