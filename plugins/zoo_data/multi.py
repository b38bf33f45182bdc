"""``multi:DIR``: many pictures of each scene, whose fields are answers to one question; aligned, without what is unsure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zoo import MIN_SIDE, Image, RequestError, Split, cached_map, image_bytes
from zoo_data.folder import Photo, PhotoRecords, file_names, photos_in, read_photo
from zoo_data.kinds import FolderData
from zoo_data.layouts import holds, split_folders

Pixels = TypeVar("Pixels", NDArray[np.uint8], NDArray[np.float32])
SIDE = 256
"""Pixels a side, at most, at which pictures are aligned."""
CELLS = 128
"""Cells a side of the mask of a scene."""
LEAST, MOST = 1.0, 0.05
"""A shift is made good from so many pixels on, and up to this share of the side: more is no drift of a camera."""
SURE = 0.3
"""The response of phase correlation, 1 for the same picture moved, from which on it is believed."""
BURNT = 254
"""The level from which on a channel is taken to be saturated."""
VERSION = 1
"""Changed with what is computed of a scene, so that no stale cache is read."""


class Multi(FolderData):
    """A folder for each scene, with at least two pictures of it from one place: under other light, at another time or season.

    ``DIR/<scene>/*.jpg``, or ``DIR/{train,test}/<scene>/*.jpg``. Scenes are what is split, never their pictures: where there
    is no ``train``, all scenes are for testing, and a model that was fitted to other data is scored on them as a checkpoint.
    The seed changes nothing.

    Where files of a scene are called ``light01``, ``light02``, ... (or ``light_01``), those are its pictures, and others (its
    reflectance, its shading) are left alone. ``mask.png`` is white on the object, which
    is then cut out. Pictures of another size than most of their
    scene are left out. PNGs of 16 bits are taken to be linear in light, as the MIT data are, and encoded as sRGB.
    """

    kind = "multi"
    needs = "a folder with a folder for each scene"
    layout = "DIR has a folder for each scene with two or more pictures of it, or train/ and test/ with such folders"

    def records(self, root: Path, split: Split, seed: int) -> MultiRecords:
        sides = split_folders(root)
        if not sides and split == "train":
            raise self.wrong(
                "there is no train/, so that all scenes are for testing; score a model that was fitted to other data: "
                f"zoo run --checkpoint NAME --data {self}"
            )
        root = sides.get(split, root)
        scenes: dict[str, list[str]] = {}
        loose = {}
        for name in file_names(root):
            scene, _, file = name.rpartition("/")
            if scene:
                scenes.setdefault(scene, []).append(file)
            else:
                loose[name] = "it lies in no folder of a scene"
        chosen = {f"{scene}/{file}" for scene, files in scenes.items() for file in _pictures(files)}
        if not chosen:
            raise self.wrong(f"there is no scene with a picture (DIR holds {holds(root)})")
        photos = photos_in(self, root, sorted(chosen), loose)
        alike: dict[str, list[Photo]] = {}
        for photo in photos:
            alike.setdefault(str(PurePosixPath(photo.name).parent), []).append(photo)
        kept: list[tuple[str, list[Photo], Path | None]] = []
        other: dict[str, str] = {}
        for scene in sorted(alike):
            size = Counter(photo.frame for photo in alike[scene]).most_common(1)[0][0]
            same = [photo for photo in alike[scene] if photo.frame == size]
            other |= {photo.name: "it has another size than its scene" for photo in alike[scene] if photo.frame != size}
            if len(same) < 2:
                other |= {photo.name: "its scene has no other picture" for photo in same}
                continue
            mask = next((root / scene / file for file in scenes[scene] if file.lower() == "mask.png"), None)
            kept.append((scene, same, mask))
        self.skip(other, len(photos), "pictures", self.below(root))
        if not kept:
            raise self.wrong("no scene has two pictures of one size")
        return MultiRecords(kept)


def _pictures(files: Sequence[str]) -> list[str]:
    """The pictures of a scene among its files."""
    lit = [file for file in files if re.fullmatch(r"light[-_ ]?\d+", PurePosixPath(file).stem, re.IGNORECASE)]
    return lit if len(lit) > 1 else [file for file in files if PurePosixPath(file).stem.lower() != "mask"]


class MultiRecords(PhotoRecords):
    """The pictures of scenes, moved onto each other and black where a scene shows nothing sure, of an object that alone.

    ``moved`` (N, 2) is by how much of its width and height each picture is moved, to the right and downwards, ``sure``
    (S, CELLS, CELLS) bool where in the S scenes: on the object, and not saturated in more than half of the pictures.
    """

    answers = True

    def __init__(self, scenes: Sequence[tuple[str, Sequence[Photo], Path | None]]) -> None:
        masks = [None if mask is None else image_bytes(mask) for *_, mask in scenes]
        contents = [
            b"".join(p.content for p in photos) + hashlib.sha256(m or b"").digest()
            for (_, photos, _), m in zip(scenes, masks, strict=True)
        ]
        ids = [hashlib.sha256(content).digest() for content in contents]
        most = max(len(photos) for _, photos, _ in scenes)
        found = cached_map(lambda i: _looked_at(scenes[i][1], masks[i], most), ids, f"multi-{VERSION}-{most}")
        self.moved = np.concatenate([row[: len(photos)] for row, (_, photos, _) in zip(found["moved"], scenes, strict=True)])
        self.sure = found["sure"] > 0.5
        of = [s for s, (_, photos, _) in enumerate(scenes) for _ in photos]
        super().__init__(
            [photo for _, photos, _ in scenes for photo in photos],
            ids=[hashlib.sha256(ids[s] + p.content).digest() for s, (_, photos, _) in enumerate(scenes) for p in photos],
            shown=f"multi-{VERSION}",
        )
        self.groups = [scenes[s][0] for s in of]
        self._scene = of
        self._cut_out = [mask is not None and bool(sure.any()) for mask, sure in zip(masks, self.sure, strict=True)]

    def image(self, index: int) -> Image:
        picture = picture_of(self.photos[index])
        height, width = picture.shape[:2]
        right, down = self.moved[index] * (width, height)
        if right or down:
            picture = moved(picture, right, down)
        sure = self.sure[self._scene[index]]
        rows, columns = (np.arange(size) * CELLS // size for size in (height, width))
        picture[~sure[rows][:, columns]] = 0
        if self._cut_out[self._scene[index]]:
            there = [np.flatnonzero(sure.any(axis)) for axis in (1, 0)]
            top, bottom, left, right = (
                int(end * size // CELLS)
                for at, size in zip(there, (height, width), strict=True)
                for end in (at[0], at[-1] + 1)
            )
            picture = np.ascontiguousarray(picture[top : max(bottom, top + MIN_SIDE), left : max(right, left + MIN_SIDE)])
        return picture


def picture_of(photo: Photo) -> Image:
    """The picture in a file, (H, W, 3) uint8; one of 16 bits is encoded as sRGB, as it is linear."""
    picture = read_photo(photo)
    data = image_bytes(photo.path)
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[24:25] != b"\x10":
        return picture.copy()
    import cv2

    linear = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if linear is None or linear.dtype != np.uint16:
        return picture.copy()
    curve = np.arange(1 << 16) / 65535
    curve = np.where(curve > 0.0031308, 1.055 * curve ** (1 / 2.4) - 0.055, 12.92 * curve)
    return np.ascontiguousarray((curve * 255 + 0.5).astype(np.uint8)[linear][..., ::-1])


def moved(picture: Pixels, right: float, down: float) -> Pixels:
    """A picture moved by so many pixels; what comes in from outside continues its border."""
    import cv2

    by = np.array([[1, 0, right], [0, 1, down]], np.float32)
    there: Pixels = cv2.warpAffine(picture, by, picture.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return there


def _looked_at(photos: Sequence[Photo], mask: bytes | None, most: int) -> dict[str, NDArray[np.float32]]:
    """By how much each picture of a scene is to be moved, (most, 2), and where the scene is sure, (CELLS, CELLS)."""
    import cv2

    edges, burnt = [], np.zeros((CELLS, CELLS), np.float32)
    for photo in photos:
        picture = picture_of(photo)
        light = (picture.max(2) >= BURNT).astype(np.float32)
        burnt += cv2.resize(light, (CELLS, CELLS), interpolation=cv2.INTER_AREA) > 0.5
        height, width = picture.shape[:2]
        scale = min(1.0, SIDE / max(height, width))
        size = max(8, round(width * scale)), max(8, round(height * scale))
        edges.append(_edges(cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)))
    sure = burnt <= len(photos) / 2
    if mask is not None:
        there = cv2.imdecode(np.frombuffer(mask, np.uint8), cv2.IMREAD_GRAYSCALE)
        if there is None:
            raise RequestError(f"{photos[0].name}: mask.png of its scene cannot be read")
        sure &= cv2.resize((there > 127).astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA) > 0.5
    out = np.zeros((most, 2), np.float32)
    out[: len(photos)] = shifts(edges)
    return {"moved": out, "sure": sure.astype(np.float32)}


def _edges(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How strong the edges are, whatever the light: the gradient of the logarithm, less its mean."""
    import cv2

    logs = np.log(grey.astype(np.float32) + 8)
    strength: NDArray[np.float32] = np.hypot(*(cv2.Sobel(logs, cv2.CV_32F, *axis, ksize=3) for axis in ((1, 0), (0, 1))))
    return strength - strength.mean()


def shifts(edges: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """By how much of its width and height each (h, w) is to be moved to lie on their mean, (K, 2), right and down.

    Phase correlation (Kuglin and Hines 1975) with the mean of all, which is sharpened by what was found. A shift of less than
    LEAST pixels is left, since to interpolate would blur more than it mends; so is one that is not sure, or too large.
    """
    import cv2

    height, width = edges[0].shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    mean, by = np.mean(edges, 0), np.zeros((len(edges), 2))
    for _ in range(2):
        for k, one in enumerate(edges):
            shift, response = cv2.phaseCorrelate(mean, one, window)
            far = float(np.hypot(*shift))
            by[k] = -np.array(shift) if response > SURE and LEAST <= far <= MOST * min(height, width) else 0
        mean = np.mean([moved(one, *shift) if shift.any() else one for one, shift in zip(edges, by, strict=True)], 0)
    return (by / (width, height)).astype(np.float32)
