"""Several commands of the zoo in one process of its own, each with what it printed: torch is imported once for all of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_CALLS = """
import contextlib, io, json, os, sys
from zoo.cli import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["zoo", *words]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as left:
            code = int(left.code or 0)
    marks = os.environ.get("MARKS")
    seen = sorted(os.listdir(marks)) if marks else []
    for name in seen:
        os.unlink(os.path.join(marks, name))
    print(json.dumps([code, out.getvalue(), err.getvalue(), seen]))
"""


class Called(NamedTuple):
    """What one command left: its exit code, what it printed, and the files in ``$MARKS``, which are then removed."""

    code: int
    out: str
    err: str
    marks: list[str]


def call(python: str | Path, commands: Sequence[Sequence[str]], env: Mapping[str, str], folder: Path) -> list[Called]:
    """The words of these commands, one command after another, in ``folder``."""
    words = [str(python), "-c", _CALLS, json.dumps(commands)]
    done = subprocess.run(words, capture_output=True, text=True, env=dict(env), cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(commands), done.stdout  # nothing else was printed, by anybody
    return [Called(*line) for line in lines]
