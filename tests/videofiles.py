"""Videos to write: with time stamps as cameras, browsers and phones give them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from zoo import Image


def greys(count: int, seed: int = 0, side: int = 32) -> list[Image]:
    """Frames whose grey level tells their number: 4 a frame, over a pattern of their video."""
    pattern = np.random.default_rng(seed).integers(0, 40, (side // 8, side // 8, 3)).repeat(8, 0).repeat(8, 1)
    return [(pattern + 4 * i % 208).astype(np.uint8) for i in range(count)]


def write_video(path: Path, images: Sequence[Image], fps: float = 10, codec: str = "MJPG") -> Path:
    """A file of constant rate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, images[0].shape[1::-1])
    assert writer.isOpened()
    for image in images:
        writer.write(image[..., ::-1].copy())
    writer.release()
    return path


def write_recording(path: Path, images: Sequence[Image], stamps: Sequence[int]) -> Path:
    """A file as MediaRecorder writes it: no duration, no rate, no index, sizes unknown; ``stamps`` in milliseconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = images[0].shape[:2]
    size = element(0xE0, element(0xB0, _number(width)) + element(0xBA, _number(height)))
    track = [(0xD7, b"\1"), (0x73C5, b"\1"), (0x83, b"\1"), (0x86, b"V_MJPEG")]
    head = element(0x1A45DFA3, element(0x4282, b"matroska") + element(0x4287, b"\4") + element(0x4285, b"\2"))
    info = element(0x1549A966, element(0x2AD7B1, _number(1_000_000)))
    tracks = element(0x1654AE6B, element(0xAE, b"".join(itertools.starmap(element, track)) + size))
    with path.open("wb") as file:
        file.write(head + b"\x18\x53\x80\x67" + b"\x01" + b"\xff" * 7 + info + tracks)
        for image, stamp in zip(images, stamps, strict=True):
            jpeg = cv2.imencode(".jpg", image[..., ::-1])[1].tobytes()
            block = element(0xA3, b"\x81\0\0\x80" + jpeg)
            file.write(element(0x1F43B675, element(0xE7, _number(stamp)) + block))
    return path


def element(name: int, content: bytes) -> bytes:
    """A piece of a Matroska file."""
    return _number(name) + (len(content) | 1 << 56).to_bytes(8, "big") + content


def _number(value: int) -> bytes:
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
