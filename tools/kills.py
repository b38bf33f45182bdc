"""Kill a run at random moments and go on with it: the same weights, nothing refused that had not finished, nothing left over.

    python tools/kills.py                      # 50 kills
    python tools/kills.py --kills 3 --seed 1   # fewer, at other moments

Half of the moments are drawn from the time that a run takes, half from what it does to its folder (each folder made, each
file opened, put into its place or removed is a moment, the last writes too). Every second run is killed twice. Prints a row
for each; the exit code is 1 where one was wrong. Each run is a copy (fork) of this process, which has imported all.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import typer

REQUEST = (
    "run --model cvae --task relight --data scenes:16 -n 2 --items 2 --metric error_of_best --set width=8 --set codes=4 "
    "--set steps=20 --set batch_size=4 --set training.save_seconds=0"
)
TOUCHES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir")
"""What Python tells an audit hook of a folder that is worked in."""


class Ended(NamedTuple):
    """How one process ended: its exit code, below 0 for a signal, what it said on stderr, and how long it took."""

    code: int
    said: str
    seconds: float


def run(out: Path, *more: str, after: float = 0.0, touch: int = 0, notes: Path | None = None) -> Ended:
    """Do the request in a process of its own, killed ``after`` so many seconds or just before it does its ``touch``-th act.

    In ``notes`` it leaves how many acts it did, and what it has imported.
    """
    began, said = time.monotonic(), out.with_name("stderr.txt")
    child = os.fork()
    if child == 0:
        _be(out, more, said, touch, notes)
    end = began + after
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if after and time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.001)
    return Ended(os.waitstatus_to_exitcode(ended[1]), said.read_text(), time.monotonic() - began)


def _be(out: Path, more: tuple[str, ...], said: Path, touch: int, notes: Path | None) -> None:
    from zoo.cli import main

    code, acts = 70, 0

    def hook(name: str, given: tuple[object, ...]) -> None:
        nonlocal acts
        if name in TOUCHES and isinstance(given[0], (str, os.PathLike)) and os.fspath(given[0]).startswith(str(out)):
            acts += 1
            if acts == touch:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 2)
        os.dup2(handle, 1)
        sys.argv = ["zoo", *REQUEST.split(), "--out", str(out), *more]
        sys.addaudithook(hook)
        main()
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        if notes is not None:
            notes.write_text("\n".join([str(acts), *sys.modules]))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def weights_of(out: Path) -> str:
    return hashlib.sha256((out / "checkpoint" / "model.safetensors").read_bytes()).hexdigest()


def lies(out: Path) -> str:
    """How far a run had come, by what lies in its folder."""
    for name, words in (("run.json", "finished"), ("checkpoint", "fitted"), ("training/state", "in training"), ("", "begun")):
        if (out / name).exists():
            return words
    return "nothing"


def kills(kills: int = 50, seed: int = 0) -> None:
    """Kill so many runs, each at a moment that ``seed`` decides."""
    moments, wrong = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run(folder / "warm", notes=folder / "notes")  # it fills the cache
        for module in (folder / "notes").read_text().splitlines()[1:]:  # what all runs need is imported once
            with contextlib.suppress(Exception):
                importlib.import_module(module)
        whole = run(folder / "whole", notes=folder / "notes")
        acts, right = int((folder / "notes").read_text().splitlines()[0]), weights_of(folder / "whole")
        names = sorted(path.name for path in (folder / "whole").iterdir())
        print(f"a run takes {whole.seconds:.1f} s and does {acts} acts\n\nkill  moment      lay there    resumed")
        for i in range(kills):
            out = folder / f"run-{i}"
            resume: tuple[str, ...] = ()
            for _ in range(1 + i % 2):
                by_time = moments.random() < 0.5
                after, touch = moments.uniform(0.01, whole.seconds), moments.randint(1, acts)
                run(out, *resume, **({"after": after} if by_time else {"touch": touch}))  # type: ignore[arg-type]
                resume = ("--resume",)
            there, faults = lies(out), []
            ended = run(out, "--resume")
            again = run(out, "--resume")
            if ended.code or ("nothing left to do" in ended.said) != (there == "finished"):
                faults.append(f"exit {ended.code}: {ended.said.strip().splitlines()[-1:]}")
            elif again.code or "nothing left to do" not in again.said:
                faults.append(f"finished, and resumed again: exit {again.code}")
            elif weights_of(out) != right:
                faults.append("other weights")
            elif sorted(path.name for path in out.iterdir()) != names:
                faults.append(f"left over: {sorted({path.name for path in out.iterdir()} - set(names))}")
            wrong += bool(faults)
            moment = f"{after:.2f} s" if by_time else f"act {touch}"
            print(f"{i + 1:4}  {moment:10}  {there:11}  {'; '.join(faults) or 'the same weights'}", flush=True)
            shutil.rmtree(out, ignore_errors=True)
    print(f"\n{kills - wrong} of {kills} as they must be")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    typer.run(kills)
