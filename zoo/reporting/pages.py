"""Pages of HTML and Markdown from the templates, one file each, and words and numbers as short as they can be read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.utils.files import read_bytes, write_text
from zoo.utils.templates import fill
from zoo.utils.thumbs import address, encoded
from zoo.utils.words import visible

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from zoo.catalog.files import Published


def write_page(path: Path, template: str, **content: Any) -> None:
    """Write what one of the templates makes of ``content``, whole or not at all; all of it is escaped."""
    write_text(path, text_of(template, **content))


def text_of(template: str, **content: Any) -> str:
    """The text that one of the templates makes of ``content``, all of which is escaped."""
    filters: dict[str, Callable[..., Any]] = {"number": number, "duration": duration, "embed": embed}
    return fill("zoo.reporting", "templates", template, filters, **content)


def embed(picture: PILImage | Path | str) -> str:
    """The ``data:`` address of a picture, of a PNG file, or of an SVG's text; large pictures become JPEG."""
    if isinstance(picture, Path):
        return address("png", read_bytes(picture))
    return address("svg+xml", picture.encode()) if isinstance(picture, str) else address(*encoded(picture))


def number(value: float, digits: int = 4) -> str:
    """So many significant digits, without powers of ten where that can be had: 12,346 and 0.01235."""
    return f"{value:,.0f}" if abs(value) >= min(10**digits, 1000) else f"{value:.{digits}g}"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours in two digits: 0.72 s, 2.2 min."""
    value, unit = (seconds, "s") if seconds < 90 else (seconds / 60, "min") if seconds < 5400 else (seconds / 3600, "h")
    return f"{number(value, 2)} {unit}"


def short(name: str, most: int = 22) -> str:
    """The last part of a path, and the one before it where the last is but a number; the middle left out where it is long."""
    *above, name = visible(name).split("/")
    if above and name.isdecimal():
        name = f"{above[-1]}/{name}"
    return name if len(name) <= most else name[: most // 2 - 1] + "…" + name[-(most // 2) :]


def over_counts(values: Mapping[str, Any]) -> dict[str, dict[int, Any]]:
    """The values taken at several numbers of samples, ``NAME@3``, ``NAME@10`` and so on: by name, then by rising number."""
    groups: dict[str, dict[int, Any]] = {}
    for name, value in values.items():
        metric, at, count = name.partition("@")
        if at and count.isdigit():
            groups.setdefault(metric, {})[int(count)] = value
    return {metric: dict(sorted(points.items())) for metric, points in groups.items()}


def at_largest(names: Collection[str], metric: str) -> str | None:
    """``metric`` among ``names``, or ``metric@K`` of the largest K; None if there is neither."""
    counts = over_counts(dict.fromkeys(names)).get(metric)
    return metric if metric in names else f"{metric}@{max(counts)}" if counts else None


def source_of(row: Published) -> str:
    """Where a published number stands, and what data it is of."""
    return f"{row.paper}, {row.source} ({row.data}, n = {row.n})"
