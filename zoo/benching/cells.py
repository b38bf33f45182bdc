"""A cell of a bench, one model on one task with one seed, and its folder: done, stopped in the middle, or not begun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from zoo.benching.forms import MetricsForm, RunForm, difference, read_record
from zoo.measuring.values import Values, read_values
from zoo.running.folder import check_folder
from zoo.running.plan import Request
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import discard
from zoo.utils.words import visible

RECORD = "cell.json"
"""Written last into a cell's folder: what was asked for. Where it is, the cell is done."""


def begun(folder: Path) -> Path:
    """The file beside a cell's folder that says what was asked for, from before the cell is begun until it is done."""
    return folder.with_name(f"{folder.name}.begun.json")


def former(folder: Path) -> Path:
    """Where a cell that was done lies while it is done again, if its fit can be taken."""
    return folder.with_name(f"{folder.name}.before")


@dataclass
class Cell:
    """One model on one task with one seed; ``status`` is ``"done"``, ``"stopped"``, ``"new"`` or ``"failed"``.

    ``numbers`` is all that decides its numbers, as plain values, and ``added`` the settings among them that older records
    lack (:class:`zoo.running.plan.Plan`); ``reason`` one line of a failed cell, or of one that is made
    anew, what was there before; ``reused`` says that it was done before this bench began. ``values`` are those of its test
    items; None of a cell that was done by a version that did not keep them. ``chosen`` are the settings that were best in its
    ``trials``, those of which it shares with other cells of the same training data.
    """

    job: ClassVar[str] = "run"
    task: str
    model: str
    seed: int
    folder: Path
    request: Request
    numbers: dict[str, Any] = field(default_factory=dict)
    added: dict[str, Any] = field(default_factory=dict)
    status: str = "new"
    reason: str = ""
    reused: bool = False
    metrics: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    values: Values | None = None
    chosen: dict[str, Any] = field(default_factory=dict)
    trials: list[Any] = field(default_factory=list)

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
        if (old := read_record(self.folder / RECORD)) is not None:
            self.reason = difference(old.get("request"), self.numbers, self.added)
            if not self.reason and self.load():
                self.reused = True
            else:
                self.reason = self.reason or "it is not whole"
            return
        decides = self.numbers if finished else {k: v for k, v in self.numbers.items() if k not in ("n", "items", "metrics")}
        self.reason = difference(read_record(begun(self.folder)), decides, self.added)
        if not self.reason and finished and not self.load():
            self.reason = "it is not whole"
        self.status = "new" if self.reason else "stopped"

    def load(self) -> bool:
        """Take the numbers of a cell that is done from its folder; False where they are not there."""
        run, metrics = read_record(self.folder / "run.json", RunForm), read_record(self.folder / "metrics.json", MetricsForm)
        try:
            values = read_values(self.folder)
        except ZooError:
            return False
        if run is None or metrics is None or (values is not None and not _agree(values, metrics)):
            return False
        self.run, self.metrics, self.values, self.status = run, metrics, values, "done"
        return True

    def begin(self) -> None:
        """Make way for the run: what is there goes, if it is not to be gone on with, or kept for its fit."""
        self.reason, before = "", former(self.folder)
        if self.status != "new" or not self.folder.exists():
            return
        if self.request.fit_of == str(before) and (self.folder / RECORD).exists():
            discard(before)
            self.folder.rename(before)
        else:
            discard(self.folder)

    def fail(self, reason: str) -> None:
        self.status, self.reason = "failed", " ".join(reason.split()) or "no reason was given"


def _agree(values: Values, metrics: Mapping[str, Any]) -> bool:
    """Whether the values of items are of such scores, and of as many items."""
    same = values.scores.keys() <= {visible(name) for name in metrics["metrics"]}
    return same and all(len(value) == metrics["test_items"] for value in values.scores.values())
