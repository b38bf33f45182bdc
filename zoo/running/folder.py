"""The folder of a run: may it be used, does it hold a run that was stopped, where its parts go, and the records in it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import platform
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.measuring.values import VALUES
from zoo.running.plan import Plan, Request
from zoo.utils.claim import LOCK, claimed, content, sweep
from zoo.utils.errors import RequestError, ZooError, border
from zoo.utils.files import discard, read_text, user_path, write_json
from zoo.utils.log import is_log
from zoo.utils.words import visible

if TYPE_CHECKING:
    from zoo.data.pairs import Pairs


LOG = "log.txt"
SKIPPED = 20
"""How many of the items that the data left out are named in ``run.json``, with the reason."""


class RunFolder:
    """``run.json``, ``metrics.json``, ``values.safetensors``, ``samples.png``, ``report.html``, ``checkpoint/``, ``log.txt``.

    ``run.json`` is written last: with it the run is finished. Before that ``training/`` lies there too, with what was asked
    for (``request.json``), the state of training, and, once that is done, what it left on record (``fit.json``): the same
    request may go on from there. ``checkpoint/`` is there, whole, as soon as the model is fitted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = path / "training" / "state"
        self.checkpoint = path / "checkpoint"
        self.log, self.tracking = path / LOG, path / "tracking"
        self.run, self.metrics, self.report = path / "run.json", path / "metrics.json", path / "report.html"
        self.fit = path / "training" / "fit.json"
        self._request = path / "training" / "request.json"

    @property
    def finished(self) -> bool:
        return self.run.exists()

    @property
    def fitted(self) -> bool:
        """Whether what was fitted lies here, whole."""
        return self.checkpoint.is_dir() and self._request.exists()

    def check(self, plan: Plan) -> None:
        """See (RequestError) that the folder is free, or holds this very run, to go on with or finished; writes nothing."""
        resume, weights = plan.request.resume, json.loads(json.dumps(plan.weights))
        weights["split_seed"] = plan.request.split_seed
        if self.finished:
            if not resume:
                raise RequestError(f"{self.path} holds a finished run; name another folder")
            record = read_json(self.run)
            with border(f"cannot read {self.run}"):
                self.agree(asked_of(record), weights | {"data": visible(weights["data"])}, plan.added)
                asked: dict[str, Any] = {"n": plan.request.n, "items": plan.request.items}
                if plan.request.metrics is not None:
                    asked["metrics"] = sorted(plan.metrics)
                    record["metrics"] = sorted(metric["name"] for metric in record["metrics"])
                self.agree(record, asked, {})
        elif self._request.exists():
            if not resume:
                raise RequestError(f"{self.path} holds a run that was stopped; go on with --resume, or name another folder")
            self.agree(read_json(self._request), weights, plan.added)
        else:
            check_folder(self.path, what="run that was stopped")

    def agree(self, old: dict[str, Any], asked: Mapping[str, Any], since: Mapping[str, Any]) -> None:
        """See (RequestError) that what was asked for is what an older run has, ``since`` then being what it lacks."""
        for key, new in asked.items():
            before = old.get(key, 0 if key == "split_seed" else None)  # which older runs do not tell
            if key in since and isinstance(before, dict):
                before = since[key] | before
            if before != new:
                if isinstance(before, dict) and (others := [name for name in new if before.get(name) != new[name]]):
                    key, before, new = f"{key} {others[0]}", before.get(others[0]), new[others[0]]
                raise RequestError(f"{self.path} holds a run with {key} {before!r}, not {new!r}; ask for the same")

    def begin(self, weights: dict[str, Any]) -> None:
        """Leave in the folder what decides the weights."""
        if not self._request.exists():
            write_json(self._request, weights)

    def keeps(self) -> str:
        """After a failure: what can be gone on from, in words; where there is nothing, what this run made is removed."""
        if self.fitted:
            return f"what was fitted is kept in {self.checkpoint}"
        if self.state.is_dir() and content(self.state):
            return f"the state of training is kept in {self.path}"
        with contextlib.suppress(OSError):
            discard(self.path / "training")
            discard(self.tracking)
            for made in (self.metrics, self.report, self.path / VALUES, self.path / "samples.png"):
                made.unlink(missing_ok=True)
        return ""

    def finish(self) -> None:
        """The run is done: the state of training goes, and what was left by processes that were killed."""
        with contextlib.suppress(OSError):
            discard(self.path / "training")
        sweep(self.path)


@contextlib.contextmanager
def held(plan: Plan) -> Iterator[RunFolder]:
    """The folder of a run, checked, made, and held by this process; one that is finished is only checked."""
    out = plan.request.out
    path = default_folder(plan.request.model, plan.request.task) if out is None else user_path(out)
    if out is not None:
        folder = RunFolder(path)
        try:
            folder.check(plan)  # before anything is made
        except RequestError:
            if (path / LOCK).exists():  # where it is in the way since somebody works there, that is said
                with claimed(path):
                    pass
            raise
        if folder.finished:
            with contextlib.suppress(ZooError), claimed(path):  # by who was killed at its very end, if by anybody
                folder.finish()
            yield folder
            return
    with claimed(path, fresh=out is None) as path:
        (folder := RunFolder(path)).check(plan)  # nobody else changes it from here on
        sweep(path)
        yield folder


@contextlib.contextmanager
def new_folder(out: str | None, *words: str) -> Iterator[Path]:
    """A new folder, held by this process: ``out``, or ``runs/<time>-<words>``; it goes again if nothing is put into it."""
    with claimed(
        default_folder(*words) if out is None else check_folder(user_path(out)), "process", fresh=out is None
    ) as path:
        check_folder(path)  # nobody else changes it from here on
        sweep(path)
        yield path


def check_folder(path: Path, ours: bool = False, what: str = "") -> Path:
    """``path``; refuses (RequestError) one that cannot be made or written to, or that holds anything but our ``what``.

    What killed or failed runs have left that is good for nothing (a lock, a temporary folder, a log) is as good as nothing.
    """
    if path.exists() and not path.is_dir():
        raise RequestError(f"{path} is a file; name a new folder")
    if not ours and path.exists() and not all(_left_over(path, name) for name in content(path)):
        holds = f"is not empty and holds no {what}" if what else "already holds something"
        raise RequestError(f"{path} {holds}; name a new folder")
    above = next(folder for folder in (path, *path.parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise RequestError(f"{path} cannot be made: {above} is no folder that can be written to")
    return path


def _left_over(folder: Path, name: str) -> bool:
    path = folder / name
    return is_log(path) if name == LOG else name == "training" and path.is_dir() and not content(path)


def default_folder(*words: str | None) -> Path:
    """``runs/<time>-<model>-<task>``, which may be taken."""
    return Path("runs") / "-".join([time.strftime("%Y%m%d-%H%M%S"), *map(str, words)])


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

    request, device, config = plan.request, plan.device, plan.weights["config"]
    left = plan.data.skipped
    gpu = f" ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else ""
    return {
        "schema": 1,
        "command": command_again(request, history),
        "started": started,
        "model": {**_origin("models", request.model), "config": config},
        "task": {**_origin("tasks", request.task), "config": plan.weights["task_config"]},
        "data": {
            **_origin("data", str(request.data).partition(":")[0], plan.data),
            "name": visible(request.data),
            "train": None if train is None else {"items": len(train), "digest": train.digest},
            "test": {"items": len(test), "digest": test.digest},
            "skipped": {"count": len(left), "names": dict(islice(left.items(), SKIPPED))},
        },
        "metrics": [_origin("metrics", name) for name in plan.metrics],
        "skipped_metrics": dict(skipped),
        **{key: getattr(request, key) for key in ("checkpoint", "n", "items", "seed", "split_seed", "epochs")},
        **(
            {"sampling": {key: config.get(key) for key in request.settings}} if request.checkpoint and request.settings else {}
        ),
        "training": request.parts["training"],
        "history": plain(history),
        "curves": curves(history),
        "device": f"{device}{gpu}",
        "seconds": dict(seconds),
        "versions": versions(),
        "platform": platform.platform(),
    }


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file of JSON; a ZooError where there is none."""
    with border(f"cannot read {path}"):
        content = json.loads(read_text(path, 10_000_000))
        if not isinstance(content, dict):
            raise ValueError("it holds no object")
        return content


def asked_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """All that decided the weights of a finished run, as its plan had it, from the content of ``run.json``."""
    names = {key: run[key]["name"] for key in ("model", "task", "data")}
    configs = {"config": run["model"]["config"], "task_config": run["task"]["config"]}
    known = {key: run[key] for key in ("seed", "epochs", "checkpoint", "training")}
    return names | configs | known | {"split_seed": run.get("split_seed", 0)}


def versions() -> dict[str, str]:
    """Of Python and the packages that decide numbers."""
    known = {"python": platform.python_version()}
    packages = "cond-zoo", "torch", "numpy", "accelerate", "timm", "safetensors", "scikit-learn", "scipy", "opencv-python"
    for name in packages:
        with contextlib.suppress(PackageNotFoundError):
            known[name] = version(name)
    return known


def _origin(kind: str, name: str | None, made: object = None) -> dict[str, Any]:
    if made is not None and name not in registry.names(kind):  # an object of a class of the script's own
        return {"name": name, "distribution": type(made).__module__.partition(".")[0], "version": ""}
    entry = registry.entry(kind, str(name))
    return {"name": name, "distribution": entry.distribution, "version": entry.version}


def command_again(request: Request, history: Any) -> str:
    """The command line that gives the same weights to the bit: with the steps that were found for so many seconds."""
    settings, record = dict(request.settings), plain(history) or {}
    if settings.pop("training.seconds", None) is not None and record.get("steps"):
        settings |= {"training.steps": record["steps"], "training.threads": record["threads"]}
        request = dataclasses.replace(request, settings=settings)
    return request.command()


def plain(history: Any) -> Any:
    """The part of a history that JSON can hold, without its :func:`curves`."""
    if (history := _fields(history)) is None:
        return None
    kept = {str(key): value for key, value in history.items() if isinstance(value, (int, float, str, bool))}
    return {key: value for key, value in kept.items() if not isinstance(value, float) or math.isfinite(value)}


CURVES = ("losses", "checks")
"""The parts of a history that are curves, each a list of points: numbers by name, ``step`` among them."""


def curves(history: Any) -> dict[str, list[dict[str, float]]]:
    """The curves of a history, as far as it has any, to six digits."""
    found = {name: points for name in CURVES if isinstance(points := (_fields(history) or {}).get(name), list) and points}
    return {name: [_rounded(point) for point in points if isinstance(point, Mapping)] for name, points in found.items()}


def _rounded(point: Mapping[str, Any]) -> dict[str, float]:
    numbers = {str(key): value for key, value in point.items() if isinstance(value, (int, float)) and math.isfinite(value)}
    return {key: value if isinstance(value, int) else float(f"{value:.6g}") for key, value in numbers.items()}


def _fields(history: Any) -> Mapping[str, Any] | None:
    """A history by the names of its fields; None where it has none."""
    if dataclasses.is_dataclass(history) and not isinstance(history, type):
        return {f.name: getattr(history, f.name) for f in dataclasses.fields(history)}
    return history if isinstance(history, Mapping) else None
