"""How long the threads of the arithmetic wait for each other before they sleep."""

from __future__ import annotations

import os
import sys

SPINS = "500"
"""Turns of libgomp's waiting loop, about 20 microseconds; ``benchmarks/neighbours.py`` compares it with others."""


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
