"""How a process that is asked to end does so, and what becomes of errors at a border."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from zoo.utils.errors import RequestError, Terminated, ZooError, border, cause, terminable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


def test_a_second_request_to_end_does_not_cut_short_what_the_first_began() -> None:
    before = signal.getsignal(signal.SIGTERM)
    written = []

    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGTERM)
            written.append("the state")
            raise

    with pytest.raises(Terminated), terminable():
        work()
    assert written == ["the state"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with terminable():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RecursionError(), "it is nested too deeply"),
        (MemoryError(), "there is not enough memory"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (b"\xff".decode, "it is no UTF-8 text: byte 0 cannot be read"),
        (KeyError("size"), "it lacks 'size'"),
        (ValueError("two\nlines"), "two lines"),
        (SystemExit(), "SystemExit"),
        (ZeroDivisionError(), "ZeroDivisionError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_a_border_meets_is_a_line(error: Any, words: str) -> None:
    def foreign() -> None:
        if callable(error):
            error()
        raise error

    with pytest.raises(ZooError) as caught, border("cannot do it"):
        foreign()
    assert str(caught.value) == f"cannot do it: {words}"
    assert cause(caught.value) == f"cannot do it: {words}"


def test_a_border_lets_ours_and_ctrl_c_through() -> None:
    for error in (RequestError("ours"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, border("cannot do it"):
            raise error
        assert caught.value is error
