"""The state of training is written in time, and when training is stopped: always that of the last whole step."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, Protocol

from torch import Tensor, nn

from zoo.utils.errors import cause

Handler = Callable[[int, FrameType | None], Any]


class State(Protocol):
    """As :class:`zoo.fitting.state.TrainingState`."""

    def write(self, done: int) -> None: ...


class Keeper(contextlib.AbstractContextManager["Keeper"]):
    """Told when steps begin and end; writes ``state`` every so many seconds, at the end, and before an error leaves.

    A signal that stops (Ctrl-C, and SIGTERM where somebody handles it) waits for the end of the step; a second Ctrl-C does
    not. An error in the middle of a step finds the state as it was before that, unless something has changed by then: what
    was written last stays then.
    """

    def __init__(self, state: State | None, modules: Iterable[nn.Module], start: int, seconds: float) -> None:
        self.state, self.modules, self.seconds = state, list(modules), seconds
        self.done = self.written = start
        self.saved = time.monotonic()
        self.within = self.stepping = False
        self.tensors, self.versions = self._tensors(), 0
        self.handlers: dict[int, Handler] = {}
        self.asked: tuple[int, FrameType | None] | None = None

    def __enter__(self) -> Keeper:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                if callable(handler):
                    self.handlers[number] = handler
                    signal.signal(number, self._wait)
        return self

    def begin(self) -> None:
        """A step begins; whoever asked for an end gets it now."""
        self._answer()
        self.within = True
        if self.state is not None:
            self.versions = self._sum()

    def steps(self) -> None:
        """Weights are about to change."""
        self.stepping = True

    def stepped(self, done: int) -> None:
        """So many steps are done, and the state is whole."""
        self.done, self.within, self.stepping = done, False, False

    def end(self, done: int) -> None:
        """A step has ended, with all that follows it: so many are done."""
        self.stepped(done)
        if self.state is not None and time.monotonic() - self.saved > self.seconds:
            self._write()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        try:
            if error is None:
                self._answer()
                if self.state is not None and self.written != self.done:
                    self._write()
        except BaseException as other:
            error = other
            raise
        finally:
            if error is not None:
                self._rescue(error)
            for number, handler in self.handlers.items():
                signal.signal(number, handler)
            self._answer()

    def _rescue(self, error: BaseException) -> None:
        if self.state is None or self.written == self.done or not self._is_whole():
            return
        try:
            self._write()
        except Exception as failed:
            if hasattr(error, "add_note"):
                error.add_note(f"the last steps could not be kept: {cause(failed)}")

    def _is_whole(self) -> bool:
        if not self.within:
            return True
        now = self._tensors()
        same = len(now) == len(self.tensors) and all(a is b for a, b in zip(now, self.tensors, strict=True))
        return same and not self.stepping and self._sum() == self.versions

    def _tensors(self) -> list[Tensor]:
        """Weights and buffers, as far as it can be seen whether they have changed."""
        every = (tensor for module in self.modules for tensor in (*module.parameters(), *module.buffers()))
        return [tensor for tensor in every if not tensor.is_inference()]

    def _sum(self) -> int:
        return sum(tensor._version for tensor in self.tensors)

    def _write(self) -> None:
        assert self.state is not None
        self.state.write(self.done)
        self.written, self.saved = self.done, time.monotonic()

    def _wait(self, number: int, frame: FrameType | None) -> None:
        if self.asked is None:
            self.asked = number, frame
        elif number == signal.SIGINT:
            self.asked = None
            self.handlers[number](number, frame)

    def _answer(self) -> None:
        if self.asked is not None:
            (number, frame), self.asked = self.asked, None
            self.handlers[number](number, frame)
