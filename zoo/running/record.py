"""The record of a run: ``run.json``, everything needed to run it again, and ``metrics.json``."""

from __future__ import annotations

import contextlib
import dataclasses
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.contracts.metric import Score
from zoo.running.plan import Plan

if TYPE_CHECKING:
    import torch

    from zoo.data.pairs import Pairs

SCHEMA = 1
_PACKAGES = "cond-zoo", "torch", "numpy", "accelerate", "timm", "safetensors", "scikit-learn", "scipy", "opencv-python"


def metrics_json(plan: Plan, items: int, scores: Mapping[str, Score]) -> dict[str, Any]:
    """The content of ``metrics.json``."""
    return {
        "model": plan.model_name,
        "task": plan.task_name,
        "data": plan.request.data,
        "n": plan.request.n,
        "test_items": items,
        "metrics": {name: dataclasses.asdict(score) for name, score in scores.items()},
    }


def run_json(
    plan: Plan,
    started: str,
    train: Pairs | None,
    test: Pairs,
    history: Any,
    skipped: Mapping[str, str],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """The content of ``run.json``."""
    request = plan.request
    return {
        "schema": SCHEMA,
        "command": request.command(),
        "started": started,
        "model": {**_origin("models", plan.model_name), "config": plan.weights["config"]},
        "task": {**_origin("tasks", plan.task_name), "config": plan.weights["task_config"]},
        "data": {
            **_origin("data", str(request.data).partition(":")[0]),
            "name": request.data,
            "train": None if train is None else {"items": len(train), "digest": train.digest},
            "test": {"items": len(test), "digest": test.digest},
        },
        "metrics": [_origin("metrics", name) for name in plan.metrics],
        "skipped_metrics": dict(skipped),
        "checkpoint": request.checkpoint,
        "n": request.n,
        "items": request.items,
        "seed": request.seed,
        "epochs": request.epochs,
        "training": request.parts["training"],
        "history": _plain(history),
        "device": _device_name(plan.device),
        "seconds": dict(seconds),
        "versions": versions(),
        "platform": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Of Python and the packages that decide numbers."""
    known = {"python": platform.python_version()}
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            known[name] = version(name)
    return known


def _device_name(device: torch.device) -> str:
    """A device; of a GPU its name too."""
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def _origin(kind: str, name: str) -> dict[str, str]:
    entry = registry.entry(kind, name)
    return {"name": name, "distribution": entry.distribution, "version": entry.version}


def _plain(history: Any) -> Any:
    """The part of a history that JSON can hold, without the course of the losses."""
    if dataclasses.is_dataclass(history) and not isinstance(history, type):
        history = {f.name: getattr(history, f.name) for f in dataclasses.fields(history)}
    if not isinstance(history, Mapping):
        return None
    return {str(k): v for k, v in history.items() if isinstance(v, (int, float, str, bool)) and v == v}
