"""The container that a video lies in, by its first bytes, and why one cannot be played.

FFmpeg plays whatever it finds in a file, also lists that name other files and addresses. So a file is shown to it only
where its first bytes are those of a container that holds its pictures itself.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

from zoo import regular

EXTENSIONS = frozenset(
    {".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".webm", ".wmv"}
)
"""What counts as a video in a folder; in any case."""
_MP4 = ("ftyp", "moov", "moof", "mdat", "styp", "wide", "free", "skip", "pnot")
_STARTS = (  # of a container: where, what, its name
    *((4, box.encode(), "MP4") for box in _MP4),
    (0, b"\x1aE\xdf\xa3", "Matroska"),
    (8, b"AVI", "AVI"),
    (0, b"\0\0\1\xba", "MPEG"),
    (0, b"\0\0\1\xb3", "MPEG"),
    (0, b"\0\0\1\xb0", "MPEG"),
    (0, b"FLV", "FLV"),
    (0, b"OggS", "Ogg"),
    (0, b"\x30\x26\xb2\x75", "WMV"),
)
_IMAGES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_PACKET = ((0, 188), (4, 192))
"""Of a transport stream: where its first packet begins, and how far it is to the next one."""
_SIGHT = 1 << 22
"""Bytes in which the names of codecs are looked for."""


def container_of(head: bytes) -> str:
    """The name of the container that begins with ``head`` (400 bytes); a ValueError that says what it is instead."""
    for at, start, name in _STARTS:
        if head[at : at + len(start)] == start:
            return name
    if any(len(head) > at + step and head[at] == head[at + step] == 0x47 for at, step in _PACKET):
        return "MPEG"
    if not head:
        raise ValueError("the file is empty")
    if not head.strip(b"\0"):
        raise ValueError("it begins with nothing but zeros")
    if head.startswith(_IMAGES) or head[8:12] == b"WEBP":
        raise ValueError("an image, not a video")
    raise ValueError("not a video, or one of an unknown format")


def why_not(path: Path, container: str) -> str:
    """Why no picture can be had from a file of that container."""
    with regular(path).open("rb") as file:
        if container == "MP4":
            seen = _box(file, b"moov")
            if seen is None:
                return "it was cut off: the index (moov), which is written last, is missing"
            video, sound, codecs = b"vide" in seen, b"soun" in seen, re.findall(rb"stsd.{12}([ -~]{4})", seen, re.DOTALL)
        else:
            seen = file.read(_SIGHT)
            codecs = re.findall(rb"V_[A-Z0-9/_]+|vids([ -~]{4})?", seen)
            video, sound = bool(codecs), b"A_" in seen or b"auds" in seen
    if sound and not video:
        return "it has sound and no picture"
    named = ", ".join(sorted({codec.decode("ascii") for codec in codecs if codec}))
    return f"no frame can be decoded: it is broken, or its codec{named and ' '}{named} is unknown here"


def _box(file: BinaryIO, wanted: bytes) -> bytes | None:
    """The content of the first outer box of an MP4 that is called so, as far as names of codecs may lie in it."""
    place, end = 0, file.seek(0, os.SEEK_END)
    while place + 8 <= end:
        file.seek(place)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        size = int.from_bytes(head[8:], "big") if size == 1 else size or end - place
        if head[4:8] == wanted:
            return file.read(min(size, _SIGHT)) if place + size <= end else None
        place += max(size, 8)
    return None
