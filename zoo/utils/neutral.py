"""The state of a process that decides what arithmetic gives: set aside while our work is done, and put back as it was.

Somebody's script may set torch's default type and device, ask for other algorithms, compute in half precision, or let NumPy
raise. What a model gives follows from its weights, x and the seed alone, so none of this is read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import wraps
from inspect import getattr_static
from types import FunctionType
from typing import Any

import numpy as np
import torch

Method = Callable[..., Any]
_Cudnn = torch.backends.cudnn
_COMMON: tuple[tuple[Callable[[], Any], Callable[[Any], object], Any], ...] = (
    (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    (
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        lambda mode: torch.use_deterministic_algorithms(mode[0], warn_only=mode[1]),
        (False, False),
    ),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
    (lambda: _Cudnn.benchmark, lambda on: setattr(_Cudnn, "benchmark", on), False),
    (lambda: _Cudnn.deterministic, lambda on: setattr(_Cudnn, "deterministic", on), False),
)
"""What all threads share: how it is read and set, and what it is here."""
_KINDS = ("cpu", "cuda", "mps", "xpu")
_LOCK = threading.Lock()
_inside, _set_aside = 0, ExitStack()


class _Thread(threading.local):
    inside = False


_thread = _Thread()


@contextmanager
def neutral(*, learning: bool = False) -> Iterator[None]:
    """Within it, the default type is float32 on the CPU, and neither autocast nor inference mode nor NumPy's errors are on.

    Nested, it does nothing, so what our own code sets within it holds. With ``learning``, gradients are on whatever
    the mode outside. Threads share torch's default type and choice of algorithms: the first that comes in sets these
    aside, and the last that leaves puts them back.

    Examples:
        >>> torch.set_default_dtype(torch.float64)
        >>> with neutral():
        ...     torch.zeros(()).dtype
        torch.float32
        >>> torch.zeros(()).dtype
        torch.float64
        >>> torch.set_default_dtype(torch.float32)
    """
    if _thread.inside and not (learning and not torch.is_grad_enabled()):
        yield
        return
    with ExitStack() as stack:
        if not _thread.inside:
            stack.callback(setattr, _thread, "inside", False)
            _thread.inside = True
            stack.enter_context(_common())
            stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
            if torch.get_default_device().type != "cpu":
                stack.enter_context(torch.device("cpu"))
            for kind in _KINDS:
                if torch.is_autocast_enabled(kind):
                    stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.no_grad())
        if learning and not torch.is_grad_enabled():
            stack.enter_context(torch.enable_grad())
        yield


@contextmanager
def _common() -> Iterator[None]:
    global _inside, _set_aside
    with _LOCK:
        if not _inside:
            _set_aside = ExitStack()
            for get, put, right in _COMMON:
                with suppress(RuntimeError):  # torch's older and newer names of one setting, mixed, cannot be read
                    if (now := get()) != right:
                        put(right)
                        _set_aside.callback(put, now)
        _inside += 1
    try:
        yield
    finally:
        with _LOCK:
            _inside -= 1
            if not _inside:
                _set_aside.close()


def guard(cls: type, *names: str, around: Callable[[Method], Method] = lambda method: method) -> None:
    """Let those methods of a new class that have these names run within :func:`neutral`; ``fit`` with gradients on.

    Those that come from a mixture are of no class that was guarded, and are guarded here too. ``around`` decorates them first.

    Examples:
        >>> class Half:
        ...     def half(self):
        ...         return torch.tensor(0.5).dtype
        >>> guard(Half, "half")
        >>> torch.set_default_dtype(torch.float64)
        >>> Half().half()
        torch.float32
        >>> torch.set_default_dtype(torch.float32)
    """
    for name in names:
        method = getattr_static(cls, name, None)
        if isinstance(method, FunctionType) and not hasattr(method, "is_guarded"):
            guarded: Any = neutral(learning=name == "fit")(around(method))
            guarded.is_guarded = True
            setattr(cls, name, guarded)


def single(method: Method) -> Method:
    """``method``, given tensors of any kind of float as float32.

    Examples:
        >>> single(torch.exp)(torch.zeros((), dtype=torch.float64)).dtype
        torch.float32
    """

    @wraps(method)
    def of_single(*given: Any, **known: Any) -> Any:
        return method(*map(_single, given), **{name: _single(value) for name, value in known.items()})

    return of_single


def _single(value: Any) -> Any:
    return value.float() if isinstance(value, torch.Tensor) and value.is_floating_point() else value
