"""The course of a fit: means of its losses, its rates, and what was found when it was looked at; kept with its state."""

from __future__ import annotations

import math
from collections import Counter
from typing import Literal

import msgspec
import torch
from torch import Tensor

from zoo.utils.errors import ZooError


class Kept(msgspec.Struct, forbid_unknown_fields=True):
    """The course as the state of training has it; ``sums`` are those of each loss since the last mean, and their number."""

    losses: list[dict[str, int | float]] = []
    checks: list[dict[str, int | float]] = []
    sums: dict[str, tuple[float, int]] = {}
    stopped: Literal["", "patience", "callback"] = ""
    checking: float = 0.0

    def __post_init__(self) -> None:
        if not all("step" in point for point in (*self.losses, *self.checks)):
            raise ValueError("a point of its course has no step")


class Course:
    """The record of a fit, step by step.

    ``losses`` are the means of all losses since the point before, with the learning rate; ``checks`` what was found of the
    model at a step; ``stopped`` is who ended the fit before its last step.
    """

    def __init__(self) -> None:
        self.losses: list[dict[str, float]] = []
        self.checks: list[dict[str, float]] = []
        self.stopped: Literal["", "patience", "callback"] = ""
        self.before = 0.0
        """Seconds of the checks that were done when the state was restored."""
        self._sums: dict[str, Tensor] = {}
        self._counts: Counter[str] = Counter()

    def add(self, key: str, value: Tensor) -> None:
        """Take in a loss of one step; it stays on its device."""
        value = value.float()
        self._sums[key] = self._sums[key] + value if key in self._sums else value
        self._counts[key] += 1

    def look(self, step: int, rates: dict[str, float]) -> dict[str, float]:
        """The means since the last look, which are put on record with the ``rates``.

        Raises:
            ZooError: one is not a number: training diverged.
        """
        means = {key: value.item() / self._counts[key] for key, value in self._sums.items()}
        if wrong := [key for key, value in means.items() if not math.isfinite(value)]:
            raise ZooError(
                f"training diverged before step {step}: {', '.join(wrong)} is not a number; a lower learning_rate may help"
            )
        self.losses.append({"step": step, **means, **rates})
        self._sums, self._counts = {}, Counter()
        return means

    def kept(self, checking: float) -> Kept:
        """All of it, for the state of training."""
        sums = {key: (value.item(), self._counts[key]) for key, value in self._sums.items()}
        return Kept(self.losses, self.checks, sums, self.stopped, self.before + checking)

    def restore(self, kept: Kept, device: torch.device) -> None:
        """Go on from what a state had."""
        self.losses, self.checks, self.stopped = kept.losses, kept.checks, kept.stopped
        self.before = kept.checking if 0 <= kept.checking < math.inf else 0.0
        self._sums = {key: torch.tensor(value, device=device) for key, (value, _) in kept.sums.items()}
        self._counts = Counter({key: count for key, (_, count) in kept.sums.items()})
