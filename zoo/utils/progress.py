"""How far long work has come: a bar on a terminal, a plain line now and then elsewhere; always on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

EVERY = 10.0
"""Seconds between two plain lines."""


class Bar:
    """How much of ``total`` is done; made by :func:`progress`, used in a ``with`` block. This one shows nothing."""

    def __init__(self, total: int, label: str) -> None:
        self.total, self.label = total, label
        self.done, self.numbers = 0, ""

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def update(self, done: int, **numbers: Any) -> None:
        """``done`` of ``total`` are done; ``numbers`` (floats, ints or words) are shown beside it."""
        self.done = done
        self.numbers = " ".join(f"{name}={_short(value)}" for name, value in numbers.items())


class _Lines(Bar):
    """Plain lines, at most one every :data:`EVERY` seconds, and one at the end."""

    def __enter__(self) -> Bar:
        self.start = self.last = time.monotonic()
        self.printed = -1
        return self

    def update(self, done: int, **numbers: Any) -> None:
        super().update(done, **numbers)
        if time.monotonic() - self.last >= EVERY:
            self._line()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.printed != self.done:
            self._line()

    def _line(self) -> None:
        self.last, self.printed = time.monotonic(), self.done
        parts = [f"{self.label}: {self.done}/{self.total}", self.numbers, f"{self.last - self.start:.0f} s"]
        print("  ".join(part for part in parts if part), file=sys.stderr, flush=True)


class _Terminal(Bar):
    """A bar that redraws itself."""

    def __enter__(self) -> Bar:
        from tqdm import tqdm

        self.bar = tqdm(total=self.total, desc=self.label, file=sys.stderr, dynamic_ncols=True)
        return self

    def update(self, done: int, **numbers: Any) -> None:
        step = done - self.done
        super().update(done, **numbers)
        self.bar.set_postfix_str(self.numbers, refresh=False)
        self.bar.update(step)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.bar.close()


def progress(total: int, label: str, show: bool = True) -> Bar:
    """The progress of ``total`` steps of the work called ``label``; nothing is shown where not ``show``.

    >>> with progress(3, "fit", show=False) as bar:
    ...     bar.update(2, loss=0.12345)
    >>> bar.done, bar.numbers
    (2, 'loss=0.1235')
    """
    if not show:
        return Bar(total, label)
    return _Terminal(total, label) if sys.stderr.isatty() else _Lines(total, label)


def _short(value: Any) -> str:
    if isinstance(value, (str, bool, int)):
        return str(value)
    try:
        return f"{float(value):.4g}"
    except (TypeError, ValueError):
        return str(value)
