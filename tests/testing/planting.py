"""The planted plugin, installed for the length of a test: its entry points are made of the classes that are planted."""

from __future__ import annotations

import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
from installed import distribution

from zoo import registry
from zoo.contracts.metric import Metric
from zoo.contracts.model import Model
from zoo.contracts.task import Task
from zoo.data.records import Data

FOLDER = Path(__file__).parent / "planted"
MODULES = ("models", "samples", "tasks", "metrics", "slow", "loud", "seeding", "heavy", "data")
OTHERS = {
    "model": {
        "right": "planted_right:Right",
        "right-narrow": "planted_models:narrow",
        "sleeps": "planted_wild:Sleeps",
        "exits": "planted_wild:Exits",
        "leaves": "planted_wild:Leaves",
        "always-exits": "planted_wild:AlwaysExits",
        "endless": "planted_endless:Endless",
        "broken": "planted_nowhere:Model",
        "both": "planted_right:Right",
    },
    "task": {"right-task": "planted_right:RightTask", "both": "planted_right:RightTask"},
    "metric": {"right-metric": "planted_right:RightMetric"},
    "data": {"right-data": "planted_data:RightData"},
}


def planted() -> dict[str, tuple[str, type, frozenset[str]]]:
    """The kind, the class, and the checks that must find it, of every planted thing by name."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", lambda _: None)  # what is slow to be imported is so where that is looked at
        for module in MODULES:
            import_module(f"planted_{module}")
    classes = import_module("planted_right").PLANTED

    def kind(cls: type) -> str:
        bases = {"model": Model, "metric": Metric, "task": Task, "data": Data}
        return next(kind for kind, base in bases.items() if issubclass(cls, base))

    return {name: (kind(cls), cls, checks) for name, (cls, checks) in classes.items()}


def install(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Write the plugin's entry points to ``folder`` and let Python and the registry find them."""
    groups = {kind: dict(entries) for kind, entries in OTHERS.items()}
    for name, (kind, cls, _) in planted().items():
        groups[kind][name] = f"{cls.__module__}:{cls.__name__}"
    points = [line for kind in groups for line in (f"[zoo.{registry.plural(kind)}]", *map(" = ".join, groups[kind].items()))]
    distribution(folder, "planted", "\n".join(points))
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{FOLDER}")
    registry.forget()
