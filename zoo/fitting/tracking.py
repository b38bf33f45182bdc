"""The curves of a fit sent to a tracker of experiments while it runs, through accelerate."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoo.utils.errors import RequestError, border, nearest, shown

TRACKERS = ("tensorboard", "wandb", "mlflow", "trackio")
"""Names of trackers, of their packages, and of the extras that bring these."""
PROJECT = "zoo"


def check_tracker(name: Any) -> str:
    """``name``, seen to be a tracker whose package is installed.

    Raises:
        RequestError: it is none, or not installed; says which extra brings it.
    """
    if name not in TRACKERS:
        raise RequestError(f"there is no tracker {shown(name)}: {nearest(str(name), TRACKERS)}")
    if find_spec(name) is None:
        raise RequestError(f"tracker {name} needs a package that is not installed: pip install 'cond-zoo[{name}]'")
    return str(name)


class Tracker:
    """A callback of a fit that logs what it is told under the name ``run``; used in a ``with`` block, which ends the log.

    TensorBoard's files lie in ``folder``; the others go where their own settings say. It begins with the first call.
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

    def __exit__(self, *_: object) -> None:
        if self.log is not None:
            with border(f"tracker {self.name} failed"):
                self.log.finish()

    def _begin(self) -> Any:
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS

        kind = LOGGER_TYPE_TO_CLASS[self.name]
        if self.name == "tensorboard":
            log = kind(self.run, logging_dir=self.folder)
        else:
            log = kind(PROJECT, **{"run_name" if self.name == "mlflow" else "name": self.run})
        if hasattr(log, "start"):  # older ones start where they are made
            log.start()
        log.store_init_configuration(self.settings)
        return log
