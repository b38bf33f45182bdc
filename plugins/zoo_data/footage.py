"""Videos, as files and as folders of frames: what they show when, and which frames have one a second later."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo import MIN_SIDE, Image, ZooError
from zoo_data.folder import Photo, read_photo

if TYPE_CHECKING:
    from cv2 import VideoCapture

EXTENSIONS = frozenset({".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg"})
"""What counts as a video in a folder; in any case."""
SLOWEST, FASTEST = 1.0, 1000.0
"""Frames a second that a video may have."""
_SEEK = 500
"""Frames that are decoded to reach a later one; one further on is sought."""


class Footage(ABC):
    """One video."""

    name: str  # its path below the folder of the data
    content: bytes  # sha256 of all that it shows
    times: NDArray[np.float64]  # (n,) seconds, rising: when each frame is

    @abstractmethod
    def frames(self, first: int, last: int) -> Iterator[Image]:
        """The frames from ``first`` to ``last``, both included, each (H, W, 3) uint8; a ZooError where one cannot be read."""

    @abstractmethod
    def frame(self, index: int) -> tuple[str, bytes]:
        """A readable name of a frame within the video, and 32 bytes that name its content."""

    def moments(self, count: int) -> list[tuple[int, int]]:
        """``count`` frames, equally spaced among those that have a frame one second later, each with that frame.

        A second is right to half a step between frames. Fewer where fewer frames have one.
        """
        times = self.times
        if len(times) < 2:
            return []
        later = np.searchsorted(times, times + 1).clip(1, len(times) - 1)
        end = later - (times + 1 - times[later - 1] < times[later] - times - 1)  # the nearer one
        near = np.abs(times[end] - times - 1) <= np.median(np.diff(times)) / 2 + 1e-9
        good = np.flatnonzero(near & (end > np.arange(len(end))))
        chosen = np.unique(np.linspace(0, len(good) - 1, min(count, len(good))).round().astype(np.int64))
        return [(int(good[i]), int(end[good[i]])) for i in chosen]


class FrameFolder(Footage):
    """Images of one folder, in the order of the last number in each name; of the names, where not all have one of their own.

    ``fps`` numbers make a second; a gap between numbers is a gap in time.
    """

    def __init__(self, name: str, photos: Sequence[Photo], fps: float) -> None:
        self.name = name
        numbers = {int(last): photo for photo in photos for last in re.findall(r"\d+", photo.path.stem)[-1:]}
        if len(numbers) < len(photos):
            numbers = dict(enumerate(photos))
        self.photos = [numbers[number] for number in sorted(numbers)]
        self.times = np.array(sorted(numbers), np.float64) / fps
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
    """A video in one file with the ``facts`` of :func:`judge_video`; frames follow each other at the container's rate."""

    def __init__(self, path: Path, name: str, facts: str) -> None:
        digest, fps, count = facts.split(" ")
        self.path, self.name = path, name
        self.content = bytes.fromhex(digest)
        self.times = np.arange(int(count)) / float(fps)

    def frames(self, first: int, last: int) -> Iterator[Image]:
        import cv2

        with _opened(self.path, ZooError(f"cannot open {self.path} as a video")) as capture:
            reached = 0
            if first > _SEEK:
                capture.set(cv2.CAP_PROP_POS_FRAMES, first)
                reached = int(capture.get(cv2.CAP_PROP_POS_FRAMES))
            if not 0 <= reached <= first:
                capture.open(str(self.path), cv2.CAP_FFMPEG)
                reached = 0
            for index in range(reached, last + 1):
                if not capture.grab():
                    raise ZooError(f"cannot read frame {index} of {self.path} any more")
                if index >= first:
                    yield cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB)

    def frame(self, index: int) -> tuple[str, bytes]:
        return f"{index:05d}", hashlib.sha256(self.content + index.to_bytes(8, "little")).digest()


def judge_video(path: Path) -> str:
    """The sha256, the frames a second and the number of frames of a video; a ValueError that says why it cannot be used.

    Every frame is decoded once, since what a container says of their number is often wrong.
    """
    import cv2

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    with _opened(path, ValueError("not a video, or one of an unknown format")) as capture:
        fps = capture.get(cv2.CAP_PROP_FPS)
        if not SLOWEST <= fps <= FASTEST:
            raise ValueError(f"a rate of {fps:g} frames a second")
        good, frame = capture.read()
        if not good or frame is None:
            raise ValueError("no frame can be decoded")
        if min(frame.shape[:2]) < MIN_SIDE:
            raise ValueError(f"{frame.shape[1]} x {frame.shape[0]} pixels; at least {MIN_SIDE} a side are needed")
        count = 1
        while capture.grab():
            count += 1
    return f"{digest.hexdigest()} {fps!r} {count}"


@contextlib.contextmanager
def _opened(path: Path, error: Exception) -> Iterator[VideoCapture]:
    """The video in a file, or ``error``; what FFmpeg has to say of a broken file stays off the terminal."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    import cv2

    if cv2.utils.logging.getLogLevel() > cv2.utils.logging.LOG_LEVEL_ERROR:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise error
        yield capture
    finally:
        capture.release()
