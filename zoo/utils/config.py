"""Configs: frozen dataclasses, made from plain values, refusing what they do not know."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from zoo.utils.errors import RequestError, nearest

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

    >>> from zoo import Recipe
    >>> make_config(Recipe, {"steps": "100"}, "model mine").steps
    100
    >>> make_config(Recipe, {"step": 100}, "model mine")
    Traceback (most recent call last):
    zoo.utils.errors.RequestError: model mine has no setting 'step': did you mean 'steps'?
    """
    hints = typing.get_type_hints(cls)
    fields = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    made = {}
    for key, value in values.items():
        if key not in fields:
            raise RequestError(f"{owner} has no setting {key!r}: {nearest(key, fields)}")
        made[key] = _coerce(value, hints[key], f"{owner}: {key}")
    try:
        return cls(**made)
    except RequestError:
        raise
    except (TypeError, ValueError) as error:
        raise RequestError(f"{owner}: {error}") from error


def at_least(config: object, least: float, *names: str) -> None:
    """For a config's ``__post_init__``: each of these fields that is not None is a finite number of at least ``least``.

    Raises:
        RequestError: one is not; says which, and what is right.

    >>> from zoo import Recipe
    >>> at_least(Recipe(), 1, "steps", "batch_size")
    >>> at_least(Recipe(), 1, "ema")
    Traceback (most recent call last):
    zoo.utils.errors.RequestError: ema is 0.0; it must be at least 1
    """
    _hold(config, names, lambda value: least <= value < math.inf, f"at least {least}")


def above(config: object, bound: float, *names: str) -> None:
    """As :func:`at_least`, and not ``bound`` itself.

    >>> from zoo import Recipe
    >>> above(Recipe(), 0, "learning_rate", "clip")
    """
    _hold(config, names, lambda value: bound < value < math.inf, f"a number above {bound}")


def share(config: object, *names: str) -> None:
    """For a config's ``__post_init__``: each of these fields is in [0, 1); raises as :func:`at_least`.

    >>> from zoo import Recipe
    >>> share(Recipe(), "ema")
    """
    _hold(config, names, lambda value: 0 <= value < 1, "in [0, 1)")


def _hold(config: object, names: tuple[str, ...], right: Callable[[float], bool], words: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value is not None and not right(value):
            raise RequestError(f"{name} is {value}; it must be {words}")


def _coerce(value: Any, hint: Any, where: str) -> Any:
    options = typing.get_args(hint) if typing.get_origin(hint) not in (tuple, typing.Literal) else ()
    if type(None) in options:
        if value is None or value == "none":
            return None
        rest = [o for o in options if o is not type(None)]
        return _coerce(value, rest[0], where)
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        choices = typing.get_args(hint)
        if value in choices:
            return value
        raise RequestError(f"{where} is {value!r}; it must be one of {', '.join(map(repr, choices))}")
    if origin is tuple:
        inner = typing.get_args(hint)[0]
        if not isinstance(value, (str, list, tuple)):
            raise RequestError(f"{where} is {value!r}; it must be values with commas between them, or a list of them")
        parts = value.split(",") if isinstance(value, str) else list(value)
        return tuple(_coerce(p, inner, where) for p in parts)
    if hint is bool:
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        raise RequestError(f"{where} is {value!r}; it must be true or false")
    if hint in (int, float) and not isinstance(value, bool):
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if number == number and not (hint is int and number != int(number)):
            return hint(number)
    elif hint is str and isinstance(value, str):
        return value
    raise RequestError(f"{where} is {value!r}; it must be of type {getattr(hint, '__name__', hint)}")
