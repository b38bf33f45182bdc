"""What the ``config.json`` of a checkpoint says, read strictly."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.utils.errors import RequestError, nearest

SCHEMA = 1
LARGEST = 1_000_000
"""The most bytes that such a file may have."""
_KINDS: dict[str, tuple[type, ...]] = {
    "schema": (int,),
    "model": (str,),
    "plugin": (dict,),
    "x_shape": (list,),
    "y_shape": (list,),
    "config": (dict,),
    "task": (dict, type(None)),
    "seed": (int, type(None)),
    "data": (dict, type(None)),
    "scores": (dict,),
    "parts": (str,),
    "dtype": (str,),
}
_WORDS = {int: "a whole number", str: "text", dict: "an object", list: "a list", type(None): "null"}


@dataclass(frozen=True)
class Facts:
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

    schema: int
    model: str
    plugin: dict[str, str]
    x_shape: list[int]
    y_shape: list[int]
    config: dict[str, Any]
    task: dict[str, Any] | None
    seed: int | None
    data: dict[str, Any] | None
    scores: dict[str, dict[str, Any]]
    parts: str
    dtype: str

    def as_dict(self) -> dict[str, Any]:
        """As plain values, in the order of the fields."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def read_facts(path: Path) -> Facts:
    """The facts in the file ``path``.

    Raises:
        RequestError: there is no such file, or it is not exactly of this form.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise RequestError(f"{path} has {size:,} bytes; a checkpoint's has at most {LARGEST:,}")
        values = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except FileNotFoundError as error:
        raise RequestError(f"{path.parent} is no checkpoint: it has no {path.name}") from error
    except RequestError:
        raise
    except RecursionError as error:
        raise RequestError(f"{path} cannot be read as JSON: its values are nested too deeply") from error
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(values, dict):
        raise RequestError(f"{path} must hold a JSON object")
    schema = values.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise RequestError(f"{path} has schema {schema}, and this version knows {SCHEMA}: upgrade cond-zoo to load it")
    for key in values:
        if key not in _KINDS:
            raise RequestError(f"{path} has the unknown key {key!r}: {nearest(key, _KINDS)}")
    for key, kinds in _KINDS.items():
        if key not in values:
            raise RequestError(f"{path} lacks {key!r}")
        if not isinstance(values[key], kinds) or isinstance(values[key], bool):
            raise RequestError(f"{path}: {key} is {values[key]!r}; it must be {' or '.join(_WORDS[k] for k in kinds)}")
    for key in ("x_shape", "y_shape"):
        if not all(type(side) is int and side > 0 for side in values[key]):
            raise RequestError(f"{path}: {key} is {values[key]!r}; it must be a list of positive whole numbers")
    for key, choices in (("parts", ("whole", "inference")), ("dtype", ("float32", "float16"))):
        if values[key] not in choices:
            raise RequestError(f"{path}: {key} is {values[key]!r}; it must be {' or '.join(map(repr, choices))}")
    for key, inner in (("plugin", {"distribution", "version"}), ("task", {"name", "config"})):
        if values[key] is not None and set(values[key]) != inner:
            raise RequestError(f"{path}: {key} must have exactly the keys {', '.join(sorted(inner))}")
    words = [
        values["plugin"]["distribution"],
        values["plugin"]["version"],
        *([values["task"]["name"]] if values["task"] else []),
    ]
    if not all(isinstance(word, str) for word in words) or not isinstance((values["task"] or {}).get("config", {}), dict):
        raise RequestError(f"{path}: plugin and task must be named in text, and the config of a task must be an object")
    for name, score in values["scores"].items():
        if not isinstance(score, dict) or not _is_number(score.get("value")):
            raise RequestError(f"{path}: score {name!r} must be an object with a number as its value")
        if not all(_is_number(score.get(key)) or score.get(key) is None for key in ("low", "high")):
            raise RequestError(f"{path}: the interval of score {name!r} must be two numbers or null")
    if schema != SCHEMA:
        raise RequestError(f"{path}: schema is {schema!r}; it must be {SCHEMA}")
    return Facts(**values)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")
