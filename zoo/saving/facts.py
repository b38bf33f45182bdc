"""The facts in the ``config.json`` of a checkpoint, read strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from zoo.saving.strict import Schema, Strict, read
from zoo.utils.errors import RequestError

Side = Annotated[int, Meta(gt=0, description="a positive whole number")]


class Facts(Strict, frozen=True):
    """One checkpoint's facts.

    Attributes:
        schema: the version of this file's form.
        model: the entry-point name.
        plugin: ``distribution`` and ``version`` that the model came from.
        x_shape, y_shape: of one x and one y.
        config: every setting of the model.
        task: ``name`` and ``config`` of the task it was fitted to, or None.
        seed: of the fit.
        data: ``name``, ``digest`` and ``items`` of what it was fitted to, or None.
        scores: as in ``metrics.json``.
        parts: ``whole``, or ``inference`` if what only training needs was left out.
        dtype: of the stored weights, ``float32`` or ``float16``.
    """

    schema: Schema
    model: str
    plugin: dict[str, str]
    x_shape: list[Side]
    y_shape: list[Side]
    config: dict[str, Any]
    task: dict[str, Any] | None
    seed: int | None
    data: dict[str, Any] | None
    scores: dict[str, dict[str, Any]]
    parts: Literal["whole", "inference"]
    dtype: Literal["float32", "float16"]

    def __post_init__(self) -> None:
        for key, inner in (("plugin", {"distribution", "version"}), ("task", {"name", "config"})):
            value = getattr(self, key)
            if value is not None and set(value) != inner:
                raise ValueError(f"{key} must have exactly the keys {', '.join(sorted(inner))}")
        task = self.task or {"name": "", "config": {}}
        if not isinstance(task["name"], str) or not isinstance(task["config"], dict):
            raise ValueError("task must be named in text, and its config must be a table of keys and values")
        for name, score in self.scores.items():
            numbers = {key: type(value) in (int, float) for key, value in score.items()}
            if not numbers.get("value"):
                raise ValueError(f"scores must be numbers: the value of {name!r} is {score.get('value')!r}")
            if not all(score.get(key) is None or numbers[key] for key in ("low", "high")):
                raise ValueError(f"scores must have two numbers or null for an interval, unlike {name!r}")


def read_facts(path: Path) -> Facts:
    """The facts in the file ``path``.

    Raises:
        RequestError: there is no such file, or it is not exactly of this form.
    """
    if not path.is_file():
        raise RequestError(f"{path.parent} is no checkpoint: it has no {path.name}")
    return read(path, Facts)
