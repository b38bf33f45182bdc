"""The settings of a model that are searched: lists of values, and ranges between two numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from zoo.contracts import make
from zoo.utils.config import make_config, plain
from zoo.utils.errors import RequestError, nearest, shown


class Range(NamedTuple):
    """All numbers from ``low`` to ``high``, whole ones where both are; by their logarithms where they span a factor of ten."""

    low: float
    high: float

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def log(self) -> bool:
        return self.low > 0 and self.high / self.low >= 10


Space = Mapping[str, "list[Any] | Range"]


def checked(over: Any) -> dict[str, list[Any] | Range]:
    """Lists of values or ``"LOW..HIGH"`` by setting, to be searched, seen to be such (RequestError).

    Examples:
        >>> checked({"width": [32, 64], "learning_rate": "1e-4..1e-2", "depth": "1..4"})
        {'width': [32, 64], 'learning_rate': Range(low=0.0001, high=0.01), 'depth': Range(low=1, high=4)}
    """
    if not isinstance(over, Mapping) or not all(isinstance(key, str) for key in over):
        raise RequestError(f"over is {shown(over)}; it must be lists of values, or LOW..HIGH, by the name of a setting")
    found: dict[str, list[Any] | Range] = {}
    for key, values in over.items():
        if isinstance(values, str):
            found[key] = _range(key, values)
        elif isinstance(values, Sequence) and values:
            found[key] = [plain(value) for value in values]
        else:
            raise RequestError(f"over {key} is {shown(values)}; it must be a list of values, or LOW..HIGH")
    return found


def read_space(words: Sequence[str]) -> dict[str, list[str] | str]:
    """``KEY=A,B,C`` and ``KEY=LOW..HIGH`` words by setting, as :func:`checked` takes them.

    Examples:
        >>> read_space(["width=32,64", "learning_rate=1e-4..1e-2"])
        {'width': ['32', '64'], 'learning_rate': '1e-4..1e-2'}
    """
    found: dict[str, list[str] | str] = {}
    for word in words:
        key, equals, values = (part.strip() for part in word.partition("="))
        if not equals or not key or not values:
            raise RequestError(f"--over {word!r}: write KEY=A,B,C or KEY=LOW..HIGH")
        found[key] = values if ".." in values else [value.strip() for value in values.split(",")]
    return found


def _range(key: str, text: str) -> Range:
    ends: list[float] = []
    for end in text.split(".."):
        try:
            ends.append(int(end))
        except ValueError:
            try:
                ends.append(float(end))
            except ValueError:
                ends.append(math.nan)
    if len(ends) != 2 or not all(map(math.isfinite, ends)) or not ends[0] < ends[1]:
        raise RequestError(f"over {key} is {text!r}; it must be LOW..HIGH, two numbers, the lower one first")
    return Range(*ends)


def space_of(model: str, fixed: Collection[str], over: Space) -> tuple[dict[str, list[Any] | Range], dict[str, Any]]:
    """The settings of a model that are searched, and their values as it is.

    They are its ``tunable``, less those of its preset and those that are ``fixed``, and what ``over`` says of it by KEY or
    MODEL.KEY, which counts for more.
    """
    cls, preset = make.model_class(model)
    space: dict[str, list[Any] | Range] = {k: list(v) for k, v in cls.tunable.items() if k not in preset and k not in fixed}
    usual = {field.name: field.default for field in dataclasses.fields(cls.Config)} | preset
    for key, values in space.items():
        if isinstance(values, list) and usual[key] not in values:
            values.insert(0, usual[key])
    for key, values in sorted(over.items(), key=lambda item: "." in item[0]):  # what is said of this model alone counts
        head, dot, tail = key.partition(".")
        name = tail if dot and head == model else "" if dot else key
        if name not in usual:
            continue
        right = [getattr(make_config(cls.Config, {**preset, name: value}, f"model {model!r}"), name) for value in values]
        space[name] = Range(*right) if isinstance(values, Range) else list(dict.fromkeys(right))
    return space, {key: usual[key] for key in space}


def see_used(over: Space, models: Sequence[str]) -> None:
    """See that each of ``over`` is a setting of one of the models (RequestError)."""
    known = {model: {field.name for field in dataclasses.fields(make.model_class(model)[0].Config)} for model in models}
    every = {key for keys in known.values() for key in keys} | {f"{m}.{key}" for m, keys in known.items() for key in keys}
    for key in over:
        if key not in every:
            raise RequestError(f"none of the models has a setting {key!r}: {nearest(key, every)}")
