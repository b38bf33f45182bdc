"""The order in which scores are told, and whether models are ranked by them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from zoo.contracts import make
from zoo.contracts.metric import LAST
from zoo.measuring.gain import NAME as GAIN
from zoo.utils.errors import ZooError

GAIN_PLACE = 30
"""Where scores by how much others get worse with another item's x stand in tables (:class:`zoo.Metric`)."""


class Standing(NamedTuple):
    """Whether models are ranked by a score, and where it stands in tables, those with the lowest place first."""

    ranked: bool
    place: int


def standing(metric: str) -> Standing:
    """The standing of a score ``NAME`` or ``NAME@SUFFIX``; that of a metric whose package is gone is the last."""
    base, _, _ = metric.partition("@")
    if base == GAIN:
        return Standing(True, GAIN_PLACE)
    try:
        made = make.class_of("metrics", base)
        return Standing(bool(made.ranked) and made.better is not None, int(made.place))
    except ZooError:
        return Standing(True, LAST)


def in_order(names: Iterable[str]) -> list[str]:
    """Names of scores as tables have them: the main ones first, and others as they come."""
    return sorted(dict.fromkeys(names), key=lambda name: standing(name).place)
