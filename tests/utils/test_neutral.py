"""The state of the process is set aside while our work is done, and is as it was afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

import numpy as np
import pytest
import torch

from zoo.probing.state import kept
from zoo.utils.neutral import guard, neutral


def dtype() -> str:
    return str(torch.zeros(()).dtype)


def product() -> str:
    return str((torch.ones(2, 2) @ torch.ones(2, 2)).dtype)


def raises() -> str:
    return np.geterr()["over"]


SET: dict[str, tuple[Callable[[], AbstractContextManager[object] | None], Callable[[], object], object]] = {
    "default type": (lambda: torch.set_default_dtype(torch.float64), dtype, "torch.float32"),
    "default device": (lambda: torch.device("meta"), lambda: torch.zeros(()).device.type, "cpu"),  # type: ignore[dict-item, return-value]
    "algorithms": (lambda: torch.use_deterministic_algorithms(True), torch.are_deterministic_algorithms_enabled, False),
    "products": (lambda: torch.set_float32_matmul_precision("medium"), torch.get_float32_matmul_precision, "highest"),
    "autocast": (lambda: torch.autocast("cpu", torch.bfloat16), product, "torch.float32"),
    "inference": (torch.inference_mode, lambda: torch.zeros(()).is_inference(), False),
    "numpy": (lambda: np.errstate(all="raise"), raises, "warn"),
}


@pytest.mark.parametrize("name", SET)
def test_what_is_set_is_set_aside_and_comes_back_also_after_an_error(name: str) -> None:
    put, look, right = SET[name]
    with kept():
        context = put()
        if context is not None:
            context.__enter__()
        before = look()
        with suppress(ZeroDivisionError), neutral():
            seen = look()
            with neutral():
                again = look()
            raise ZeroDivisionError
        after = look()
        if context is not None:
            context.__exit__(None, None, None)
    assert (seen, again, after) == (right, right, before)
    assert before != right


def test_what_is_set_within_holds_in_nested_work() -> None:
    with neutral(), torch.device("meta"), neutral():
        assert torch.zeros(()).device.type == "meta"


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_learning_has_gradients_and_other_work_keeps_the_mode(mode: Callable[[], AbstractContextManager[object]]) -> None:
    with mode():
        with neutral():
            assert not torch.is_grad_enabled()
            with neutral(learning=True):
                assert torch.is_grad_enabled()
            assert not torch.is_grad_enabled()
        with neutral(learning=True):
            assert torch.ones(2, requires_grad=True).sum().requires_grad


def test_the_last_of_several_threads_puts_back_what_the_first_set_aside() -> None:
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with neutral():
            entered.set()
            leave.wait(10)

    with kept():
        torch.set_default_dtype(torch.float64)
        with neutral():
            (thread := threading.Thread(target=other)).start()
            assert entered.wait(10)
        assert dtype() == "torch.float32"  # the other one still counts on it
        leave.set()
        thread.join()
        assert dtype() == "torch.float64"


def test_a_method_of_a_mixture_is_guarded_too() -> None:
    class Mixture:
        def kind(self) -> str:
            return dtype()

    class Base:
        def __init_subclass__(cls) -> None:
            guard(cls, "kind")

    class Both(Mixture, Base):
        pass

    with kept():
        torch.set_default_dtype(torch.float64)
        assert (Both().kind(), Mixture().kind()) == ("torch.float32", "torch.float64")
