"""How far long work has come: a bar on a terminal, a plain line now and then elsewhere, and in logs; always on stderr."""

from __future__ import annotations

import sys
import time
from typing import Any, SupportsFloat

from zoo.utils.log import note
from zoo.utils.words import one_line, say, spelt

EVERY = 10.0
"""Seconds between two plain lines."""


class Bar:
    """How much of ``total`` is done; made by :func:`progress`, used in a ``with`` block."""

    def __init__(self, total: int, label: str, show: bool) -> None:
        self.total, self.label, self.lines = total, label, show
        self.done, self.numbers, self.printed = 0, "", -1
        self.start = self.last = time.monotonic()
        self.terminal: Any = None
        if show and sys.stderr.isatty():
            from tqdm import tqdm

            shown = spelt(one_line(label), sys.stderr)
            self.lines, self.terminal = False, tqdm(total=total, desc=shown, file=sys.stderr, dynamic_ncols=True)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.terminal is not None:
            self.terminal.close()
        if (self.lines or self.terminal is not None) and self.printed != self.done:
            self._line()

    def update(self, done: int, **numbers: Any) -> None:
        """``done`` of ``total`` are done; ``numbers`` (floats, ints or words) are shown beside it."""
        step, self.done = done - self.done, done
        self.numbers = " ".join(f"{name}={_short(value)}" for name, value in numbers.items())
        if self.terminal is not None:
            self.terminal.set_postfix_str(spelt(one_line(self.numbers), sys.stderr), refresh=False)
            self.terminal.update(step)
        if (self.lines or self.terminal is not None) and time.monotonic() - self.last >= EVERY:
            self._line()

    def _line(self) -> None:
        self.last, self.printed = time.monotonic(), self.done
        parts = [f"{self.label}: {self.done}/{self.total}", self.numbers, f"{self.last - self.start:.0f} s"]
        line = "  ".join(part for part in parts if part)
        note(line) if self.terminal is not None else say(line, err=True)


def progress(total: int, label: str, show: bool = True) -> Bar:
    """The progress of ``total`` steps of the work called ``label``; nothing is shown where not ``show``.

    Examples:
        >>> with progress(3, "fit", show=False) as bar:
        ...     bar.update(2, loss=0.12345)
        >>> bar.done, bar.numbers
        (2, 'loss=0.1235')
    """
    return Bar(total, label, show)


def _short(value: Any) -> str:
    whole = isinstance(value, int) or not isinstance(value, SupportsFloat)
    return str(value) if whole else f"{float(value):.4g}"
