"""Words and numbers in reports and tables: as short as they can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.catalog.files import Published


def number(value: float, digits: int = 4) -> str:
    """So many significant digits, without powers of ten where that can be had.

    Example:
        >>> number(12345.6), number(0.012345), number(123, 2)
        ('12,346', '0.01235', '123')
    """
    return f"{value:,.0f}" if abs(value) >= min(10**digits, 1000) else f"{value:.{digits}g}"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours in two digits.

    Example:
        >>> duration(0.718), duration(130)
        ('0.72 s', '2.2 min')
    """
    value, unit = (seconds, "s") if seconds < 90 else (seconds / 60, "min") if seconds < 5400 else (seconds / 3600, "h")
    return f"{number(value, 2)} {unit}"


def short(name: str, most: int = 22) -> str:
    """The last part of a path, and the one before it where the last is but a number; the middle left out where it is long."""
    *above, name = name.split("/")
    if above and name.isdecimal():
        name = f"{above[-1]}/{name}"
    return name if len(name) <= most else name[: most // 2 - 1] + "…" + name[-(most // 2) :]


def over_counts(values: Mapping[str, Any]) -> dict[str, dict[int, Any]]:
    """The values taken at several numbers of samples, ``NAME@3``, ``NAME@10`` and so on: by name, then by rising number."""
    groups: dict[str, dict[int, Any]] = {}
    for name, value in values.items():
        metric, at, count = name.rpartition("@")
        if at and count.isdigit():
            groups.setdefault(metric, {})[int(count)] = value
    return {metric: dict(sorted(points.items())) for metric, points in groups.items()}


def source_of(row: Published) -> str:
    """Where a published number stands, and what data it is of."""
    return f"{row.paper}, {row.source} ({row.data}, n = {row.n})"
