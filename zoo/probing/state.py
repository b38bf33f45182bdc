"""The state of a process that is everybody's, and how each part of it is read and put back."""

from __future__ import annotations

import builtins
import contextlib
import logging
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable, Collection, Iterator
from copy import copy
from functools import partial
from typing import Any

import numpy as np
import torch

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _environment() -> dict[str, str]:
    """Less what scientific libraries set for themselves when they are imported."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("KMP_", "OMP_", "MKL_", "OPENBLAS_"))}


def _set_environment(values: dict[str, str]) -> None:
    for name in _environment().keys() - values.keys():
        del os.environ[name]
    os.environ.update(values)


_Part = tuple[Callable[[], Any], Callable[[Any], object]]


def _attribute(owner: Any, name: str) -> _Part:
    return lambda: copy(getattr(owner, name)), partial(setattr, owner, name)


_RANDOM: dict[str, _Part] = {
    "the random state of Python": (random.getstate, random.setstate),
    "the random state of NumPy": (lambda: np.random.get_state(legacy=False), np.random.set_state),  # noqa: NPY002
    "the random state of torch": (torch.get_rng_state, torch.set_rng_state),
    "the random state of CUDA": (  # looking would start CUDA where it is not in use
        lambda: torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        torch.cuda.set_rng_state_all,
    ),
}
_DEFAULTS: dict[str, _Part] = {
    "torch's default type": (torch.get_default_dtype, torch.set_default_dtype),
    "torch's default device": (torch.get_default_device, torch.set_default_device),
    "torch's number of threads": (torch.get_num_threads, torch.set_num_threads),
    "torch's gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's inference mode": (torch.is_inference_mode_enabled, lambda mode: None),  # it ends with its own context
    "torch's choice of algorithms": (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    "torch's precision of products": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "torch's choice of convolutions": _attribute(torch.backends.cudnn, "benchmark"),
    "torch's detection of anomalies": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "the working folder": (os.getcwd, os.chdir),
    "the recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
}
_PROCESS: dict[str, _Part] = {
    "the environment": (_environment, _set_environment),
    "the search path of modules": _attribute(sys, "path"),
    "the handlers of the root logger": _attribute(logging.root, "handlers"),
    "signal handlers": (
        lambda: [*map(signal.getsignal, _SIGNALS)],
        lambda handlers: [*map(signal.signal, _SIGNALS, handlers)],
    ),
    "built-in functions": (lambda: {k: v for k, v in vars(builtins).items() if k != "_"}, vars(builtins).update),
    "the handler of exceptions": (lambda: sys.excepthook, partial(setattr, sys, "excepthook")),
}
_PARTS = _RANDOM | _DEFAULTS | _PROCESS
RANDOM, DEFAULTS = tuple(_RANDOM), tuple(_DEFAULTS)
"""The names of the global random states, and of torch's defaults with the working folder and the recursion limit."""


def snapshot(parts: Collection[str] = tuple(_PARTS)) -> dict[str, Any]:
    """The values of these parts of the state, by what they are called."""
    return {name: _PARTS[name][0]() for name in parts}


def changed(before: dict[str, Any]) -> dict[str, Any]:
    """The parts of a snapshot that are now others, with their values of now."""
    return {name: now for name, now in snapshot(before).items() if not _same(now, before[name])}


def _same(one: Any, other: Any) -> bool:
    if one is other or type(one) is not type(other):
        return one is other
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def draw() -> None:
    """One number from every global generator, so that seeding it once more with the same seed shows."""
    torch.rand(()), np.random.rand(), random.random()  # noqa: NPY002
    if torch.cuda.is_available():
        torch.rand((), device="cuda")


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Whatever is done inside, the state is the same after it."""
    before = snapshot()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        for name in changed(before):
            _PARTS[name][1](before[name])
