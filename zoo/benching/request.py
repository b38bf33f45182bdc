"""A bench as it is asked for: by the command line, or by :func:`zoo.bench`."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zoo.utils.errors import RequestError


@dataclass(frozen=True)
class BenchRequest:
    """Everything that a bench is asked for; see :func:`zoo.bench` for the meaning of each part.

    Raises:
        RequestError: a number is wrong; names are looked up by :func:`zoo.benching.plan.resolve`.
    """

    suite: str | None = None
    data: str | None = None
    models: Sequence[str] | None = None
    tasks: Sequence[str] | None = None
    seeds: int | None = None
    n: int | None = None
    items: int | None = None
    quick: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    out: str | None = None
    workers: int | None = None
    progress: bool = True

    def __post_init__(self) -> None:
        for name, least in (("workers", 0), ("seeds", 1), ("n", 1), ("items", 1)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
                raise RequestError(f"{name} is {value!r}; it must be a whole number, at least {least}")

    def command(self) -> str:
        """The command line that does this again."""
        words = ["zoo", "bench", *([self.suite] if self.suite else [])]
        for part in dataclasses.fields(self)[1:-2]:
            value = getattr(self, part.name)
            if part.name == "settings":
                words += [word for key, one in value.items() for word in ("--set", f"{key}={one}")]
            elif value is True:
                words.append(f"--{part.name}")
            elif value != part.default:
                text = ",".join(value) if isinstance(value, (list, tuple)) else str(value)
                words += ["-n" if part.name == "n" else f"--{part.name}", text]
        return shlex.join(words)
