"""Pages of HTML and Markdown from the templates: one file each, with everything inside it."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.reporting.words import duration, number
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


def embed(picture: PILImage | Path | str) -> str:
    """The ``data:`` address of a picture, of a PNG file, or of an SVG's text; large pictures become JPEG."""
    if isinstance(picture, Path):
        kind, content = "png", picture.read_bytes()
    elif isinstance(picture, str):
        kind, content = "svg+xml", picture.encode()
    else:
        buffer, kind = io.BytesIO(), "png" if max(picture.size) < SMALL else "jpeg"
        picture.convert("RGB").save(buffer, kind, optimize=True, quality=88)
        content = buffer.getvalue()
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
