"""Videos as files and as folders of frames: their frames, when each of them is, and which have one second after them."""

from __future__ import annotations

import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import MIN_SIDE, Image, ZooError
from zoo_data.photos import Photo, read_photo

EXTENSIONS = frozenset({".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg"})
"""What counts as a video in a folder; in any case."""
SLOWEST, FASTEST = 1.0, 1000.0
"""Frames a second that a video may have."""
_SEEK = 500
"""Frames that are decoded to reach a later one; one further on is sought."""


class Footage(ABC):
    """One video.

    Attributes:
        name: its path below the folder of the data.
        content: sha256 of all that it shows.
        times: (n,) seconds, rising: when each frame is.
    """

    name: str
    content: bytes
    times: NDArray[np.float64]

    @abstractmethod
    def frames(self, first: int, last: int) -> Iterator[Image]:
        """The frames from ``first`` to ``last``, both included, each (H, W, 3) uint8.

        Raises:
            ZooError: a frame cannot be read any more.
        """

    @abstractmethod
    def frame_name(self, index: int) -> str:
        """A readable name of a frame within the video."""

    @abstractmethod
    def frame_id(self, index: int) -> bytes:
        """32 bytes that name the content of a frame."""

    def moments(self, count: int) -> list[tuple[int, int]]:
        """``count`` frames, equally spaced among those that have a frame one second later, each with that frame.

        A second is right to half a step between frames. Fewer where fewer frames have one.
        """
        if len(self.times) < 2:
            return []
        later = np.searchsorted(self.times, self.times + 1).clip(1, len(self.times) - 1)
        before = later - 1
        end = np.where(self.times + 1 - self.times[before] < self.times[later] - self.times - 1, before, later)
        step = float(np.median(np.diff(self.times)))
        miss = np.abs(self.times[end] - self.times - 1)
        good = np.flatnonzero((miss <= step / 2 + 1e-9) & (end > np.arange(len(end))))
        if not len(good):
            return []
        chosen = np.unique(np.linspace(0, len(good) - 1, min(count, len(good))).round().astype(np.int64))
        return [(int(good[i]), int(end[good[i]])) for i in chosen]

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return float(self.times[-1] - self.times[0])


class FrameFolder(Footage):
    """Images of one folder, in the order of their numbers; where not all have one of their own, in that of their names.

    Args:
        name: of the video.
        photos: the frames.
        fps: how many numbers make a second; a gap between numbers is a gap in time.
    """

    def __init__(self, name: str, photos: Sequence[Photo], fps: float) -> None:
        self.name = name
        numbers = [_number(photo.path.stem) for photo in photos]
        if None in numbers or len(set(numbers)) < len(numbers):
            numbers = list(range(len(photos)))
        order = sorted(range(len(photos)), key=lambda i: numbers[i] or 0)
        self.photos = [photos[i] for i in order]
        self.times = np.array([numbers[i] for i in order], np.float64) / fps
        self.content = hashlib.sha256(b"".join(photo.content for photo in self.photos)).digest()

    def frames(self, first: int, last: int) -> Iterator[Image]:
        shape = None
        for photo in self.photos[first : last + 1]:
            image = read_photo(photo)
            if shape is not None and image.shape != shape:
                raise ZooError(f"{photo.path} is not of the size of the frame before it")
            shape = image.shape
            yield image

    def frame_name(self, index: int) -> str:
        return self.photos[index].path.stem

    def frame_id(self, index: int) -> bytes:
        return self.photos[index].content


class VideoFile(Footage):
    """A video in one file; its frames are taken to follow each other at the container's rate.

    Args:
        path: of the file.
        name: of the video.
        facts: from :func:`judge_video`.
    """

    def __init__(self, path: Path, name: str, facts: str) -> None:
        digest, fps, count = facts.split(" ")
        self.path, self.name = path, name
        self.content = bytes.fromhex(digest)
        self.times = np.arange(int(count)) / float(fps)

    def frames(self, first: int, last: int) -> Iterator[Image]:
        import cv2

        capture = _open(self.path)
        try:
            reached = 0
            if first > _SEEK:
                capture.set(cv2.CAP_PROP_POS_FRAMES, first)
                reached = int(capture.get(cv2.CAP_PROP_POS_FRAMES))
                if not 0 <= reached <= first:
                    capture.release()
                    capture, reached = _open(self.path), 0
            for index in range(reached, last + 1):
                if not capture.grab():
                    raise ZooError(f"cannot read frame {index} of {self.path} any more")
                if index >= first:
                    yield cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB)
        finally:
            capture.release()

    def frame_name(self, index: int) -> str:
        return f"{index:05d}"

    def frame_id(self, index: int) -> bytes:
        return hashlib.sha256(self.content + index.to_bytes(8, "little")).digest()


def judge_video(path: Path) -> str:
    """ "sha256 fps frames" of a video. Every frame is decoded once: the number that a container tells is often wrong.

    Raises:
        ValueError: it cannot be used; the message is the reason.
    """
    import cv2

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    try:
        capture = _open(path)
    except ZooError:
        raise ValueError("not a video, or one of an unknown format") from None
    try:
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
    finally:
        capture.release()
    return f"{digest.hexdigest()} {fps!r} {count}"


def _open(path: Path):  # type: ignore[no-untyped-def]
    """An open ``cv2.VideoCapture``; what FFmpeg has to say of a broken file stays off the terminal.

    Raises:
        ZooError: it cannot be opened.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    import cv2

    if cv2.utils.logging.getLogLevel() > cv2.utils.logging.LOG_LEVEL_ERROR:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        capture.release()
        raise ZooError(f"cannot open {path} as a video")
    return capture


def _number(stem: str) -> int | None:
    """The last number in a file's name."""
    numbers = re.findall(r"\d+", stem)
    return int(numbers[-1]) if numbers else None
