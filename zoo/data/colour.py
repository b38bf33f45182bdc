"""Colour: what a photo's own colour profile, or its mode, says of its numbers, told in sRGB."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np

Change = tuple[str, Any]
"""The mode that an image has to have, and Pillow's transform from there to RGB."""
MOST_PROFILE = 8 << 20
"""Bytes of a profile; those for printing take 1 to 3 million."""
_SAME = 2
"""Levels of 255 by which a profile may differ from sRGB and be sRGB: rounding, and the black point of some."""


def change_of(profile: bytes | None, mode: str) -> Change | None:
    """How an image of that mode with that profile becomes sRGB; None where its numbers are sRGB as they are.

    So they are taken where there is no profile, where it is broken, and where it is of another colour space than the image.
    Profiles of grey and of inks are followed like those of red, green and blue.

    Examples:
        >>> from PIL import ImageCms
        >>> own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        >>> change_of(own, "RGB"), change_of(None, "CMYK"), change_of(b"broken", "L")
        (None, None, None)
    """
    if mode == "LAB":
        return "LAB", _lab()
    space, mode = {"CMYK": ("CMYK", "CMYK"), "L": ("GRAY", "L"), "1": ("GRAY", "L"), "I": ("GRAY", "L")}.get(
        "I" if mode.startswith("I") else mode.upper().removesuffix("A"), ("RGB ", "RGB")
    )
    profile = profile[: int.from_bytes(profile[:4], "big")] if profile else b""  # what follows its own length is not of it
    change = _from_profile(profile, space, mode) if 0 < len(profile) <= MOST_PROFILE else None
    return None if change is None else (mode, change)


@lru_cache(maxsize=8)
def _from_profile(profile: bytes, space: str, mode: str) -> Any:
    from PIL import Image as PIL
    from PIL import ImageCms

    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if given.profile.xcolor_space != space:
            return None
        change = ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), mode, "RGB")
        if mode == "CMYK":
            return change
        levels = np.arange(0, 256, 17 if mode == "RGB" else 1, dtype=np.uint8)
        trial = np.stack(np.meshgrid(*[levels] * 3), -1).reshape(len(levels), -1, 3) if mode == "RGB" else levels[None]
        shown = np.asarray(ImageCms.applyTransform(PIL.fromarray(trial), change)).astype(int)
        return None if np.abs(shown - (trial if mode == "RGB" else trial[..., None])).max() <= _SAME else change
    except Exception:  # a broken profile: PyCMSError and whatever else reading one raises
        return None


@lru_cache(maxsize=1)
def _lab() -> Any:
    from PIL import ImageCms

    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
