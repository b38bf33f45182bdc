"""Pages of HTML and Markdown from the templates: one file each, with everything inside it."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.utils.files import write_text

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

SMALL = 128
"""Pixels: pictures below this size are kept without loss, and shown with their pixels visible."""


def write_page(path: Path, template: str, **content: Any) -> None:
    """Write what one of the templates makes of ``content``, whole or not at all; in HTML all of it is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("zoo.reporting"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "duration": duration, "embed": embed}
    write_text(path, environment.get_template(template).render(content))


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


def embed(picture: PILImage | Path | str) -> str:
    """The ``data:`` address of a picture, of a PNG file, or of an SVG's text; large pictures become JPEG."""
    if isinstance(picture, Path):
        kind, content = "png", picture.read_bytes()
    elif isinstance(picture, str):
        kind, content = "svg+xml", picture.encode()
    else:
        buffer, kind = io.BytesIO(), "png" if max(picture.size) < SMALL else "jpeg"
        if kind == "png":
            picture.save(buffer, "PNG", optimize=True)
        else:
            picture.convert("RGB").save(buffer, "JPEG", quality=88)
        content = buffer.getvalue()
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
