"""The bytes of an image file as upright sRGB pixels, within bounds of pixels and of memory.

Pillow decodes; what may be decoded is decided here, whatever the process has set in Pillow for its own images.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from zoo.data.colour import Change, change_of
from zoo.data.items import Image
from zoo.data.png import bare_png
from zoo.utils.bounds import afford
from zoo.utils.budget import IN_FLIGHT, MOST_BYTES
from zoo.utils.errors import cause

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

MIN_SIDE = 16
"""Pixels: a smaller image says nothing about its fields, and :func:`decode_image` refuses it."""
FULL_PIXELS = 90_000_000
"""An image of more pixels is read at half its width and height."""
MOST_PIXELS = 1 << 28
"""An image of more pixels, 268 million, is refused."""
_STRIP = 1 << 24
"""Pixels that are converted at once."""
_SMALL = 1 << 24
"""Bytes that nobody waits for."""
_FORMATS = {  # Pillow knows many more, some of which start other programs
    "JPEG": (rb"\xff\xd8\xff", "JpegImagePlugin.JpegImageFile"),  # of the many pictures in a phone's file, the first
    "PNG": (rb"\x89PNG\r\n\x1a\n", "PngImagePlugin.PngImageFile"),
    "WEBP": (rb"RIFF....WEBP", "WebPImagePlugin.WebPImageFile"),
    "TIFF": (rb"II[*+]\0|MM\0[*+]|II\0[*]|MM[*]\0", "TiffImagePlugin.TiffImageFile"),
    "GIF": (rb"GIF8[79]a", "GifImagePlugin.GifImageFile"),
    "BMP": (rb"BM", "BmpImagePlugin.BmpImageFile"),
    "PPM": (rb"P[0123456fFy]", "PpmImagePlugin.PpmImageFile"),
    "DIB": (rb"[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "BmpImagePlugin.DibImageFile"),
}
_FOREIGN = {
    "a HEIC photo": rb"....ftyp(hei|hev|mif1|msf1)",
    "an AVIF image": rb"....ftypavi",
    "a video": rb"....ftyp|RIFF....AVI |\x1a\x45\xdf\xa3",
    "a JPEG XL image": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "a JPEG 2000 image": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
    "a Photoshop document": rb"8BPS",
    "a PDF": rb"%PDF",
    "a web page or drawing in XML": rb"\s*<(!doctype|html|svg|\?xml)",
    "the stand-in of Git LFS for a file that was not fetched": rb"version https://git-lfs",
}


def opened(data: bytes) -> PILImage:
    """The image in a file's bytes, of which only the header is read; a ValueError with the reason where there is none."""
    kind = next((kind for kind, (start, _) in _FORMATS.items() if re.match(start, data, re.DOTALL)), None)
    if kind is None:
        foreign = next((name for name, start in _FOREIGN.items() if re.match(start, data, re.DOTALL | re.IGNORECASE)), None)
        raise ValueError(f"{foreign}, which is not read" if foreign else "not an image, or one of an unknown format")
    bare, info = bare_png(data) if kind == "PNG" else (data, {})
    module, name = _FORMATS[kind][1].split(".")
    try:
        with own_rules(kind):
            image = getattr(importlib.import_module(f"PIL.{module}"), name)(io.BytesIO(bare))
    except MemoryError:
        raise
    except Exception as error:  # a broken header, or one of a variant that Pillow lacks, surfaces as errors of many kinds
        raise ValueError(f"this {kind} cannot be opened: {cause(error)}") from error
    image.info.update(info)
    if min(image.size) < MIN_SIDE:
        raise ValueError(f"{image.width} x {image.height} pixels; at least {MIN_SIDE} a side are needed")
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"{image.width} x {image.height} pixels; at most {MOST_PIXELS / 1e6:.0f} million are read")
    return cast("PILImage", image)


def shrink(image: PILImage) -> int:
    """By how much the sides of an image are divided, so that it has no more than FULL_PIXELS."""
    return math.ceil(math.sqrt(image.width * image.height / FULL_PIXELS))


def claim(image: PILImage, factor: int, file: int) -> None:
    """Wait for the memory to decode an image of ``file`` bytes, kept ``factor`` times smaller; a ValueError if too much."""
    pixels, mode, kind = image.width * image.height, image.mode, image.format
    kept = pixels // factor**2
    decoded = kept if kind == "JPEG" else pixels
    each = 1 if mode in ("1", "L", "P") else 2 if mode.startswith("I;16") else 4
    strip = min(decoded, _STRIP) * 7 + kept * 3
    needed = file + decoded * each + strip
    if kind == "WEBP":
        needed += pixels * 8 + max(0, pixels * 4 - strip)  # two canvases, and a copy that is gone when strips are made
    elif kind == "TIFF":
        needed += pixels * each * (_tag(image, 0x112, 1) != 1) + _strip_of_tiff(image)
    elif kind == "JPEG" and "progressive" in image.info:
        needed += pixels * 2 * len(image.getbands())  # all coefficients, two bytes each
    wanted = f"{image.width} x {image.height} pixels"
    if needed > MOST_BYTES:
        raise ValueError(f"{wanted} of this {kind} need {needed / 1e9:.1f} GB to be decoded; {MOST_BYTES / 1e9} GB are given")
    if needed > _SMALL:
        IN_FLIGHT.take(needed)
        afford(needed, wanted, "make the image smaller")


def _strip_of_tiff(image: Any) -> int:
    """Bytes of a tile or strip of a TIFF, which libtiff decodes as a whole."""
    if not image.use_load_libtiff:
        return 0
    width, height = _tag(image, 322, 0), _tag(image, 323, 0)
    if not width * height:
        width, height = image.width, min(_tag(image, 278, image.height), image.height)
    bits = image.tag_v2.get(258, 8)
    return int(width * height * (sum(bits) if isinstance(bits, tuple) else bits) // 8)


def _tag(image: Any, number: int, default: int) -> int:
    value = image.tag_v2.get(number)
    return value if isinstance(value, int) else default


def pixels_of(image: PILImage, factor: int = 1, *, colour: bool = True) -> Image:
    """An image as (H, W, 3) uint8, upright, on white, in sRGB, of which each side is ``factor`` times smaller.

    Raises:
        ValueError: its pixels cannot be had (truncated file) or have no meaning as a photo (floating point).
    """
    from PIL import Image as PIL

    try:
        with own_rules(image.format or ""):
            image.load()
    except MemoryError:
        raise
    except Exception as error:  # truncated and broken data surface as errors of many kinds
        kind = image.format or "image"
        raise ValueError(f"this {kind} cannot be decoded to its end: {cause(error)}") from error
    change = change_of(image.info.get("icc_profile") if colour else None, image.mode)
    width, height = image.size
    rows = max(1, _STRIP // (width * factor)) * factor
    if factor == 1 and rows >= height:
        return _upright(_rgb(image, change), image)
    out = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    for top in range(0, height, rows):
        box = (0, top, width, min(top + rows, height))
        strip = image.resize((width, box[3] - top), PIL.Resampling.NEAREST, box)  # a copy; crop() has a bound of its own
        part = _rgb(strip, change)
        part = np.asarray(PIL.fromarray(part).reduce(factor)) if factor > 1 else part
        out[top // factor : top // factor + len(part)] = part
    return _upright(out, image)


def _rgb(image: PILImage, change: Change | None) -> Image:
    from PIL import Image as PIL

    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.int64)
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError("integer pixels beyond 16 bits")
        image = PIL.fromarray(((levels + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("floating-point pixels, whose range is unknown")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        above = image.convert("RGBA")
        image = PIL.alpha_composite(PIL.new("RGBA", image.size, "white"), above)
    if change is not None:
        mode, transform = change
        image = transform.apply(image if image.mode == mode else image.convert(mode))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def orientation(image: PILImage) -> int:
    """The EXIF orientation of an image, 1 to 8; 1 where there is none, or none that can be read."""
    with contextlib.suppress(Exception), own_rules(image.format or ""):
        turn = int(image.getexif().get(0x0112, 1))
        return turn if 1 <= turn <= 8 else 1
    return 1


def _upright(pixels: Image, image: PILImage) -> Image:
    turn = orientation(image)
    if turn in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if turn in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if turn in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _no_limit() -> Callable[[], object]:
    from PIL import Image as PIL

    before, PIL.MAX_IMAGE_PIXELS = PIL.MAX_IMAGE_PIXELS, None

    def back() -> None:
        PIL.MAX_IMAGE_PIXELS = before

    return back


def _nothing_made_up() -> Callable[[], object]:
    from PIL import ImageFile

    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False

    def back() -> None:
        ImageFile.LOAD_TRUNCATED_IMAGES = before

    return back


def _no_warnings() -> Callable[[], object]:
    warnings.filterwarnings("ignore", module=r"PIL\.")  # they name no file, and may be errors in this process
    entry = warnings.filters[0]

    def back() -> None:
        with contextlib.suppress(ValueError):  # it has gone with a block that had filters of its own
            warnings.filters.remove(entry)  # type: ignore[attr-defined]

    return back


def _libtiff_quiet() -> Callable[[], object]:
    import ctypes

    from PIL import _imaging

    with contextlib.suppress(Exception):  # it is built into Pillow in another way, which does not hand this out
        handle = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        handle.restype, handle.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        before = handle(None)
        return lambda: handle(before)
    return lambda: None


_lock = threading.Lock()
_inside: dict[Callable[[], Callable[[], object]], list[Callable[[], object]]] = {}


@contextlib.contextmanager
def own_rules(kind: str) -> Iterator[None]:
    """A block in which Pillow fills nothing up, refuses no size and warns of nothing, and libtiff prints nothing.

    These are settings of the whole process: each is touched only for a ``kind`` of file where it would decide, for as long
    as one thread or more need it, and is as it was afterwards.
    """
    switches = [_nothing_made_up, _no_warnings]
    if kind in ("TIFF", "WEBP", "GIF"):
        switches.append(_no_limit)
    if kind == "TIFF":
        switches.append(_libtiff_quiet)
    with _lock:
        for switch in switches:
            users = _inside.setdefault(switch, [])
            users.append(users[0] if users else switch())
    try:
        yield
    finally:
        with _lock:
            for switch in switches:
                back = _inside[switch].pop()
                if not _inside[switch]:
                    back()
