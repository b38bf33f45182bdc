"""EXIF, labels and transparency: the part of a photo's file that is not its colours."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.decoding import claim, opened, orientation, own_rules
from zoo.data.items import Image
from zoo.data.labels import NONE, Labels, labels_of
from zoo.data.pictures import image_bytes
from zoo.utils.budget import IN_FLIGHT
from zoo.utils.files import user_path

if TYPE_CHECKING:
    from PIL.Image import Exif
    from PIL.Image import Image as PILImage

MOST_EXIF = 65_527
"""Bytes of EXIF that a JPEG has room for."""
_ORIENTATION, _MAKER, _COLOURS, _SIDES = 0x0112, 0x927C, 0xA001, (0xA002, 0xA003)
_CAMERA, _PLACE, _RULES = 0x8769, 0x8825, 0xA005
"""Tags that hold tags: of the camera, of where it was (GPS), and, among those of the camera, of what its files keep to."""
_OF_PIXELS = {  # of a TIFF: how its own pixels are stored
    *(254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 277, 278, 279, 280, 281, 284, 290, 291, 292, 293, 297, 301),
    *(317, 318, 319, 320, 322, 323, 324, 325, 330, 332, 338, 339, 340, 341, 347, 512, 513, 514, 529, 530, 531, 532, 34675),
}


@dataclass(frozen=True, eq=False)
class Origin:
    """A photo that pictures are made of.

    Attributes:
        image: (H, W, 3) uint8, upright, in sRGB, on white.
        exif: what its file says of it (camera, date, place, ...); none where there was none.
        labels: what people and programs wrote into the file (title, author, keywords, ...), as XMP and IPTC.
        alpha: (H, W) uint8, 0 where nothing is to be seen; None where all is.
    """

    image: Image
    exif: Exif | None = None
    alpha: NDArray[np.uint8] | None = None
    labels: Labels = NONE

    def exif_of(self, width: int, height: int) -> bytes:
        """EXIF for a picture of that size that is upright and in sRGB: at most what a JPEG has room for; maybe none."""
        if self.exif is None:
            return b""
        from PIL.Image import Exif

        with contextlib.suppress(Exception):  # what cannot be written again in a right form is left out
            tags, own = Exif(), self.exif  # which may be that of an image of somebody's, and says how that is turned
            tags.endian = own.endian
            for tag in set(own) - _OF_PIXELS - {_CAMERA}:
                tags[tag] = 1 if tag == _ORIENTATION else own.get_ifd(tag) if tag == _PLACE else own[tag]
            camera = dict(own.get_ifd(_CAMERA)) if _CAMERA in own else {}
            if _RULES in camera:
                camera[_RULES] = own.get_ifd(_RULES)
            changed = dict(zip((*_SIDES, _COLOURS), (width, height, 1), strict=True))
            camera |= {tag: value for tag, value in changed.items() if tag in camera}
            for without in ((), (_MAKER,)):
                if camera:
                    tags[_CAMERA] = {tag: value for tag, value in camera.items() if tag not in without}
                if len(written := tags.tobytes()) <= MOST_EXIF:
                    return written
        return b""


def origin_of(given: Any, image: Image) -> Origin:
    """The photo with what a file or a PIL image holds besides; ``image`` is what reading ``given`` gave.

    Examples:
        >>> import PIL.Image
        >>> half = PIL.Image.new("RGBA", (40, 20), (255, 0, 0, 128))
        >>> origin_of(half, np.zeros((20, 40, 3), np.uint8)).alpha[0, 0]
        np.uint8(128)
    """
    import PIL.Image

    if isinstance(given, (str, os.PathLike)):
        data = image_bytes(user_path(given))
        with IN_FLIGHT.item():
            file = opened(data)
            exif, labels = _exif(file), labels_of(file)
            if not _see_through(file):
                return Origin(image, exif, labels=labels)
            claim(file, 1, len(data))
            return Origin(image, exif, _alpha(file, image.shape[1], image.shape[0]), labels)
    if isinstance(given, PIL.Image.Image):
        alpha = _alpha(given, image.shape[1], image.shape[0]) if _see_through(given) else None
        return Origin(image, _exif(given), alpha, labels_of(given))
    return Origin(image)


def _see_through(image: PILImage) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _exif(image: PILImage) -> Exif | None:
    with contextlib.suppress(Exception), own_rules(image.format or ""):
        tags = image.getexif()
        return tags if len(tags) else None
    return None


def _alpha(image: PILImage, width: int, height: int) -> NDArray[np.uint8] | None:
    from PIL import Image as PIL
    from PIL.Image import Transpose as To

    with own_rules(image.format or ""):
        image.load()
    alpha = image.convert("RGBA").getchannel("A")
    if alpha.getextrema()[0] == 255:
        return None
    turns = (To.FLIP_LEFT_RIGHT, To.ROTATE_180, To.FLIP_TOP_BOTTOM, To.TRANSPOSE, To.ROTATE_270, To.TRANSVERSE, To.ROTATE_90)
    turn = orientation(image)
    alpha = alpha.transpose(turns[turn - 2]) if turn > 1 else alpha
    if alpha.size != (width, height):
        alpha = alpha.resize((width, height), PIL.Resampling.BOX)
    return np.asarray(alpha)
