"""Pictures: image files as RGB arrays, or refused with a reason; and solid shapes, from their files and as pictures."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.records import Image
from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

MIN_SIDE = 16
"""Pixels: a smaller image says nothing about its fields, and :func:`decode_image` refuses it."""
IMAGE_RULES = "1"
"""The version of what :func:`decode_image` makes of a file: part of the cache key of what is computed of photos."""
Solid = NDArray[np.bool_]
"""Shapes, (N, s, s, s) bool, or one, (s, s, s)."""
SIDE = 128
"""Pixels a side of a picture of a shape."""
_FACES = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
_HEADER = re.compile(rb"#binvox 1\s*\n(?:[^\n]*\n)*?data\r?\n")
_SIZE = re.compile(rb"^dim (\d+) (\d+) (\d+)\s*$", re.MULTILINE)


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


def read_shape(path: Path) -> Solid:
    """The shape in a ``.npy`` or ``.binvox`` file, (s, s, s) bool.

    Raises:
        RequestError: it cannot be read, or is no such shape.

    Examples:
        >>> np.save("cube.npy", np.ones((4, 4, 4), bool))
        >>> read_shape(Path("cube.npy")).shape
        (4, 4, 4)
    """
    try:
        if path.suffix == ".binvox":
            return solid_of(binvox(path.read_bytes()), path.name, axes=3)
        return solid_of(np.load(path, allow_pickle=False), path.name, axes=3)
    except (OSError, ValueError, EOFError) as error:
        raise RequestError(f"cannot read {path}: {error}") from error


def binvox(data: bytes) -> Solid:
    """The grid in a binvox file's bytes (Min 2004), indexed [x, y, z]; a ValueError where these are no whole file.

    The format runs through x, then z, then y, in pairs of a value and how often it follows.
    """
    header = _HEADER.match(data)
    size = _SIZE.search(header[0]) if header else None
    if header is None or size is None:
        raise ValueError("not a binvox file of version 1")
    shape = tuple(int(n) for n in size.groups())
    runs = np.frombuffer(data, np.uint8, offset=header.end())
    if len(runs) % 2 or int(runs[1::2].sum(dtype=np.int64)) != shape[0] * shape[1] * shape[2]:
        raise ValueError(f"its runs do not fill the announced {shape[0]} x {shape[1]} x {shape[2]}")
    return np.repeat(runs[::2] > 0, runs[1::2]).reshape(shape).transpose(0, 2, 1)


def solid_of(values: NDArray[np.generic], name: str, axes: int) -> Solid:
    """``values`` as cubes of truth values: (N, s, s, s) for four ``axes``, (s, s, s) for three.

    An axis of length one before the last three is dropped.

    Raises:
        RequestError: they are of another shape, or not true and false, or 1 and 0; ``name`` says of what.

    Examples:
        >>> solid_of(np.zeros((1, 2, 2, 2)), "my shape", axes=3).shape
        (2, 2, 2)
    """
    if values.ndim == axes + 1 and values.shape[axes - 3] == 1:
        values = values.squeeze(axes - 3)
    if values.ndim != axes or len(set(values.shape[-3:])) != 1 or values.shape[-1] == 0:
        wanted = "(N, s, s, s)" if axes == 4 else "(s, s, s)"
        raise RequestError(f"{name} has an array of {values.shape}; it must be {wanted}")
    if values.dtype != np.bool_:
        if not ((values == 1) | (values == 0)).all():
            raise RequestError(f"{name} has values besides true and false, or 1 and 0")
        values = values == 1
    return np.ascontiguousarray(values, dtype=bool)


def voxel_picture(voxels: NDArray[np.bool_], side: int = SIDE) -> Image:
    """A shape (s, s, s) bool as a picture (side, side, 3) uint8 that it fills, its third axis upwards; white if empty.

    Examples:
        >>> voxel_picture(np.ones((4, 4, 4), bool), side=32).shape
        (32, 32, 3)
    """
    picture = np.full((side * side, 3), 255, np.uint8)
    place = np.argwhere(voxels)
    if not len(place):
        return picture.reshape(side, side, 3)
    low, high = place.min(0), place.max(0) + 1
    middle, radius = (low + high) / 2, np.sqrt(((high - low) ** 2).sum()) / 2
    padded = np.pad(voxels, 1)
    a, e = np.deg2rad(-55.0), np.deg2rad(25.0)  # where the camera stands, seen from the middle; the third axis is up
    towards = np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0])
    view = np.stack([right, np.cross(towards, right), towards])
    light = view.T @ np.array([-0.35, 0.75, 0.55])
    count = int(np.ceil(side * 0.48 / radius * 1.25))  # points a side of a face; less than a pixel apart
    step = (np.arange(count) + 0.5) / count - 0.5
    points, shades = [], []
    for face in _FACES[_FACES @ towards > 0]:
        free = place[~padded[tuple((place + 1 + face).T)]]
        axis = int(np.abs(face).argmax())
        patch = np.zeros((count, count, 3))
        patch[..., (axis + 1) % 3], patch[..., (axis + 2) % 3] = np.meshgrid(step, step, indexing="ij")
        patch[..., axis] = face[axis] / 2
        points.append((free[:, None] + 0.5 + patch.reshape(1, -1, 3)).reshape(-1, 3))
        shades.append(np.full(len(points[-1]), 0.4 + 0.75 * np.clip(face @ light, 0, 1)))
    seen = (np.concatenate(points) - middle) / radius @ view.T
    order = np.argsort(np.rint((1 + seen[:, 2]) * 30000).astype(np.uint16), kind="stable")  # 16 bits are sorted by counting
    seen = seen[order]
    shade = np.concatenate(shades)[order] * (0.8 + 0.2 * np.clip(seen[:, 2], -1, 1))  # what is farther away is a little darker
    column = np.rint((0.48 * seen[:, 0] + 0.5) * (side - 1)).astype(np.intp)
    row = np.rint((0.5 - 0.48 * seen[:, 1]) * (side - 1)).astype(np.intp)
    picture[row * side + column] = np.clip(shade[:, None] * (150.0, 190.0, 240.0), 0, 255)  # the nearest comes last
    return picture.reshape(side, side, 3)
