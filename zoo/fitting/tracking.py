"""The curves of a fit sent to a tracker of experiments while it runs, through accelerate."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoo.utils.errors import RequestError, border, nearest, shown
from zoo.utils.files import read_text, write_json

TRACKERS = ("tensorboard", "wandb", "mlflow", "trackio")
"""Names of trackers, of their packages, and of the extras that bring these."""
PROJECT = "zoo"
_ID: Mapping[str, Callable[[Any], str]] = {
    "wandb": lambda run: run.id,
    "mlflow": lambda run: run.info.run_id,
    "trackio": lambda run: run.name,
}
"""How a run is told from others; TensorBoard's by its folder."""


def check_tracker(name: Any) -> str:
    """``name``, seen to be a tracker whose package is installed.

    Raises:
        RequestError: it is none, or not installed; says which extra brings it.
    """
    if name not in TRACKERS:
        raise RequestError(f"there is no tracker {shown(name)}: {nearest(str(name), TRACKERS)}")
    if (found := find_spec(name)) is None or found.origin is None:  # a folder of that name is no package
        raise RequestError(f"tracker {name} needs a package that is not installed: pip install 'cond-zoo[{name}]'")
    return str(name)


class Tracker:
    """A callback of a fit that logs what it is told under the name ``run``; used in a ``with`` block, which ends the log.

    TensorBoard's files lie in ``folder``; the others go where their own settings say, and the folder keeps which run of theirs
    it is, so that a fit that goes on goes on there. It begins with the first call; a fit that fails has failed there too.
    """

    def __init__(self, name: str, folder: Path, run: str, settings: Mapping[str, Any]) -> None:
        self.name, self.folder, self.run = check_tracker(name), folder, run
        self.settings = {key: value for key, value in settings.items() if isinstance(value, (str, int, float, bool))}
        self.log: Any = None

    def __call__(self, step: int, losses: Mapping[str, float], lr: float) -> None:
        """Log the losses and the learning rate of a step."""
        with border(f"tracker {self.name} failed"):
            if self.log is None:
                self.log = self._begin()
            self.log.log({**losses, "lr": lr}, step=step)

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.log is None:
            return
        with border(f"tracker {self.name} failed"):
            if kind is None or self.name not in ("wandb", "mlflow"):
                self.log.finish()
            elif self.name == "wandb":
                self.log.tracker.finish(exit_code=1)
            else:
                import mlflow

                mlflow.end_run("FAILED" if issubclass(kind, Exception) else "KILLED")

    def _begin(self) -> Any:
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS

        kind, before = LOGGER_TYPE_TO_CLASS[self.name], self._before()
        if self.name == "tensorboard":
            log = kind(self.run, logging_dir=self.folder)
        elif self.name == "mlflow":
            log = kind(PROJECT, run_name=self.run, run_id=before)
        else:
            again = {"resume": "allow", **({"id": before} if self.name == "wandb" else {})}
            log = kind(PROJECT, name=self.run, **(again if before else {}))
        if hasattr(log, "start"):  # older ones start where they are made
            log.start()
        if before is None:  # its settings are there already, and MLflow takes none twice
            log.store_init_configuration(self.settings)
        if self.name in _ID:
            write_json(self.folder / f"{self.name}.json", {"run": _ID[self.name](log.tracker)})
        return log

    def _before(self) -> str | None:
        """The run of the tracker's that an earlier part of this fit is in; None where there was none."""
        try:
            return str(json.loads(read_text(self.folder / f"{self.name}.json", 10_000))["run"])
        except Exception:  # of many kinds; it begins anew
            return None
