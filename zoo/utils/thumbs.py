"""Pictures in few bytes, for pages and notebooks."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

SMALL = 128
"""Pixels: pictures below this size are kept without loss, and shown with their pixels visible."""
QUALITY = 88
MOST = 140_000
"""Bytes of all pictures of one cell of a notebook, which holds them in base64, a third longer."""


def encoded(picture: PILImage) -> tuple[str, bytes]:
    """The kind and the bytes of a picture: a PNG where it is small, a JPEG where it is not."""
    buffer, kind = io.BytesIO(), "png" if max(picture.size) < SMALL else "jpeg"
    picture.convert("RGB").save(buffer, kind, optimize=True, quality=QUALITY)
    return kind, buffer.getvalue()


def thumbnail(picture: PILImage, side: int, most: int = MOST) -> bytes:
    """A JPEG of a picture, whose longest side has at most ``side`` pixels, or as few as it takes for ``most`` bytes.

    Examples:
        >>> from PIL import Image
        >>> noise = Image.effect_noise((900, 600), 90)
        >>> len(thumbnail(noise, 800, most=20_000)) <= 20_000
        True
    """
    from PIL import Image

    picture = picture.convert("RGB")
    while True:
        part = picture.copy()
        part.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3)
        buffer = io.BytesIO()
        part.save(buffer, "jpeg", optimize=True, quality=QUALITY)
        if buffer.tell() <= most or side <= 16:
            return buffer.getvalue()
        side = int(0.8 * max(part.size))


def address(kind: str, content: bytes) -> str:
    """The ``data:`` address of a picture.

    Examples:
        >>> address("png", b"abc")
        'data:image/png;base64,YWJj'
    """
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
