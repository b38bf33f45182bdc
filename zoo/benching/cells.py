"""A cell of a bench, one model on one task with one seed, and its folder: done, stopped in the middle, or not begun."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from zoo.measuring.values import Values, read_values
from zoo.running.folder import check_folder, read_json
from zoo.running.plan import Request
from zoo.saving.strict import Number
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import discard
from zoo.utils.words import visible

RECORD = "cell.json"
"""Written last into a cell's folder: what was asked for. Where it is, the cell is done."""


def begun(folder: Path) -> Path:
    """The file beside a cell's folder that says what was asked for, from before the cell is begun until it is done."""
    return folder.with_name(f"{folder.name}.begun.json")


@dataclass
class Cell:
    """One model on one task with one seed; ``status`` is ``"done"``, ``"stopped"``, ``"new"`` or ``"failed"``.

    ``numbers`` is all that decides its numbers, as plain values; ``reason`` one line of a failed cell, or of one that is made
    anew, what was there before; ``reused`` says that it was done before this bench began. ``values`` are those of its test
    items; None of a cell that was done by a version that did not keep them.
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
    values: Values | None = None

    @property
    def name(self) -> str:
        return f"{self.task} {self.model} seed {self.seed}"

    def look(self) -> None:
        """Set ``status`` by what the folder holds; writes nothing, refuses (RequestError) what no bench left there."""
        finished = (self.folder / "run.json").exists()
        if not finished and not (self.folder / "training" / "request.json").is_file():
            try:
                check_folder(self.folder)
            except RequestError:
                words = "it holds no run; move it, or name another folder with --out"
                raise RequestError(f"{self.folder} is in the way: {words}") from None
            return
        if (old := _read(self.folder / RECORD)) is not None:
            self.reason = _difference(old.get("request"), self.numbers)
            if not self.reason and self.load():
                self.reused = True
            else:
                self.reason = self.reason or "it is not whole"
            return
        decides = self.numbers if finished else {k: v for k, v in self.numbers.items() if k not in ("n", "items", "metrics")}
        self.reason = _difference(_read(begun(self.folder)), decides)
        if not self.reason and finished and not self.load():
            self.reason = "it is not whole"
        self.status = "new" if self.reason else "stopped"

    def load(self) -> bool:
        """Take the numbers of a cell that is done from its folder; False where they are not there."""
        run, metrics = _read(self.folder / "run.json", _Run), _read(self.folder / "metrics.json", _Metrics)
        try:
            values = read_values(self.folder)
        except ZooError:
            return False
        if run is None or metrics is None or (values is not None and not _agree(values, metrics)):
            return False
        self.run, self.metrics, self.values, self.status = run, metrics, values, "done"
        return True

    def begin(self) -> None:
        """Make way for the run: what is there goes, if it is not to be gone on with."""
        self.reason = ""
        if self.status == "new" and self.folder.exists():
            discard(self.folder)

    def fail(self, reason: str) -> None:
        self.status, self.reason = "failed", " ".join(reason.split()) or "no reason was given"


class _Score(msgspec.Struct):
    value: Number
    low: Number
    high: Number
    unit: str
    better: Literal["lower", "higher"]


class _Metrics(msgspec.Struct):
    """The part of ``metrics.json`` that a bench needs."""

    metrics: dict[str, _Score]
    test_items: int


class _Splits(msgspec.Struct):
    train: dict[str, Any] | None
    test: dict[str, Any]


class _Made(msgspec.Struct):
    config: dict[str, Any]


class _Run(msgspec.Struct):
    """The part of ``run.json`` that a bench needs."""

    data: _Splits
    model: _Made
    task: _Made
    skipped_metrics: dict[str, str]
    seconds: dict[str, Number]
    device: str
    started: str
    command: str


def _read(path: Path, form: type[msgspec.Struct] | None = None) -> dict[str, Any] | None:
    """The object in a file; None where it cannot be read, or is not of this form."""
    try:
        content = read_json(path)
        if form is not None:
            msgspec.convert(content, form)
    except Exception:  # of many kinds; such a cell is done again
        return None
    return content


def _agree(values: Values, metrics: Mapping[str, Any]) -> bool:
    """Whether the values of items are of such scores, and of as many items."""
    same = values.scores.keys() <= {visible(name) for name in metrics["metrics"]}
    return same and all(len(value) == metrics["test_items"] for value in values.scores.values())


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
