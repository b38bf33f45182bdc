"""What importing a module does: how long it takes, what it brings along, what it prints, what it changes for everybody.

Run as ``python -m zoo.probing.watch MODULE``, it tells of the module in a process of its own; without a module, of each
that its standard input names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module

from zoo.probing.state import changed, draw, snapshot
from zoo.utils.errors import ZooError

_HEAVY = """accelerate cv2 diffusers faiss huggingface_hub jax keras matplotlib numba pandas pycocotools skimage sklearn
tensorflow timm torchvision transformers"""
HEAVY = frozenset(_HEAVY.split())
"""Packages that take long to import, and that the core itself imports only where they are used."""
CORE = (
    "zoo.contracts.model",
    "zoo.contracts.task",
    "zoo.contracts.metric",
    "zoo.fitting.loop",
    "zoo.fitting.state",
)
"""What every plugin may use at no cost of its own."""
PROBE_SECONDS = 300
"""After which importing a module is given up."""


@dataclass(frozen=True)
class Imported:
    """What importing a module did.

    Attributes:
        seconds: it took, beyond the core.
        heavy: the packages of :data:`HEAVY` that it brought along.
        printed: what it wrote to the standard streams.
        changed: what it changed for everybody, in words.
        error: what it raised, "" if nothing.
    """

    seconds: float
    heavy: list[str]
    printed: str
    changed: list[str]
    error: str


def probe(module: str) -> Imported:
    """Import ``module``, which must not have been imported yet, in this process."""
    for name in CORE:
        import_module(name)
    draw()
    modules, before = set(sys.modules), snapshot()
    error = ""
    with _streams() as printed:
        began = time.monotonic()
        try:
            import_module(module)
        except (Exception, SystemExit) as raised:
            error = f"{type(raised).__name__}: {raised}"
        seconds = time.monotonic() - began
    heavy = sorted({name.partition(".")[0] for name in set(sys.modules) - modules} & HEAVY)
    return Imported(seconds, heavy, printed[0], list(changed(before)), error)


@cache
def probe_apart(module: str) -> Imported:
    """Import ``module`` in a process of its own.

    Raises:
        ZooError: the process did not tell: the import ended it, or did not end.
    """
    said = _forked(module) if hasattr(os, "fork") else _started(module)
    try:
        return Imported(**json.loads(said))
    except (ValueError, TypeError) as error:
        raise ZooError(f"importing {module} ended the process, or did not end within {PROBE_SECONDS} s") from error


def _started(module: str) -> str:
    """What a new process tells of importing ``module``; "" if nothing."""
    command = [sys.executable, "-m", "zoo.probing.watch", module]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PROBE_SECONDS, env=environment()
        )
    except subprocess.TimeoutExpired:
        return ""
    return (done.stdout.strip().splitlines() or [""])[-1]


def _forked(module: str) -> str:
    """The same from a fork of a process that has imported the core already: importing torch takes longer than all else."""
    import select

    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps({"module": module, "path": sys.path}) + "\n")
    server.stdin.flush()
    ready, _, _ = select.select([server.stdout], [], [], PROBE_SECONDS)
    if not ready:
        os.killpg(server.pid, 9)
        _server.cache_clear()
        return ""
    return server.stdout.readline()


@cache
def _server() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "zoo.probing.watch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
        start_new_session=True,
    )


def _serve() -> None:
    """One line of JSON for each that comes in, told by a fork; an empty one where the fork said nothing."""
    for name in CORE:
        import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        source, sink = os.pipe()
        fork = os.fork()
        if fork == 0:
            os.close(source)
            sys.path[:] = asked["path"]
            os.write(sink, json.dumps(asdict(probe(asked["module"]))).encode())
            os._exit(0)
        os.close(sink)
        with os.fdopen(source, encoding="utf-8") as said:
            answer = said.read()
        os.waitpid(fork, 0)
        print(answer, flush=True)


def environment() -> dict[str, str]:
    """The environment of a process that is to find the same modules as this one."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@contextmanager
def _streams() -> Iterator[list[str]]:
    """What is written to the standard streams inside, by whatever means, as the one item of the list, when it is over."""
    found: list[str] = [""]
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield found
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for target, source in zip((1, 2), saved, strict=True):
                os.dup2(source, target)
                os.close(source)
            file.seek(0)
            found[0] = file.read(10_000).decode(errors="replace")


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(asdict(probe(sys.argv[1]))))
    else:
        _serve()
