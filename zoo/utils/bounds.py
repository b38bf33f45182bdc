"""Bounds: whole numbers in their range, and memory that is there before it is asked for."""

from __future__ import annotations

import contextlib
import operator
from pathlib import Path
from typing import Any

from zoo.utils.errors import RequestError

SEEDS = 2**63
"""Seeds are whole numbers from 0 to below this."""
_CGROUP = Path("/sys/fs/cgroup")


def whole(value: Any, name: str, least: int = 0, most: int | None = None) -> int:
    """``value`` as a whole number from ``least`` to ``most``: an int, or one of numpy's or torch's; True is none.

    Raises:
        RequestError: it is none, or out of range; ``name`` says of what.

    Examples:
        >>> import numpy as np
        >>> whole(np.int64(3), "n", 1)
        3
        >>> whole(2.5, "n", 1)
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: n is 2.5; it must be a whole number, at least 1
    """
    right = f"at least {least}" if most is None else f"from {least} to {most}"
    if "bool" not in str(getattr(value, "dtype", type(value))):  # of Python, numpy or torch
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            number = operator.index(value)
            if number >= least and (most is None or number <= most):
                return number
    shown = repr(value)
    raise RequestError(f"{name} is {shown if len(shown) < 50 else shown[:47] + '...'}; it must be a whole number, {right}")


def seed_of(value: Any, name: str = "seed") -> int:
    """``value`` as a seed; raises as :func:`whole`.

    Examples:
        >>> seed_of(7)
        7
    """
    return whole(value, name, 0, SEEDS - 1)


def free_memory() -> int:
    """Bytes of memory that this process may still take: of the machine, or of its container where that has less."""
    import psutil

    free = int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError):
        most, used = (int((_CGROUP / name).read_text(encoding="ascii")) for name in ("memory.max", "memory.current"))
        cached = (_CGROUP / "memory.stat").read_text(encoding="ascii").partition("inactive_file ")[2].split()[0]
        free = min(free, most - used + int(cached))
    return max(0, free)


def afford(needed: float, what: str, instead: str) -> None:
    """See that ``needed`` bytes are there before they are asked for.

    Raises:
        RequestError: ``what`` needs more than is free; ``instead`` says what would do.

    Examples:
        >>> afford(1e15, "10000000 samples", "take fewer")
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: 10000000 samples need about 1,000,000.0 GB of memory, and ... GB are free: take fewer
    """
    if needed > 1e8 and needed > (free := free_memory()):
        raise RequestError(f"{what} need about {needed / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are free: {instead}")
