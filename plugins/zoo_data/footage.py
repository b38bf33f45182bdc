"""Videos, as files and as folders of frames: what they show when, and which frames have one a second later."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo import Image, ZooError, border, regular
from zoo_data.capture import Unseen, course_of, opened, shown, turn
from zoo_data.container import container_of, why_not
from zoo_data.folder import Photo, read_photo
from zoo_data.times import Times, moments_on, on_one_line, times_of_names

if TYPE_CHECKING:
    from cv2 import VideoCapture

SLOWEST, FASTEST = 1.0, 1000.0
"""Numbered images a second that may be asked for."""
FOOTAGE_RULES = "2"
"""The version of what is made of a file: of its stamps, and of its frames."""
_SEEK = 500
"""Frames that are decoded to reach a later one; one further on is sought."""
_LAND = 17
"""Frames behind the key frame that is sought, at which OpenCV lands."""


class Footage(ABC):
    """One video."""

    name: str  # its path below the folder of the data
    content: bytes  # sha256 of all that it shows
    times: Times  # (n,) seconds: when each frame is
    line: Times  # the same, rising, with NaN for a frame out of order; see on_one_line
    known: str  # how the times are known, in words

    @abstractmethod
    def frames(self, first: int, last: int) -> Iterator[Image]:
        """The frames from ``first`` to ``last``, both included, each (H, W, 3) uint8; a ZooError where one cannot be read."""

    @abstractmethod
    def frame(self, index: int) -> tuple[str, bytes]:
        """A readable name of a frame within the video, and 32 bytes that name its content."""

    def turn(self) -> contextlib.AbstractContextManager[object]:
        """A block in which frames are gone through; of large videos, only few at once."""
        return turn(large=False)

    def moments(self, count: int) -> list[tuple[int, int]]:
        """At most ``count`` frames, each with the one a second later; see :func:`zoo_data.times.moments_on`."""
        return moments_on(self.line, count)

    def too_short(self) -> str:
        """Why it has no moment."""
        rising = self.times[np.isfinite(self.line)]
        if len(self.times) == 1:
            return "a single frame"
        if len(rising) == 1:
            return f"its {len(self.times)} frames have no time stamps, or all the same"
        span = float(rising.max() - rising.min())
        told = f"{len(self.times)} frames within {span:.2f} s {self.known}"
        return f"{told}; a second is needed" if span < 1 else f"{told}, of which none has another one a second later"


class FrameFolder(Footage):
    """Images of one folder, in the order of the times that :func:`zoo_data.times.times_of_names` makes of their names."""

    def __init__(self, name: str, photos: Sequence[Photo], fps: float | None) -> None:
        times, self.known = times_of_names([photo.path.stem for photo in photos], fps)
        order = np.argsort(times, kind="stable")
        self.name, self.photos, self.times = name, [photos[i] for i in order], times[order]
        self.line = on_one_line(self.times)
        self.content = hashlib.sha256(b"".join(photo.content for photo in self.photos)).digest()

    def frames(self, first: int, last: int) -> Iterator[Image]:
        shapes = set()
        for photo in self.photos[first : last + 1]:
            image = read_photo(photo)
            shapes.add(image.shape)
            if len(shapes) > 1:
                raise ZooError(f"{photo.path} is not of the size of the frame before it")
            yield image

    def frame(self, index: int) -> tuple[str, bytes]:
        return self.photos[index].path.stem, self.photos[index].content


class VideoFile(Footage):
    """A video in one file with the ``facts`` of :func:`judge_video`; its frames are when the time stamps in it say."""

    known = "by their time stamps"

    def __init__(self, path: Path, name: str, facts: str) -> None:
        with border(f"what is remembered of {path} is broken"):
            digest, packed = facts.split(" ")
            steps, self._keys, self._large = json.loads(zlib.decompress(base64.b64decode(packed)))
        self.path, self.name = path, name
        self.content = bytes.fromhex(digest)
        self.times = np.cumsum(steps) / 1e6
        self.line = on_one_line(self.times)
        self._state = _state(path)

    def turn(self) -> contextlib.AbstractContextManager[object]:
        return turn(self._large)

    def frames(self, first: int, last: int) -> Iterator[Image]:
        with border(f"cannot read {self.path} any more"):
            if _state(self.path) != self._state:
                raise ValueError("it has changed since it was listed; run again")
            with opened(self.path) as capture:
                index = self._jump(capture, first)
                if index is not None:
                    yield from self._from(capture, index, first, last)
                    return
            with opened(self.path) as capture:
                yield from self._from(capture, -1, first, last)

    def frame(self, index: int) -> tuple[str, bytes]:
        return f"{index:05d}", hashlib.sha256(self.content + index.to_bytes(8, "little")).digest()

    def _from(self, capture: VideoCapture, index: int, first: int, last: int) -> Iterator[Image]:
        """The frames from ``first`` to ``last``, where that called ``index`` has just been grabbed; -1: none yet."""
        while True:
            if index >= first:
                yield shown(capture)
            if index == last:
                return
            if not capture.grab():
                raise ValueError(f"it ends before frame {index + 1}")
            index += 1

    def _jump(self, capture: VideoCapture, first: int) -> int | None:
        """The frame that was grabbed by a jump to ``first`` or not far before it: -1 where there was none; None if it failed.

        OpenCV seeks by numbers at a rate that it guesses. So a key frame is sought, and the stamp tells which frame it led to.
        """
        import cv2

        keys = [key for key in self._keys if _LAND < key + _LAND <= first]
        if first <= _SEEK or not keys:
            return -1
        capture.set(cv2.CAP_PROP_POS_FRAMES, round(self.times[keys[-1]] * capture.get(cv2.CAP_PROP_FPS)) + _LAND)
        there = capture.grab() and np.flatnonzero(np.abs(self.times - capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3) < 1e-5)
        return int(there[0]) if there is not False and len(there) == 1 and there[0] <= first else None


def judge_video(path: Path) -> str:
    """The sha256 of a video, when its frames are, and where it can be sought; a ValueError that says why it cannot be used.

    Every frame is decoded once, since what a container says of their number, rate and time is often wrong. Facts are packed:
    the steps between stamps in microseconds, the numbers of key frames, and whether it is large.
    """
    digest = hashlib.sha256()
    with regular(path).open("rb") as file:
        head = file.read(400)
        digest.update(head)
        container = container_of(head)
        while block := file.read(1 << 20):
            digest.update(block)
    try:
        with opened(path) as capture:
            stamps, *rest = course_of(capture)
    except Unseen:
        raise ValueError(why_not(path, container)) from None
    steps = [b - a for a, b in pairwise([0, *stamps])]
    packed = base64.b64encode(zlib.compress(json.dumps([steps, *rest]).encode())).decode()
    return f"{digest.hexdigest()} {packed}"


def _state(path: Path) -> tuple[int, int]:
    """The marks that tell a file from another that took its place: its size, and when it was written."""
    state = regular(path).stat()
    return state.st_size, state.st_mtime_ns
