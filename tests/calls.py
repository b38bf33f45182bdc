"""Commands of the zoo, with what each printed: in this process, or several in one of their own, which imports torch once."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import zygote


class Called(NamedTuple):
    """What one command left: its exit code, what it printed, and the files in ``$MARKS``, which are then removed."""

    code: int
    out: str
    err: str
    marks: list[str]


def call_here(*words: str) -> Called:
    """One command, in this process."""
    from zoo.cli import main

    before, sys.argv = sys.argv, ["zoo", *words]
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        sys.argv = before
    marks = sorted(Path(os.environ["MARKS"]).iterdir()) if "MARKS" in os.environ else []
    for mark in marks:
        mark.unlink()
    return Called(code, out.getvalue(), err.getvalue(), [mark.name for mark in marks])


def call(python: str | Path, commands: Sequence[Sequence[str]], env: Mapping[str, str], folder: Path) -> list[Called]:
    """The words of these commands, one command after another, in ``folder``."""
    code = f"import json, sys; sys.path.append({str(Path(__file__).parent)!r}); import calls\n"
    code += "for words in json.loads(sys.argv[1]): print(json.dumps(calls.call_here(*words)))"
    done = zygote.run(code, json.dumps(commands), env=env, folder=folder, python=python)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(commands), done.stdout  # nothing else was printed, by anybody
    return [Called(*line) for line in lines]
