"""Bounds: whole numbers in their range, and memory that is there before it is asked for."""

from __future__ import annotations

import contextlib
import math
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.utils.errors import RequestError, shown
from zoo.utils.files import read_text

SEEDS = 2**63
"""Seeds are whole numbers below this, and at least its negative."""
PARTS = 100_000
"""Modules and parameters of one model, at most."""
_SIZES = ("size", "n", "end", "steps")  # what torch calls the arguments that say how large a new tensor is
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
    if not is_truth(value):
        with contextlib.suppress(Exception):  # it is foreign, and may raise anything
            number = operator.index(value)
            if least <= number <= (SEEDS - 1 if most is None else most):
                return number
    raise RequestError(f"{name} is {shown(value)}; it must be a whole number, {right}")


def is_truth(value: Any) -> bool:
    """Whether ``value`` is True or False, or one of numpy's or torch's."""
    return "bool" in str(getattr(value, "dtype", type(value)))


def seed_of(value: Any, name: str = "seed") -> int:
    """``value`` as a seed; raises as :func:`whole`.

    Examples:
        >>> seed_of(7)
        7
    """
    return whole(value, name, -SEEDS, SEEDS - 1)


def free_memory() -> int:
    """Bytes of memory that this process may still take: of the machine, or of its container where that has less."""
    import psutil

    free = int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError, IndexError):
        most, used = (int(read_text(_CGROUP / name, 1 << 20)) for name in ("memory.max", "memory.current"))
        cached = read_text(_CGROUP / "memory.stat", 1 << 20).partition("inactive_file ")[2].split()[0]
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


@contextlib.contextmanager
def affordable(what: str, instead: str) -> Iterator[None]:
    """Within it this thread makes no tensor that memory has no room for, and no model of more than :data:`PARTS` parts.

    What the kernel would let a process have, it may kill it for when it is used: so this looks before torch asks.

    Raises:
        RequestError: as :func:`afford`.

    Examples:
        >>> import torch
        >>> with affordable("these settings", "choose smaller ones"):
        ...     torch.nn.Linear(10**8, 10**8)
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: these settings need about 40,000,000.0 GB of memory, and ... choose smaller ones
    """
    import threading

    import torch
    from torch.nn.modules import module
    from torch.utils._python_dispatch import TorchDispatchMode

    thread, parts, fresh = threading.get_ident(), 0, 0.0

    def count(*_: Any) -> None:
        nonlocal parts
        parts += threading.get_ident() == thread
        if parts > PARTS:
            raise RequestError(f"{what} make a model of more than {PARTS:,} parts: {instead}")

    class Look(TorchDispatchMode):  # type: ignore[no-untyped-call]
        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            """No: to keep the compiler of torch out of here it would be imported, which takes seconds."""
            return False

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal fresh
            kwargs = kwargs or {}
            known = zip(function._schema.arguments, args, strict=False)
            anew = not any(isinstance(value, torch.Tensor) for value in args) or "::new_" in function._schema.name
            sizes = [value for argument, value in known if anew and argument.name in _SIZES]
            if sizes and kwargs.get("device") != torch.device("meta"):
                numbers = math.prod(sizes[-1]) if isinstance(sizes[-1], (list, tuple)) else sizes[-1]
                if isinstance(numbers, (int, float)):
                    fresh += max(0, numbers) * getattr(kwargs.get("dtype"), "itemsize", 4)
                    if fresh > 1e8:
                        afford(fresh, what, instead)
                        fresh = 0.0  # what was made before is no longer free
            return function(*args, **kwargs)

    with (
        module.register_module_parameter_registration_hook(count),
        module.register_module_module_registration_hook(count),
        Look(),  # type: ignore[no-untyped-call]
    ):
        yield
