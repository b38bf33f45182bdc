"""Pictures as files: PNG, JPEG and GIF, in sRGB, with what the photo's own file said of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.labels import NONE
from zoo.data.origin import Origin
from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

MOST_SIDE = 65_500
"""Pixels of the longest side of a JPEG."""
FRAME, SECONDS = 480, 0.5
"""The longest side of the pictures of a GIF, and how long each is shown."""


@cache
def srgb_profile() -> bytes:
    """A profile of sRGB, the same bytes at every call."""
    from PIL import ImageCms

    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[24:36] = bytes((0x07, 0xD0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))  # when it was made: the first of January 2000
    return bytes(made)


def as_srgb() -> Any:
    """The chunk of a PNG that says that its colours are sRGB, of perceptual intent; it stands in place of a profile."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add(b"sRGB", b"\0")
    return info


def write(picture: PILImage | NDArray[np.uint8], stem: Path, jpeg: int | None, origin: Origin | None = None) -> None:
    """Write ``stem.png``, or ``stem.jpg`` of the quality ``jpeg``; of an array (H, W, 3) with what is known of its photo.

    A JPEG has no transparency: there the photo lies on white.
    """
    from PIL import Image

    exif, labels = b"", NONE
    if isinstance(picture, np.ndarray):
        if origin is not None:
            exif = origin.exif_of(picture.shape[1], picture.shape[0])
            labels = origin.labels.of(picture.shape[1], picture.shape[0])
            if origin.alpha is not None:
                picture = (see_through if jpeg is None else on_white)(picture, origin.alpha)
        picture = Image.fromarray(picture)
    more: dict[str, Any] = {"exif": exif} if exif else {}
    if jpeg is None:
        labels.add_to(info := as_srgb())
        picture.save(stem.with_name(f"{stem.name}.png"), compress_level=1, pnginfo=info, **more)
        return
    if max(picture.size) > MOST_SIDE:
        raise RequestError(f"a JPEG has at most {MOST_SIDE} pixels a side, not {max(picture.size)}: save a PNG")
    more |= {"icc_profile": srgb_profile(), "extra": labels.segments()}
    picture.save(stem.with_name(f"{stem.name}.jpg"), quality=jpeg, **more)


def on_white(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) as :func:`see_through` shows them on white: white stays white where nothing is to be seen."""
    return np.maximum(pixels, 255 - alpha[..., None])


def see_through(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours (H, W, 4) that give ``pixels`` (H, W, 3) when they are laid on white, as far as alpha lets them.

    Examples:
        >>> see_through(np.array([[[255, 127, 127]]], np.uint8), np.array([[128]], np.uint8))
        array([[[255,   0,   0, 128]]], dtype=uint8)
    """
    out = np.dstack([pixels, alpha])
    part = alpha < 255
    lack = (255 - pixels[part].astype(np.float32)) * 255 / np.maximum(alpha[part], 1)[:, None].astype(np.float32)
    lack[alpha[part] == 0] = 0
    out[part, :3] = (255 - np.minimum(lack, 255)).round().astype(np.uint8)
    return out


def write_gif(pictures: Iterable[NDArray[np.uint8]], path: Path) -> None:
    """Write pictures (H, W, 3) as a GIF that shows one after the other, reduced, for ever."""
    first, *others = (reduced(pixels, FRAME) for pixels in pictures)
    first.save(path, save_all=True, append_images=others, duration=round(1000 * SECONDS), loop=0)


def reduced(pixels: NDArray[np.uint8], side: int) -> PILImage:
    """A picture whose longest side is at most ``side``."""
    from PIL import Image

    image = Image.fromarray(pixels)
    scale = side / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
