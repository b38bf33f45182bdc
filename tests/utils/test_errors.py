"""How a process that is asked to end does so, and what becomes of errors at a border."""

from __future__ import annotations

import os
import signal

import pytest

from zoo.utils.errors import Terminated, terminable

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
