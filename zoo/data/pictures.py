"""Pictures: image files as RGB arrays, or refused with a reason."""

from __future__ import annotations

import contextlib
import os
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.decoding import claim, opened, orientation, pixels_of, shrink
from zoo.data.items import Image
from zoo.utils.budget import IN_FLIGHT
from zoo.utils.errors import RequestError, border
from zoo.utils.files import read_bytes, user_path

IMAGE_RULES = "2"
"""The version of what :func:`decode_image` makes of a file: part of the cache key of what is computed of photos."""


def decode_image(data: bytes, *, draft: bool = False) -> Image:
    """The image in a file's bytes, (H, W, 3) uint8: what every kind of data makes of a photo.

    EXIF orientation is applied, transparency is laid on white, grey becomes RGB, 16 bits are scaled to 8, and colours become
    sRGB by the photo's own profile. Of several pictures in a file the first is meant. An image of more than 90 million pixels
    is read at half its width and height; one of more than 268 million, or that takes more than 1.75 GB to decode, is refused.
    All workers together stay within about as much memory, and wait for each other.

    Args:
        data: a whole file: JPEG, PNG, BMP, WebP, TIFF, GIF or PPM.
        draft: whether to do as little as tells that it can be decoded: a JPEG comes grey, at an eighth of its size.

    Raises:
        ValueError: these are not a whole image of at least 16 pixels a side, or of too many; the message is the reason.

    Examples:
        >>> import io
        >>> import PIL.Image
        >>> file = io.BytesIO()
        >>> PIL.Image.new("L", (40, 20), 7).save(file, "PNG")
        >>> image = decode_image(file.getvalue())
        >>> image.shape, int(image.max())
        ((20, 40, 3), 7)
    """
    if not data:
        raise ValueError("the file is empty")
    with IN_FLIGHT.item():
        image = opened(data)
        jpeg = image.format == "JPEG"
        factor = 8 if draft and jpeg else shrink(image)
        claim(image, factor, len(data))
        if jpeg and factor > 1:
            image.draft("L" if draft else None, (image.width // factor, image.height // factor))
            factor = 1
        return pixels_of(image, factor, colour=not draft)


def stored(data: bytes) -> tuple[int, int, int]:
    """Width and height of the pixels in a file's bytes, none of which is decoded, and the EXIF orientation that turns them.

    Raises:
        ValueError: this is no image (says why).

    Examples:
        >>> stored(b"P5 20 16 255 " + bytes(320))
        (20, 16, 1)
    """
    image = opened(data)
    turn, tags = orientation(image), getattr(image, "tag_v2", {})
    return (
        int(tags.get(256, image.width)),
        int(tags.get(257, image.height)),
        turn,
    )  # Pillow's size of a TIFF is of the turned one


def image_bytes(path: Path) -> bytes:
    """The bytes of an image file, for :func:`decode_image`: a regular file of at most 1 GB.

    Raises:
        OSError: it cannot be read, or is a folder, a named pipe, a device, ... (says what).

    Examples:
        >>> _ = Path("a.ppm").write_bytes(b"P5 16 16 255 " + bytes(256))
        >>> decode_image(image_bytes(Path("a.ppm"))).shape
        (16, 16, 3)
    """
    return read_bytes(path, 1 << 30)


def read_image(path: str | os.PathLike[str]) -> Image:
    """The photo in a file, (H, W, 3) uint8; see :func:`decode_image`. ``~`` is the user's home folder.

    Raises:
        RequestError: it cannot be read (names the file and the reason).

    Examples:
        >>> _ = Path("b.ppm").write_bytes(b"P5 20 16 255 " + bytes(320))
        >>> read_image("b.ppm").shape
        (16, 20, 3)
        >>> read_image("c.png")
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: cannot read c.png: No such file or directory
    """
    file = user_path(path)
    with border(f"cannot read {file}", RequestError):
        data = image_bytes(file)
    with border(f"cannot read {file} as an image", RequestError):
        return decode_image(data)


@cache
def decoders() -> str:
    """The versions of the packages that decode images and videos: others may give other pixels, or read more.

    Examples:
        >>> decoders()
        'pillow ..., opencv...'
    """
    found = []
    for name in ("pillow", *(f"opencv-{of}python{how}" for of in ("", "contrib-") for how in ("", "-headless"))):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    return ", ".join(found)


def photo_of(img: Any) -> Image:
    """A photo as an array (H, W, 3) uint8, from a path, a PIL image or such an array; see :func:`decode_image`.

    Raises:
        RequestError: it is none of these, or cannot be read (names the file and the reason).
    """
    if isinstance(img, (str, os.PathLike)):
        return read_image(img)
    if isinstance(img, np.ndarray):
        if img.ndim == 3 and img.shape[2] == 3 and img.dtype == np.uint8 and img.size:
            return img
        raise RequestError(f"the image has shape {img.shape} and type {img.dtype}; it must be (H, W, 3) uint8")
    import PIL.Image

    if isinstance(img, PIL.Image.Image):
        with border("the image cannot be used", RequestError), IN_FLIGHT.item():
            return pixels_of(img, shrink(img))
    raise RequestError(f"the image is of type {type(img).__name__}; it must be a path, a PIL image or an array")
