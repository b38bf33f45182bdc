"""What a run leaves on record: ``run.json``, everything needed to run it again, and ``metrics.json``."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from zoo import registry
from zoo.contracts.metric import Score
from zoo.running.plan import Plan

SCHEMA = 1
_PACKAGES = (
    "cond-zoo",
    "torch",
    "numpy",
    "accelerate",
    "timm",
    "safetensors",
    "scikit-learn",
    "scipy",
    "opencv-python",
)


@dataclass
class Record:
    """What is known of one run; filled while it goes on. ``train`` and ``test`` are (items, digest)."""

    plan: Plan
    started: str
    train: tuple[int, str] | None = None
    test: tuple[int, str] | None = None
    history: Any = None
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def metrics_json(plan: Plan, items: int, scores: Mapping[str, Score]) -> dict[str, Any]:
    """The content of ``metrics.json``."""
    return {
        "model": plan.model_name,
        "task": plan.task_name,
        "data": str(plan.data),
        "n": plan.n,
        "test_items": items,
        "metrics": {name: dataclasses.asdict(score) for name, score in scores.items()},
    }


def run_json(record: Record) -> dict[str, Any]:
    """The content of ``run.json``."""
    plan = record.plan
    request = plan.request()
    return {
        "schema": SCHEMA,
        "command": plan.command(),
        "started": record.started,
        "model": {**_origin("models", plan.model_name), "config": request["config"]},
        "task": {**_origin("tasks", plan.task_name), "config": request["task_config"]},
        "data": {
            **_origin("data", str(plan.data).partition(":")[0]),
            "name": str(plan.data),
            "train": _split(record.train),
            "test": _split(record.test),
        },
        "metrics": [_origin("metrics", name) for name in plan.metrics],
        "skipped_metrics": record.skipped,
        "checkpoint": plan.checkpoint,
        "n": plan.n,
        "items": plan.items,
        "seed": plan.seed,
        "epochs": plan.epochs,
        "training": plan.training,
        "history": _plain(record.history),
        "device": device_name(plan),
        "seconds": record.seconds,
        "versions": versions(),
        "platform": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Of Python and the packages that decide numbers."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def device_name(plan: Plan) -> str:
    """The device of a run; of a GPU its name too."""
    import torch

    if plan.device.type == "cuda":
        return f"{plan.device} ({torch.cuda.get_device_name(plan.device)})"
    return str(plan.device)


def _origin(kind: str, name: str) -> dict[str, str]:
    entry = registry.entry(kind, name)
    return {"name": name, "distribution": entry.distribution, "version": entry.version}


def _split(split: tuple[int, str] | None) -> dict[str, Any] | None:
    return None if split is None else {"items": split[0], "digest": split[1]}


def _plain(history: Any) -> Any:
    """What JSON can hold of a history, without the course of the losses."""
    if dataclasses.is_dataclass(history) and not isinstance(history, type):
        history = {f.name: getattr(history, f.name) for f in dataclasses.fields(history)}
    if not isinstance(history, Mapping):
        return None
    return {str(k): v for k, v in history.items() if isinstance(v, (int, float, str, bool)) and v == v}
