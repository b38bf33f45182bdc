"""Processes beside this one: started, told, heard, given up, and ended with all that they have started.

They lead a session of their own and are heard in lines of JSON. When a parent is gone, whatever ended it, they end too.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any, NoReturn

from zoo.utils.errors import Terminated

_COMMAND = (
    "import sys; sys.path[:] = {path!r}; import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
)
_LIMITS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
"""The libraries' own numbers of threads: processes that work side by side share the cores."""
START = 120.0  # seconds that a child may take to say its first word, which is long where it has to import torch
_PATIENCE = 5.0  # seconds for a child that has hung up to end by itself
_LIVING: set[_Heard] = set()
_STARTING = threading.Lock()


class Ended(Exception):
    """A child says no more; ``code`` is below 0 where a signal ended it, None where it said nothing in time, and goes on."""

    def __init__(self, code: int | None) -> None:
        super().__init__("it said nothing in time" if code is None else f"it has ended ({fate(code)})")
        self.code = code


def fate(code: int) -> str:
    """An exit code in words: ``exit code 7``, ``SIGKILL``."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def environment(threads: int = 0) -> dict[str, str]:
    """The environment of a child with so many threads a library, 0 for as many as here."""
    made = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for name in _LIMITS if threads else ():
        given = os.environ.get(name, "")  # fewer where fewer are set
        made[name] = str(min(int(given) or threads, threads) if given.isdecimal() else threads)
    return made


def stop_all() -> None:
    """End all children of this process."""
    for child in list(_LIVING):
        child.stop()


def end_all() -> NoReturn:
    """End this process and all its children; none can be started meanwhile."""
    _STARTING.acquire()
    stop_all()
    os._exit(0)


def end_terminated() -> NoReturn:
    """End this process by SIGTERM, whatever handles that."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
    os._exit(Terminated.exit_code)  # not reached but where signals are otherwise


class _Heard:
    """A process that tells lines of JSON through a pipe; a thread reads them as they come."""

    pid: int

    def _listen(self, pipe: IO[bytes]) -> None:
        self._lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(pipe, self._lines.put), daemon=True).start()
        _LIVING.add(self)

    def hear(self, seconds: float | None = None) -> Any:
        """The next that it says; Ended is raised where it has ended, or said nothing for so many seconds."""
        try:
            said = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise Ended(None) from None
        if said is None:
            self._lines.put(None)
            end = time.monotonic() + _PATIENCE
            while (code := self.poll()) is None:  # it has hung up and goes on
                if time.monotonic() > end:
                    self.stop()
                time.sleep(0.01)
            raise Ended(code)
        return said

    def poll(self) -> int | None:
        raise NotImplementedError

    def stop(self) -> None:
        """End it and all that it has left behind in its session."""
        if self not in _LIVING:
            return
        _LIVING.discard(self)
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.pid, signal.SIGKILL)
        if self.poll() is None:
            with contextlib.suppress(OSError):  # it may not lead its session yet
                os.kill(self.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            while self.poll() is None:
                time.sleep(0.005)


class Child(_Heard, contextlib.AbstractContextManager["Child"]):
    """``python -m MODULE WORDS`` with the modules of this process, and with so many threads a library, 0 for as many as here.

    With ``errors``, what goes wrong before it has made its :class:`Parent` is seen on stderr.
    """

    def __init__(self, module: str, *words: str, threads: int = 0, errors: bool = False) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND.format(path=sys.path, module=module), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if errors else subprocess.DEVNULL,
            env=environment(threads),
            start_new_session=True,
        )
        self.pid = self.process.pid
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._words = self.process.stdin
        self._listen(self.process.stdout)

    def __exit__(self, *error: object) -> None:
        self.leave()

    def tell(self, what: Any) -> None:
        """Say something that JSON can hold; whether it is still there to hear it shows when it is heard next."""
        with contextlib.suppress(OSError, ValueError):
            _write(self._words.fileno(), what)

    def leave(self) -> None:
        """As :meth:`stop`, but let it first see that nobody asks any more, and end what it has begun."""
        self._words.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_PATIENCE)
        self.stop()

    def poll(self) -> int | None:
        return self.process.poll()

    def ask_to_end(self) -> None:
        """Send it SIGTERM, and nobody else in its session."""
        self.process.terminate()

    def stop(self) -> None:
        super().stop()
        self._words.close()


class Fork(_Heard):
    """A copy of this process, with all that it has imported, that does ``work(tell)`` and ends."""

    def __init__(self, work: Callable[[Callable[[Any], None]], None]) -> None:
        with _STARTING:  # no other fork is to hold the end of this pipe
            source, sink = os.pipe()
            self._ended: int | None = None
            parent = os.getpid()
            self.pid = os.fork()
            if self.pid == 0:
                try:
                    os.setsid()
                    threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
                    work(lambda what: _write(sink, what))
                finally:
                    os._exit(0)
            os.close(sink)
            self._listen(os.fdopen(source, "rb"))

    def poll(self) -> int | None:
        with contextlib.suppress(ChildProcessError):  # another thread saw it end, and will say so
            if self._ended is None and (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
                self._ended = os.waitstatus_to_exitcode(ended[1])
        return self._ended


def _end_after(parent: int) -> None:
    """End this process, and what it has started, when the one that forked it is gone: by a signal, it had no time to."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os.killpg(0, signal.SIGKILL)


class Parent:
    """The process that started this one as a :class:`Child`; ``gone`` is done when it has ended.

    From now on the standard streams lead nowhere: what anybody prints here is no answer.
    """

    def __init__(self, gone: Callable[[], object] = lambda: os._exit(1)) -> None:
        asked, self.pipe = os.fdopen(os.dup(0), "rb"), os.dup(1)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        self._guard = threading.Lock()
        self._lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        take = lambda line: gone() if line is None else self._lines.put(line)  # noqa: E731
        threading.Thread(target=_read, args=(asked, take), daemon=True).start()

    def ask(self) -> Any:
        return self._lines.get()

    def tell(self, what: Any) -> None:
        with self._guard:
            _write(self.pipe, what)


def _read(pipe: IO[bytes], take: Callable[[Any], object]) -> None:
    with pipe:
        for line in pipe:
            try:
                said = json.loads(line)
            except Exception:  # no line of ours
                continue
            take(said)
    take(None)


def _write(pipe: int, what: Any) -> None:
    rest = f"{json.dumps(what)}\n".encode()
    while rest:
        rest = rest[os.write(pipe, rest) :]
