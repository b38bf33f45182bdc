"""Memory that many workers share: the sum of what they hold at once stays below a bound, and each waits for its part."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from functools import cache

from zoo.utils.bounds import free_memory

MOST_BYTES = 1_750_000_000
"""Memory that one item may take."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Budget:
    """At most ``total()`` bytes in the hands of all threads together; but one that is alone gets whatever it asks for.

    A thread works on one item at a time (:meth:`item`); what it takes for it is given back at the item's end. A thread that
    waits holds nothing, so two never wait for each other.

    Examples:
        >>> budget = Budget(lambda: 1000)
        >>> with budget.item():
        ...     budget.take(600)
        ...     budget.used
        600
        >>> budget.used
        0
    """

    def __init__(self, total: Callable[[], int]) -> None:
        self.total, self.used = total, 0
        self._free = threading.Condition()
        self._mine = threading.local()

    @contextlib.contextmanager
    def item(self) -> Iterator[None]:
        """A block that works on one item; one inside another is part of it."""
        if getattr(self._mine, "held", None) is not None:
            yield
            return
        self._mine.held = 0
        try:
            yield
        finally:
            self._hold(0)
            self._mine.held = None

    def take(self, size: int) -> None:
        """Wait until ``size`` bytes are there for the item of this thread; of several sizes of one item the largest counts."""
        with self._free:
            if size > self._mine.held:
                self._hold(0)
                self._free.wait_for(lambda: not self.used or self.used + size <= self.total())
                self._hold(size)

    def _hold(self, size: int) -> None:
        with self._free:
            self.used += size - self._mine.held
            self._mine.held = size
            self._free.notify_all()


@cache
def _total() -> int:
    return max(MOST_BYTES, min(free_memory() // 4, cores() << 28))


IN_FLIGHT = Budget(_total)
"""What all workers together hold of what they decode: as much as one item may take, and more on many cores."""
