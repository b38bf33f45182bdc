"""The threads of the arithmetic: how long they wait for each other before they sleep, and how many have a core."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator

SPINS = "1000"
"""Turns of libgomp's waiting loop, about 40 microseconds; ``benchmarks/neighbours.py`` compares it with others."""
LOOKS, EVERY = 3, 0.1
"""How often, and how many seconds each time, to look at what others take; the least counts: a peak is no neighbour."""


def bound_spinning() -> None:
    """Let threads that wait for each other give their core away soon; to be called before torch is imported.

    The threads of one operation wait for the last of them, and OpenMP as it comes lets them spin for milliseconds: beside a
    busy process they take from each other the core that the last of them needs, and a fit takes several times as long.
    No number depends on it (as it does on how many threads there are), and what the user has set stays.

    Examples:
        >>> os.environ["GOMP_SPINCOUNT"] = "7"
        >>> bound_spinning()
        >>> os.environ.pop("GOMP_SPINCOUNT")
        '7'
    """
    if "torch" not in sys.modules and "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)


def free_threads() -> int:
    """How many threads to work with: torch's number, or fewer where other processes keep some of the cores busy.

    Threads wait for each other in every operation, and some libraries let them spin, so two threads with one core between
    them and a busy process are slower than one. What the user has said (``OMP_NUM_THREADS``) stays.

    Examples:
        >>> os.environ["OMP_NUM_THREADS"] = "1"
        >>> import torch
        >>> free_threads() == torch.get_num_threads()
        True
    """
    import torch

    most = torch.get_num_threads()
    if most == 1 or "OMP_NUM_THREADS" in os.environ or "MKL_NUM_THREADS" in os.environ:
        return most
    import psutil

    return max(1, min(most, int((psutil.cpu_count() or most) - min(_taken() for _ in range(LOOKS)) + 0.35)))


def _taken() -> float:
    """How many cores other processes take."""
    import psutil

    def busy() -> float:
        times = psutil.cpu_times()
        return float(sum(times) - times.idle - getattr(times, "iowait", 0) - getattr(times, "guest", 0))

    start, before, own = time.monotonic(), busy(), time.process_time()
    time.sleep(EVERY)
    return (busy() - before - (time.process_time() - own)) / (time.monotonic() - start)


@contextlib.contextmanager
def team(threads: int) -> Iterator[None]:
    """Within it, torch works with so many threads.

    Examples:
        >>> import torch
        >>> with team(1):
        ...     torch.get_num_threads()
        1
    """
    import torch

    before = torch.get_num_threads()
    try:
        if threads != before:
            torch.set_num_threads(threads)
        yield
    finally:
        if threads != before:
            torch.set_num_threads(before)
