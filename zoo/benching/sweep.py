"""A bench over settings: each model once with every combination of them, in rows that are named by it."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from zoo.utils.config import plain
from zoo.utils.errors import RequestError, shown

MOST = 1000
"""Combinations of settings, at most."""
LONGEST = 100
"""Letters of the name of a folder, at most."""


class Row(NamedTuple):
    """A row of a table: a model, and the settings that are its own."""

    model: str
    settings: Mapping[str, Any]


def checked(sweep: Any) -> dict[str, list[Any]]:
    """The values by setting that a bench goes over, seen to be such (RequestError)."""
    if not isinstance(sweep, Mapping) or not all(isinstance(key, str) for key in sweep):
        raise RequestError(f"sweep is {shown(sweep)}; it must be lists of values by the name of a setting")
    found: dict[str, list[Any]] = {}
    for key, values in sweep.items():
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            raise RequestError(f"sweep over {key} is {shown(values)}; it must be a list of values")
        found[key] = [plain(value) for value in values]
        if twice := [value for value in found[key] if found[key].count(value) > 1]:
            raise RequestError(f"sweep over {key} has {shown(twice[0])} twice")
    if (count := math.prod(map(len, found.values()))) > MOST:
        raise RequestError(f"the sweep has {count:,} combinations of settings; at most {MOST:,} are done")
    return found


def read_sweep(words: Sequence[str]) -> dict[str, list[str]]:
    """``KEY=A,B,C`` words as lists of values by setting.

    Examples:
        >>> read_sweep(["width=32,64", "task.size=16"])
        {'width': ['32', '64'], 'task.size': ['16']}
    """
    found: dict[str, list[str]] = {}
    for word in words:
        key, equals, values = word.partition("=")
        if not equals or not key.strip() or not all(value.strip() for value in values.split(",")):
            raise RequestError(f"--sweep {word!r}: write KEY=A,B,C")
        if key.strip() in found:
            raise RequestError(f"--sweep names {key.strip()} twice: write all of its values together")
        found[key.strip()] = [value.strip() for value in values.split(",")]
    return found


def folder_name(label: str) -> str:
    """The name of a row as that of a folder; rows whose names differ by more than blanks and commas have others.

    Examples:
        >>> folder_name("cvae"), folder_name("width=32, steps=5"), folder_name("net=a/b")
        ('cvae', 'width=32_steps=5', 'net=a_b-c96f5fe4')
    """
    plain_name = re.sub("[ ,]+", "_", label)
    name = re.sub(r"[^\w.=+-]", "_", plain_name)[:LONGEST]
    return name if name == plain_name else f"{name}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"
