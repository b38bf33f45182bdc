"""Configs from plain values: read as the field's type, or refused in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from zoo.utils.config import make_config
from zoo.utils.errors import RequestError


@dataclass(frozen=True)
class Config:
    widths: tuple[int, ...] = (4, 2)
    rate: float = 0.1
    steps: int | None = None
    ema: bool = False
    kind: Literal["a", "b"] = "a"


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"widths": "8,4"}, Config(widths=(8, 4))),
        ({"widths": [8, 4]}, Config(widths=(8, 4))),
        ({"rate": "1e-3", "steps": "7"}, Config(rate=0.001, steps=7)),
        ({"steps": "none", "ema": "true", "kind": "b"}, Config(ema=True, kind="b")),
    ],
)
def test_values_are_read_as_the_fields_type(given: dict[str, Any], made: Config) -> None:
    assert make_config(Config, given, "model x") == made


@pytest.mark.parametrize(
    "given",
    [{"widths": 8.0}, {"widths": "8,x"}, {"rate": "fast"}, {"steps": 1.5}, {"ema": "yes"}, {"kind": "c"}, {"width": 1}],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match=f"model x.*{next(iter(given))}"):
        make_config(Config, given, "model x")
