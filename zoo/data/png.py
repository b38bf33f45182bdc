"""PNG files without what Pillow may stumble over: the chunks that make the picture, and what else is said of its pixels.

Pillow refuses a file whose text or colour profile is large, whatever its picture. Text (of which stable-diffusion interfaces
and editors write megabytes) and animation are left out here, and a profile is read by its own length.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

from zoo.data.colour import MOST_PROFILE

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PICTURE = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_BESIDE = frozenset({b"tRNS", b"eXIf"})  # dropped where their sum is wrong, as libpng does
_TEXTS = ("Raw profile type exif", "XML:com.adobe.xmp", "Raw profile type iptc")
"""Texts that may tell which way is up, and that are kept with a picture (:mod:`zoo.data.labels`)."""
_MOST = 1 << 20
"""Bytes of such a text."""


def bare_png(data: bytes) -> tuple[bytes, dict[str, Any]]:
    """The file that shows the same picture with nothing beside it, and what Pillow's ``info`` is to hold of the rest.

    A file that ends too early stays one.
    """
    view, at = memoryview(data), len(SIGNATURE)
    parts: list[bytes | memoryview] = [SIGNATURE]
    info: dict[str, Any] = {}
    while at < len(data):
        head = bytes(view[at : at + 8])
        size = int.from_bytes(head[:4], "big") if len(head) == 8 else 0
        name, body, end = head[4:], view[at + 8 : at + 8 + size], at + 12 + size
        if name in _PICTURE or len(head) < 8 or (name in _BESIDE and _sound(name, body, view[end - 4 : end])):
            parts.append(view[at:end])
        elif name == b"iCCP":
            info["icc_profile"] = _profile(bytes(body))
        elif name in (b"tEXt", b"zTXt", b"iTXt"):
            key = bytes(body[:80]).partition(b"\0")[0].decode("latin-1")
            if key in _TEXTS:
                info[key] = _text(name, bytes(body))
        at = end
        if name == b"IEND":
            break
    return b"".join(parts), {key: value for key, value in info.items() if value}


def _sound(name: bytes, body: memoryview, told: memoryview) -> bool:
    return struct.pack(">I", zlib.crc32(body, zlib.crc32(name))) == told


def _profile(body: bytes) -> bytes:
    packed = body.partition(b"\0")[2][1:]
    start = _unpacked(packed, 4)
    return _unpacked(packed, min(int.from_bytes(start, "big"), MOST_PROFILE)) if len(start) == 4 else b""


def _text(name: bytes, body: bytes) -> str:
    value = body.partition(b"\0")[2]
    if name == b"iTXt":
        packed, value = value[:1] == b"\1", value[2:].split(b"\0", 2)[-1]
        return (_unpacked(value, _MOST) if packed else value[:_MOST]).decode("utf-8", "replace")
    return (_unpacked(value[1:], _MOST) if name == b"zTXt" else value[:_MOST]).decode("latin-1")


def _unpacked(packed: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, most) if most > 0 else b""
    except Exception:
        return b""
