"""What a child of the nursery does: import entries, one after another, and see what that does to the process."""

from __future__ import annotations

import builtins
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_SETTINGS_OF_LIBRARIES = ("KMP_", "OMP_", "MKL_", "OPENBLAS_")
"""Beginnings of names of environment variables that scientific libraries set for themselves when they are imported."""


def trial(entries: Sequence[Sequence[str]], answers: Path) -> None:
    """Import each entry and leave its outcome in ``answers``: a line when it is begun, and one when it is done."""
    import torch

    from zoo import registry
    from zoo.contracts import make

    torch.get_num_threads()
    with answers.open("a", encoding="utf-8") as file:

        def say(row: list[Any]) -> None:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())

        for values in entries:
            entry = registry.Entry(*values)
            say([entry.kind, entry.name])
            before, began = _state(), time.monotonic()
            reason = ""
            try:
                reason = make.fault(entry.kind, entry.load())
            except BaseException as error:
                cause = error.__cause__ or error
                reason = f"{type(cause).__name__}: {cause}"
            seconds = time.monotonic() - began
            changed = [name for name, value in _state().items() if value != before[name]]
            say([entry.kind, entry.name, _one_line(reason), False, round(seconds, 3), changed])


def spawned(entries: Sequence[Sequence[str]], answers: str) -> None:
    """:func:`trial` in a new process, which is ended at once when it is done, whatever threads a plugin has left."""
    from zoo.probing.nursery import preload

    preload()
    trial(entries, Path(answers))
    os._exit(0)


def _state() -> dict[str, Any]:
    """What of this process a third party's import has no business to change, by what it is called."""
    import numpy
    import torch

    looks: dict[str, Callable[[], Any]] = {
        "the random state of Python": random.getstate,
        "the random state of NumPy": lambda: str(numpy.random.get_state()),  # noqa: NPY002 - what others may have seeded
        "the random state of torch": lambda: torch.get_rng_state().tolist(),
        "torch's default type": torch.get_default_dtype,
        "torch's default device": lambda: str(torch.get_default_device()),
        "torch's number of threads": torch.get_num_threads,
        "torch's gradient mode": torch.is_grad_enabled,
        "torch's choice of algorithms": torch.are_deterministic_algorithms_enabled,
        "the working folder": os.getcwd,
        "the environment": lambda: {k: v for k, v in os.environ.items() if not k.startswith(_SETTINGS_OF_LIBRARIES)},
        "signal handlers": lambda: [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)],
        "the recursion limit": sys.getrecursionlimit,
        "built-in functions": lambda: {name: id(value) for name, value in vars(builtins).items() if name != "_"},
        "the handler of exceptions": lambda: id(sys.excepthook),
    }
    return {name: look() for name, look in looks.items()}


def _one_line(text: str, most: int = 300) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 3] + "..."
