"""Processes of Python that tests start: forks of one that has imported what they import, torch above all.

A fork has the environment, the folder and the search path that a new process would have, and dies as one would.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import site
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import IO, Any, NoReturn

IMPORTED = ("torch._dynamo", "numpy", "PIL.Image", "matplotlib.figure", "zoo.contracts.make", "zoo.fitting.loop", "zoo.cli")
"""Not huggingface_hub, or what imports it: of that there are two versions, and it reads the environment once."""


@cache
def _zygote() -> socket.socket:
    ours, theirs = socket.socketpair()
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with theirs:
        subprocess.Popen([sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()], env=env)
    return ours


class Fork:
    """As ``subprocess.Popen`` with pipes of text; what it prints is read when it has ended."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        told, status = os.pipe()
        self.returncode: int | None = None
        self._status: IO[str] = os.fdopen(told)
        self._printed = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115 - for as long as it lives
        with tempfile.TemporaryFile("w+") as request, os.fdopen(status, "w"):
            request.write(json.dumps(asked))
            request.seek(0)
            socket.send_fds(_zygote(), [b"1"], [request.fileno(), *(file.fileno() for file in self._printed), status])
        self.pid = int(self._status.readline())

    def poll(self) -> int | None:
        """Its exit code, None while it goes on."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            assert select.select([self._status], [], [], timeout)[0], "it has not ended in time"
            with self._status:
                self.returncode = int(self._status.readline())
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Both that it printed, once it has ended."""
        self.wait(timeout)
        made = []
        for file in self._printed:
            with file:
                file.seek(0)
                made.append(file.read())
        return made[0], made[1]

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def start(
    code: str,
    *words: str,
    env: Mapping[str, str] | None = None,
    folder: str | Path = ".",
    python: str | Path = sys.executable,
) -> Fork | subprocess.Popen[str]:
    """``python -c code words`` in ``folder``, where ``python`` may be that of a virtual environment."""
    env = dict(os.environ if env is None else env)
    if hasattr(os, "fork"):
        return Fork({"code": code, "words": words, "env": env, "folder": os.path.abspath(folder), "python": str(python)})
    words, pipe = (str(python), "-c", code, *words), subprocess.PIPE
    return subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, env=env, cwd=folder)


def run(code: str, *words: str, **where: Any) -> subprocess.CompletedProcess[str]:
    """As :func:`start`, when it has ended."""
    process = start(code, *words, **where)
    out, err = process.communicate()
    return subprocess.CompletedProcess([code, *words], process.wait(), out, err)


def serve(asked: socket.socket) -> None:
    """Fork for each request, until nobody asks any more."""
    path = sys.path[1:]  # less the folder of this file
    for name in IMPORTED:
        import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        some, files, _, _ = socket.recv_fds(asked, 1, 4)
        if not some:
            return
        if os.fork() == 0:
            asked.close()
            _mind(files, path)
        for file in files:
            os.close(file)


def _mind(files: Sequence[int], path: list[str]) -> NoReturn:
    """Tell what the fork's number is, and how it ended: only who forked it can know."""
    request, out, err, status = files
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if (pid := os.fork()) == 0:
        os.close(status)
        _become(request, out, err, path)
    for file in (request, out, err):
        os.close(file)
    os.write(status, f"{pid}\n".encode())
    os.write(status, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
    os._exit(0)


def _become(request: int, out: int, err: int, path: list[str]) -> NoReturn:
    with os.fdopen(request) as file:
        asked = json.load(file)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for stream, target in enumerate((nowhere, out, err)):
        os.dup2(target, stream)
        os.close(target)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["folder"])
    first = os.environ.get("PYTHONPATH", "")
    sys.path[:] = ["", *filter(None, first.split(os.pathsep)), *path]
    if asked["python"] != sys.executable:
        _enter(Path(asked["python"]))
    invalidate_caches()
    sys.argv = ["-c", *asked["words"]]
    code: Any = 0
    try:
        exec(asked["code"], {"__name__": "__main__"})
    except SystemExit as left:
        code = left.code or 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _enter(python: Path) -> None:
    """Be in the virtual environment of ``python``, what is installed there before what is installed here."""
    sys.executable, prefix = str(python), str(python.parents[1])
    sys.prefix = sys.exec_prefix = prefix
    before = list(sys.path)
    for place in site.getsitepackages([prefix]):
        site.addsitedir(place)
    own = [place for place in sys.path if place not in before]
    at = next((i for i, place in enumerate(before) if place.endswith("site-packages")), len(before))
    sys.path[:] = [*before[:at], *own, *before[at:]]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
