"""OpenCV's FFmpeg, held to one file, to silence, and to memory that is there."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from zoo import MIN_SIDE, Image, RequestError, border, regular

if TYPE_CHECKING:
    from cv2 import VideoCapture

MOST = 1 << 26
"""Pixels that a frame may have: 8192 x 8192."""
LARGE = 9_000_000
"""Pixels (4096 x 2160) beyond which a frame is shown at half its size, or a third, ..."""
_FRAME_TYPE = 69  # CAP_PROP_FRAME_TYPE, which older versions lack, and then say 0 of
_NEVER = 1e12
"""Milliseconds that no stamp is at."""
_SPEAKING = ("OPENCV_FFMPEG_LOGLEVEL", "OPENCV_FFMPEG_DEBUG")


_AT_ONCE = threading.BoundedSemaphore(2)


class Unseen(ValueError):
    """FFmpeg finds no video in a file, or can decode no frame of it."""


def turn(large: bool) -> contextlib.AbstractContextManager[object]:
    """A block in which a video is decoded: of large ones, two at once, since a decoder holds a dozen frames of each."""
    return _AT_ONCE if large else contextlib.nullcontext()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[VideoCapture]:
    """The video in a regular file, before its first frame; :class:`Unseen` where FFmpeg finds none in it.

    One thread decodes it, as several videos are read at once, and a slow disk cuts none short.
    """
    import cv2

    # By protocol and whole path: what stands before a colon, and a percent sign, would else be taken for more than a name.
    name = b"file:" + os.fsencode(regular(path).absolute())
    asked = {cv2.CAP_PROP_N_THREADS: 1, cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: 0, cv2.CAP_PROP_READ_TIMEOUT_MSEC: 0}
    with _QUIET:
        with border("it cannot be opened", RequestError):
            capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, [number for pair in asked.items() for number in pair])  # type: ignore[call-overload]
        try:
            if not capture.isOpened():
                raise Unseen("it cannot be opened as a video")
            yield capture
        finally:
            capture.release()


def course_of(capture: VideoCapture) -> tuple[list[int], list[int], bool]:
    """When the frames of a video are that has just been opened, in microseconds; which are key frames; whether it is large.

    A frame without a stamp has that of the one before it.

    Raises:
        ValueError: no frame can be decoded, or frames are too small or too large to be used; the message says which.
    """
    import cv2

    stamps: list[int] = []
    keys: list[int] = []
    width, height = _size(capture)
    with turn(large := width * height > LARGE):
        while capture.grab():
            index, stamp = len(stamps), capture.get(cv2.CAP_PROP_POS_MSEC)
            if not index:
                shown(capture)
            if capture.get(_FRAME_TYPE) == ord("I"):
                keys.append(index)
            without = (index and not stamp) or not abs(stamp) < _NEVER  # OpenCV says 0 of none
            stamps.append((stamps[-1] if stamps else 0) if without else round(1000 * stamp))
    if not stamps:
        raise Unseen("no frame can be decoded")
    if len(stamps) > 1 and not 0 <= stamps[0] < stamps[1] and stamps[1] > 0:
        stamps[0] = 0  # OpenCV takes a stamp of 0 for none, and says when the frame was decoded
    return stamps, keys, large


def _size(capture: VideoCapture) -> tuple[int, int]:
    """The size of all its frames, as OpenCV scales them to the first; a ValueError where these cannot be used."""
    import cv2

    width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if min(width, height) < MIN_SIDE:
        raise ValueError(f"{width} x {height} pixels; at least {MIN_SIDE} a side are needed")
    if width * height > MOST:
        raise ValueError(f"{width} x {height} pixels a frame; at most {MOST:,} can be read")
    return width, height


def shown(capture: VideoCapture) -> Image:
    """The frame that was grabbed last, turned as the file says, at a whole part of its size where it is large."""
    import cv2

    good, frame = capture.retrieve()
    if not good or frame is None:
        raise ValueError("the frame cannot be decoded")
    height, width = frame.shape[:2]
    part = int(np.ceil(np.sqrt(height * width / LARGE)))
    if part > 1:
        frame = cv2.resize(frame, (width // part, height // part), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


class _Quiet:
    """While any video is open, OpenCV says nothing; after that, as much as before.

    FFmpeg learns how much it may say when OpenCV first opens anything, of a variable of the environment
    that is there only then.
    """

    def __init__(self) -> None:
        self._lock, self._open, self._level, self._told = threading.Lock(), 0, 0, False

    def __enter__(self) -> None:
        import cv2

        with self._lock:
            if not self._open:
                self._level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
            self._open += 1
            if not self._told and not any(name in os.environ for name in _SPEAKING):
                os.environ[_SPEAKING[0]] = "-8"
                with contextlib.suppress(Exception):
                    cv2.VideoCapture(f"file:{os.devnull}", cv2.CAP_FFMPEG).release()
                del os.environ[_SPEAKING[0]]
            self._told = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        import cv2

        with self._lock:
            self._open -= 1
            if not self._open:
                cv2.utils.logging.setLogLevel(self._level)


_QUIET = _Quiet()
