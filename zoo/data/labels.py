"""XMP and IPTC: the words that people and programs have put into a photo's file, and how other files hold them.

XMP is XML: ISO 16684-1, and part 3 of Adobe's specification for where files have it. IPTC is a list of records (IIM 4), which
files hold as a resource of Photoshop's.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage
    from PIL.PngImagePlugin import PngInfo

MOST = 1 << 20
"""Fewer bytes of each are kept; what is longer is mostly a picture within."""
SEGMENT = 65_533
"""Bytes that one segment of a JPEG has room for."""
_XMP, _PHOTOSHOP, _RESOURCE = b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0", 0x0404
_PNG_XMP, _PNG_IPTC = "XML:com.adobe.xmp", "Raw profile type iptc"
_TIFF_XMP, _TIFF_IPTC = 700, 33723

_SMALL = tuple((b"<%s:Thumbnails" % name, b"</%s:Thumbnails>" % name) for name in (b"xmp", b"xap"))
"""Between what small pictures of the photo stand; each takes one pass, however often it begins."""
_ELSEWHERE = re.compile(rb"\s(?:xmpNote:HasExtendedXMP|GCamera:Micro\w+|GCamera:MotionPhoto\w*)=(?:\"[^\"]*\"|'[^']*')")
"""What says where more is to be found in the file that it was in."""


class Labels(NamedTuple):
    """XMP as XML, and IPTC as records; ``b""`` where there is none."""

    xmp: bytes = b""
    iptc: bytes = b""

    def of(self, width: int, height: int) -> Labels:
        """The same for a picture of that size that is upright and in sRGB, without small pictures of the photo."""
        now = {b"tiff:Orientation": b"1", b"exif:ColorSpace": b"1", b"photoshop:ICCProfile": b"sRGB IEC61966-2.1"}
        now |= dict.fromkeys((b"tiff:ImageWidth", b"exif:PixelXDimension"), b"%d" % width)
        now |= dict.fromkeys((b"tiff:ImageLength", b"exif:PixelYDimension"), b"%d" % height)
        xmp = _ELSEWHERE.sub(b"", self.xmp)
        for begin, end in _SMALL:
            xmp = b"".join(_outside(xmp, begin, end))
        body, last, rest = xmp.rpartition(b"<?xpacket end")
        xmp = body.rstrip() + b"\n" + last + rest if last else xmp  # programs leave room there, to write in place
        for name, value in now.items():
            xmp = re.sub(rb"(\s%s=[\"'])[^\"'<]*|(<%s>)[^<]*" % (name, name), rb"\g<1>\g<2>" + value, xmp)
        return Labels(xmp, self.iptc)

    def segments(self) -> bytes:
        """As segments of a JPEG; without what has no room in one."""
        resource = b"8BIM%c%c\0\0" % divmod(_RESOURCE, 256) + len(self.iptc).to_bytes(4, "big") + self.iptc
        parts = [(0xE1, _XMP + self.xmp)] if self.xmp else []
        parts += [(0xED, _PHOTOSHOP + resource + b"\0" * (len(self.iptc) % 2))] if self.iptc else []
        return b"".join(
            b"\xff%c" % marker + (len(part) + 2).to_bytes(2, "big") + part for marker, part in parts if len(part) <= SEGMENT
        )

    def add_to(self, info: PngInfo) -> None:
        """As text of a PNG: XMP as Adobe says, and IPTC as ImageMagick and exiftool write and read it."""
        with contextlib.suppress(UnicodeDecodeError):
            if self.xmp:
                info.add_itxt(_PNG_XMP, self.xmp.decode())
        if self.iptc:
            digits = self.iptc.hex()
            lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
            info.add_text(_PNG_IPTC, f"\niptc\n{len(self.iptc):8d}\n{lines}\n", zip=True)


NONE = Labels()


def labels_of(image: PILImage) -> Labels:
    """The XMP and the IPTC that a file has, as Pillow has opened it; what cannot be read is left out."""
    found = []
    for read in (_xmp, _iptc):
        data = b""
        with contextlib.suppress(Exception):  # it is foreign, and said by a file
            data = read(image)
        found.append(data if len(data) < MOST else b"")
    return Labels(*found)


def _outside(text: bytes, begin: bytes, end: bytes) -> Iterator[bytes]:
    """The parts of a text that are not from a beginning to the end after it."""
    at = 0
    while (start := text.find(begin, at)) >= 0 and (stop := text.find(end, start)) >= 0:
        yield text[at:start]
        at = stop + len(end)
    yield text[at:]


def _xmp(image: PILImage) -> bytes:
    info: dict[Any, Any] = image.info
    data = info.get("xmp") or info.get(_PNG_XMP) or _of_tiff(image, _TIFF_XMP)
    data = data.encode() if isinstance(data, str) else bytes(data)
    return data.rstrip(b"\0") if b"<" in data else b""


def _iptc(image: PILImage) -> bytes:
    info: dict[Any, Any] = image.info
    data = info.get("photoshop", {}).get(_RESOURCE) or _of_tiff(image, _TIFF_IPTC)
    if not data and isinstance(raw := info.get(_PNG_IPTC), str):
        data = bytes.fromhex("".join(raw.split()[2:]))
        if data.startswith(b"8BIM") and (at := data.find(b"8BIM%c%c" % divmod(_RESOURCE, 256))) >= 0:
            named = data[at + 6] + 1 + (data[at + 6] + 1) % 2  # a name, padded to an even length
            start = at + 6 + named + 4
            data = data[start : start + int.from_bytes(data[start - 4 : start], "big")]
    data = bytes(data or b"")
    return data if data.startswith(b"\x1c") else b""


def _of_tiff(image: PILImage, tag: int) -> bytes:
    tags: Any = getattr(image, "tag_v2", {})
    value = tags.get(tag, b"")
    if isinstance(value, tuple):  # longs, as some programs write bytes
        return b"".join(number.to_bytes(4, "little" if tags.prefix == b"II" else "big") for number in value)
    return bytes(value) if isinstance(value, (bytes, bytearray)) else b""
