"""Configs: frozen dataclasses, made from plain values, refusing what they do not know."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import operator
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from zoo.utils.bounds import is_truth
from zoo.utils.errors import RequestError, cause, nearest, shown, step

C = TypeVar("C")


@dataclasses.dataclass(frozen=True)
class NoConfig:
    """The config of something that has nothing to configure."""


def make_config(cls: type[C], values: Mapping[str, Any], owner: str) -> C:
    """``cls(**values)`` with unknown keys refused and each value brought to the field's type.

    ``owner`` names whose config it is in the message. Text is read as the field's type, so that
    ``--set components=4`` works; a float is never silently cut to an int.

    Raises:
        RequestError: an unknown key, or a value that is not of the field's type or refused by the config.

    Examples:
        >>> from zoo import Recipe
        >>> make_config(Recipe, {"steps": "100"}, "model mine").steps
        100
        >>> make_config(Recipe, {"step": 100}, "model mine")
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: model mine has no setting 'step': did you mean 'steps'?
    """
    hints = typing.get_type_hints(cls)
    fields = {f.name for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise RequestError(f"{owner} has no setting {shown(key)}: {nearest(key, fields)}")
    coerced = {key: _coerce(value, hints[key], f"{owner}: {key}") for key, value in values.items()}
    try:
        return cls(**coerced)
    except RequestError:
        raise
    except Exception as error:  # a ValueError is a refusal; another may be a mistake in the config, which has a place
        where = "" if isinstance(error, ValueError) else step(error, cls.__module__.partition(".")[0])
        raise RequestError(f"{owner}: {cause(error)}{where and f' ({where})'}") from error


def added(config: object) -> dict[str, Any]:
    """The settings of a config that records of before lack, with what they then were.

    They are fields with a default that say so: ``field(default=..., metadata={"added": True})``.
    """
    return {f.name: f.default for f in dataclasses.fields(config) if f.metadata.get("added")}  # type: ignore[arg-type]


def sampling(config: type | object) -> frozenset[str]:
    """The settings of a config that no fit reads, but only what is drawn after it: they may be others in a fitted model.

    They are fields that say so: ``field(default=..., metadata={"sampling": True})``.
    """
    return frozenset(f.name for f in dataclasses.fields(config) if f.metadata.get("sampling"))  # type: ignore[arg-type]


def resampled(config: C, values: Mapping[str, Any], owner: str) -> C:
    """The config with other settings of :func:`sampling`.

    Raises:
        RequestError: a setting is unknown, or one that a fit reads; or a value is wrong.
    """
    free = sampling(config)
    made = make_config(type(config), {**dataclasses.asdict(config), **values}, owner)  # type: ignore[call-overload]
    for key in values:
        if key not in free:
            words = f"those of sampling are {', '.join(sorted(free))}" if free else "none of its settings is of sampling alone"
            raise RequestError(f"{owner} was fitted with its {key}, which is not changed afterwards: {words}")
    return made


def by_name(settings: Any) -> dict[str, Any]:
    """Settings as somebody gives them, as plain values by name; a RequestError where they are not values by name."""
    if not isinstance(settings, Mapping) or not all(isinstance(key, str) for key in settings):
        raise RequestError(f"settings are {shown(settings)}; they must be values by name")
    return {key: plain(value) for key, value in settings.items()}


def plain(value: Any) -> Any:
    """A setting as JSON can keep it: a single number of NumPy's or torch's is Python's, also in a list.

    Examples:
        >>> import numpy as np
        >>> plain([np.int64(2), "a", np.float64(0.5)])
        [2, 'a', 0.5]
    """
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value)) if type(value) in (list, tuple) else value
    single = not isinstance(value, type) and getattr(value, "ndim", None) == 0 and hasattr(value, "item")
    return value.item() if single else value


def names_in(value: Any, what: str) -> list[str] | None:
    """The names that are given for ``what``: in a list or the like, or in one text, with commas between them; None stays.

    Raises:
        RequestError: it is neither, or not all of them are text.

    Examples:
        >>> names_in("nn, cvae", "models"), names_in(("nn",), "models")
        (['nn', 'cvae'], ['nn'])
    """
    if value is None:
        return None
    given = value.split(",") if isinstance(value, str) else value
    parts = list(given) if isinstance(given, Iterable) and not isinstance(given, (Mapping, bytes)) else [None]
    if not all(isinstance(part, str) for part in parts):
        raise RequestError(f"{what} are {shown(value)}; they must be names: in a list, or with commas between them")
    return [str(part).strip() for part in parts]


def at_least(config: object, least: float, *names: str) -> None:
    """For a config's ``__post_init__``: each of these fields that is not None is a finite number of at least ``least``.

    Raises:
        RequestError: one is not; says which, and what is right.

    Examples:
        >>> from zoo import Recipe
        >>> at_least(Recipe(), 1, "steps", "batch_size")
        >>> at_least(Recipe(), 1, "ema")
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: ema is 0.0; it must be at least 1
    """
    _hold(config, names, lambda value: least <= value < math.inf, f"at least {least}")


def above(config: object, bound: float, *names: str) -> None:
    """As :func:`at_least`, and not ``bound`` itself.

    Examples:
        >>> from zoo import Recipe
        >>> above(Recipe(), 0, "learning_rate", "clip")
    """
    _hold(config, names, lambda value: bound < value < math.inf, f"a number above {bound}")


def share(config: object, *names: str) -> None:
    """For a config's ``__post_init__``: each of these fields is in [0, 1); raises as :func:`at_least`.

    Examples:
        >>> from zoo import Recipe
        >>> share(Recipe(), "ema")
    """
    _hold(config, names, lambda value: 0 <= value < 1, "in [0, 1)")


def _hold(config: object, names: tuple[str, ...], right: Callable[[float], bool], words: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value is not None and not right(value):
            raise RequestError(f"{name} is {shown(value)}; it must be {words}")


def _coerce(value: Any, hint: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    right = f"of type {getattr(hint, '__name__', hint)}"
    if type(None) in args:
        if value is None or (isinstance(value, str) and value == "none"):
            return None
        return _coerce(value, next(a for a in args if a is not type(None)), where)
    if origin is typing.Literal:
        for arg in args if isinstance(value, (str, int)) else ():
            if value == arg and is_truth(value) == is_truth(arg):
                return arg
        right = f"one of {', '.join(map(repr, args))}"
    elif origin is tuple and args:
        parts = value.split(",") if isinstance(value, str) else value
        if isinstance(parts, (list, tuple)):
            return tuple(_coerce(part, args[0], where) for part in parts)
        right = "values with commas between them, or a list of them"
    elif hint is bool:
        if is_truth(value):
            return bool(value)
        if isinstance(value, str) and value in ("true", "false"):
            return value == "true"
        right = "true or false"
    elif hint is int and not is_truth(value):
        right = "a whole number of at most 64 bits"
        if (number := _whole(value)) is not None and -(2**63) <= number < 2**63:
            return number
    elif hint is float and not is_truth(value):
        right = "a finite number"
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            if math.isfinite(as_float := float(value)):
                return as_float
    elif hint is str and isinstance(value, str):
        return value
    raise RequestError(f"{where} is {shown(value)}; it must be {right}")


def _whole(value: Any) -> int | None:
    """A number or text that is a whole number, to the last digit; None where it is none."""
    with contextlib.suppress(TypeError, ValueError, OverflowError, RuntimeError):
        return int(value) if isinstance(value, str) else operator.index(value)
    with contextlib.suppress(TypeError, ValueError, OverflowError, RuntimeError):
        return int(as_float) if (as_float := float(value)).is_integer() else None
    return None
