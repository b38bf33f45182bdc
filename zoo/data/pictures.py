"""Pictures: image files as RGB arrays, or refused with a reason."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.records import Image
from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

MIN_SIDE = 16
"""Pixels: a smaller image says nothing about its fields, and :func:`decode_image` refuses it."""
IMAGE_RULES = "1"
"""The version of what :func:`decode_image` makes of a file: part of the cache key of what is computed of photos."""


def decode_image(data: bytes, *, draft: bool = False) -> Image:
    """The image in a file's bytes, (H, W, 3) uint8: what every kind of data makes of a photo.

    EXIF orientation is applied, transparency is laid on white, grey becomes RGB, 16 bits are scaled to 8.

    Args:
        data: a whole file: JPEG, PNG, BMP, WebP, TIFF, GIF or PPM.
        draft: whether to do as little as tells that it can be decoded: a JPEG comes grey, at an eighth of its size.

    Raises:
        ValueError: these are not a whole image of at least 16 pixels a side; the message is the reason.

    Examples:
        >>> import io
        >>> import PIL.Image
        >>> file = io.BytesIO()
        >>> PIL.Image.new("L", (40, 20), 7).save(file, "PNG")
        >>> image = decode_image(file.getvalue())
        >>> image.shape, int(image.max())
        ((20, 40, 3), 7)
    """
    from PIL import Image as PIL
    from PIL import UnidentifiedImageError

    if not data:
        raise ValueError("the file is empty")
    try:  # Pillow knows many more formats, some of which start other programs
        image = PIL.open(io.BytesIO(data), formats=("JPEG", "PNG", "BMP", "DIB", "WEBP", "TIFF", "GIF", "PPM"))
    except UnidentifiedImageError:
        raise ValueError("not an image, or one of an unknown format") from None
    except Exception as error:  # broken headers surface as errors of many kinds
        raise ValueError(f"broken header: {error}") from error
    if min(image.size) < MIN_SIDE:
        raise ValueError(f"{image.width} x {image.height} pixels; at least {MIN_SIDE} a side are needed")
    if draft and image.format == "JPEG":
        image.draft("L", (1, 1))
    return to_rgb(image)


def to_rgb(image: PILImage) -> Image:
    """A Pillow image as (H, W, 3) uint8, by the rules of :func:`decode_image`.

    Raises:
        ValueError: its pixels cannot be had (truncated file) or have no meaning as a photo (floating point).
    """
    from PIL import Image as PIL
    from PIL import ImageOps

    try:
        image.load()
    except Exception as error:  # truncated and broken data surface as errors of many kinds
        raise ValueError(str(error) or type(error).__name__) from error
    with contextlib.suppress(Exception):  # EXIF that cannot be read says nothing about the orientation
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.int64)
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError("integer pixels beyond 16 bits")
        return np.repeat(((levels + 128) // 257).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == "F":
        raise ValueError("floating-point pixels, whose range is unknown")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = PIL.alpha_composite(PIL.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def photo_of(img: Any) -> Image:
    """A photo as an array (H, W, 3) uint8, from a path, a PIL image or such an array; see :func:`decode_image`.

    Raises:
        RequestError: it is none of these, or cannot be read (names the file and the reason).
    """
    if isinstance(img, (str, os.PathLike)):
        try:
            return decode_image(Path(img).expanduser().read_bytes())
        except OSError as error:
            raise RequestError(f"cannot read {img}: {error.strerror or error}") from error
        except ValueError as error:
            raise RequestError(f"cannot read {img} as an image: {error}") from error
    if isinstance(img, np.ndarray):
        if img.ndim == 3 and img.shape[2] == 3 and img.dtype == np.uint8 and img.size:
            return img
        raise RequestError(f"the image has shape {img.shape} and type {img.dtype}; it must be (H, W, 3) uint8")
    import PIL.Image

    if isinstance(img, PIL.Image.Image):
        try:
            return to_rgb(img)
        except ValueError as error:
            raise RequestError(f"the image cannot be used: {error}") from error
    raise RequestError(f"the image is of type {type(img).__name__}; it must be a path, a PIL image or an array")
