"""The folder of a run: may it be used, does it hold a run that was stopped, where its parts go, and the records in it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.running.plan import Plan
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import write_json
from zoo.utils.words import visible

if TYPE_CHECKING:
    from zoo.data.pairs import Pairs


class RunFolder:
    """``run.json``, ``metrics.json``, ``samples.png``, ``report.html``, ``checkpoint/``; ``training/`` while it runs.

    A folder with ``training/request.json`` holds a run that was stopped: the same request may go on from there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = path / "training" / "state"
        self.checkpoint = path / "checkpoint"
        self._request = path / "training" / "request.json"
        self._made_here = False

    def check(self, weights: dict[str, Any], resume: bool) -> None:
        """See (RequestError) that the folder is free, or holds this very run, stopped, to go on with; writes nothing."""
        if (self.path / "run.json").exists():
            raise RequestError(f"{self.path} holds a finished run; name another folder")
        if self._request.exists():
            if not resume:
                raise RequestError(f"{self.path} holds a run that was stopped; go on with --resume, or name another folder")
            try:
                old = json.loads(self._request.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise ZooError(f"cannot read {self._request}: {error}") from error
            for key, new in json.loads(json.dumps(weights)).items():
                if key == "config":  # may be older than a setting: what that then was, the state of training knows
                    old[key] = new | old.get(key, {})
                if old.get(key) != new:
                    raise RequestError(f"{self.path} holds a run with {key} {old.get(key)!r}, not {new!r}; ask for the same")
        check_folder(self.path, self._request.exists(), "run that was stopped")

    def claim(self, weights: dict[str, Any]) -> None:
        """Make the folder and leave in it what decides the weights."""
        self._made_here = not self.path.exists()
        if not self._request.exists():
            write_json(self._request, weights)

    def abandon(self) -> bool:
        """After a failure: whether there is something to go on from; if not, what this run made is removed."""
        if self.state.is_dir() and any(self.state.iterdir()):
            return True
        shutil.rmtree(self.path if self._made_here else self.path / "training", ignore_errors=True)
        return False

    def finish(self) -> None:
        """The run is done: the state of training goes."""
        shutil.rmtree(self.path / "training", ignore_errors=True)


def check_folder(path: Path, ours: bool = False, what: str = "") -> Path:
    """``path``; refuses (RequestError) one that cannot be made or written to, or that holds anything but our ``what``."""
    if path.exists() and not path.is_dir():
        raise RequestError(f"{path} is a file; name a new folder")
    if not ours and path.exists() and any(path.iterdir()):
        holds = f"is not empty and holds no {what}" if what else "already holds something"
        raise RequestError(f"{path} {holds}; name a new folder")
    above = next(folder for folder in (path, *path.parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise RequestError(f"{path} cannot be made: {above} is no folder that can be written to")
    return path


def default_folder(*words: str | None) -> Path:
    """``runs/<time>-<model>-<task>``, a name that is not taken."""
    stem = "-".join([time.strftime("%Y%m%d-%H%M%S"), *map(str, words)])
    return Path("runs") / free_name(stem, lambda name: (Path("runs") / name).exists())


def free_name(stem: str, taken: Callable[[str], bool]) -> str:
    """``stem``, numbered from 2 on where it is taken."""
    return next(name for i in count(1) if not taken(name := stem if i == 1 else f"{stem}-{i}"))


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
    import torch

    request, device = plan.request, plan.device
    gpu = f" ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else ""
    return {
        "schema": 1,
        "command": request.command(),
        "started": started,
        "model": {**_origin("models", request.model), "config": plan.weights["config"]},
        "task": {**_origin("tasks", request.task), "config": plan.weights["task_config"]},
        "data": {
            **_origin("data", str(request.data).partition(":")[0]),
            "name": visible(request.data),
            "train": None if train is None else {"items": len(train), "digest": train.digest},
            "test": {"items": len(test), "digest": test.digest},
        },
        "metrics": [_origin("metrics", name) for name in plan.metrics],
        "skipped_metrics": dict(skipped),
        **{key: getattr(request, key) for key in ("checkpoint", "n", "items", "seed", "epochs")},
        "training": request.parts["training"],
        "history": _plain(history),
        "device": f"{device}{gpu}",
        "seconds": dict(seconds),
        "versions": versions(),
        "platform": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Of Python and the packages that decide numbers."""
    known = {"python": platform.python_version()}
    packages = "cond-zoo", "torch", "numpy", "accelerate", "timm", "safetensors", "scikit-learn", "scipy", "opencv-python"
    for name in packages:
        with contextlib.suppress(PackageNotFoundError):
            known[name] = version(name)
    return known


def _origin(kind: str, name: str | None) -> dict[str, Any]:
    entry = registry.entry(kind, str(name))
    return {"name": name, "distribution": entry.distribution, "version": entry.version}


def _plain(history: Any) -> Any:
    """The part of a history that JSON can hold, without the course of the losses."""
    if dataclasses.is_dataclass(history) and not isinstance(history, type):
        history = {f.name: getattr(history, f.name) for f in dataclasses.fields(history)}
    if not isinstance(history, Mapping):
        return None
    return {str(k): v for k, v in history.items() if isinstance(v, (int, float, str, bool)) and v == v}
