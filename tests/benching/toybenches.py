"""A suite of toys, one of which ends as it is told to, and benches of them."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import toy
from installed import distribution

import zoo

SUITE = """
schema = 1
title = "Toys | beside each other"
models = ["random", "toy-wide", "weak"]
metrics = ["toy-best@1", "toy-best@3", "toy-best@9", "toy-density"]
seeds = 2
n = 9
items = 5
scatter = { x = "toy-best@1", y = "toy-best" }
tasks = { toy-shade = ["toy-photos"], relight = ["scenes"] }
quick = { seeds = 1, n = 3, items = 2, settings = { "toy-wide.spread" = 0.05 } }
"""

WEAK = '''
"""A model that does what the file named by WEAK says: fail, die, or hang; else what toy does."""
import os, signal, time
from pathlib import Path
from toy_zoo import Toy
from zoo.utils.errors import ZooError

class Weak(Toy):
    tunable = {"spread": (0.9, 0.1, 0.05), "layers": (1, 2)}

    def fit(self, pairs, *, resume, seed, **more):
        again = (resume / "state").exists()
        super().fit(pairs, resume=resume, **more)
        path = Path(os.environ.get("WEAK", ""))
        what, only = (path.read_text().split() + ["", ""])[:2] if path.is_file() else ("", "")
        if what == "hang":
            path.with_suffix(".pid").write_text(str(os.getpid()))
            try:
                time.sleep(60)
            finally:
                (resume / "last").touch()
        if not only or int(only) == seed:
            if what == "fail":
                raise ZooError("the weak\\nmodel diverged")
            if what == "die":
                os.kill(os.getpid(), signal.SIGKILL)
        return {"again": again}
'''


def write(site: Path) -> None:
    """The weak model and the suite, in the folder ``site``."""
    points = "[zoo.models]\nweak = weak_zoo:Weak\nsick = not_there_at_all:Model\n"
    registry = {"registry.toml": "schema = 1\n", "suites/toys.toml": SUITE}
    distribution(site, "weak", points, {"weak_zoo.py": WEAK, **registry})


@contextlib.contextmanager
def installed(site: Path) -> Iterator[None]:
    """The toy plugin, and what is in ``site`` beside it."""
    with pytest.MonkeyPatch.context() as patch:
        toy.install(patch)
        patch.syspath_prepend(str(site))
        patch.setenv("PYTHONPATH", f"{site}{os.pathsep}{toy.FOLDER}")
        patch.setenv("ZOO_REGISTRY", str(site / "registry.toml"))
        patch.setenv("WEAK", str(site / "weak"))
        yield
    sys.modules.pop("weak_zoo", None)
    toy.remove()


def bench(out: Path | None, *, suite: str | None = "toys", **more: Any) -> zoo.BenchResult:
    given: dict[str, Any] = {
        "data": "toy-photos",
        "models": ["random", "toy-wide"],
        "workers": 0,
        "device": "cpu",
        "references": False,
    }
    return zoo.bench(suite, out=out, **{**given, "progress": False, **more})


def went_on(cell: Path) -> bool:
    """Whether a weak model found the state of a fit that was stopped."""
    return json.loads((cell / "run.json").read_text())["history"]["again"]


def stamps(out: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted((out / "cells").rglob("*")) if path.is_file()}
