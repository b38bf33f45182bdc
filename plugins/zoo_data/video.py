"""``video:DIR``: frames of videos, and what happens in the second after each."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo import IMAGE_RULES, Clip, Data, Fields, Image, Records, RequestError, Split, cached_map, check_split, nearest
from zoo_data.folder import existing_folder
from zoo_data.footage import EXTENSIONS, FASTEST, SLOWEST, Footage, FrameFolder, VideoFile, judge_video
from zoo_data.photos import image_names, judged, photos_in, summary

TEST_SHARE = 0.2
"""The part of the videos that a seeded split sets aside for testing."""
MOMENTS = 8
"""Frames taken of each video (first CDVAE paper, section 6.1)."""
FPS = 24.0
"""How many numbers of numbered frames make a second."""
LISTS = "ucfTrainTestlist"
"""The folder of UCF101's lists."""


class Video(Data):
    """The videos below a folder: files (avi, mp4, mov, mkv, webm, mpg), and folders of numbered images.

    ``video:DIR?fps=30&moments=40`` sets two options: ``fps``, how many numbers of numbered images make a second (24; a
    folder with every second frame, 00000, 00002, ..., so has twelve a second; files know their own), and ``moments``, how
    many frames are taken of each video (8, as in the paper). They are equally spaced among the frames that have another one
    second later; a video shorter than that has none.

    The splits are, in this order: UCF101's first ones, where ``ucfTrainTestlist/`` with ``trainlist01.txt`` and
    ``testlist01.txt`` is in the folder or beside it; the sub-folders ``train`` and ``test``; or about one video in five for
    testing, by the hash of its content and the seed, at least two where there are four. No video is in both.

    Of the layout of DAVIS (``JPEGImages/``, perhaps with ``480p/`` in it) the images are taken and the masks are not.

    Raises:
        RequestError: no folder is named, or an option is unknown or has no sensible value.
    """

    kind: ClassVar[str] = "video"

    def __init__(self, path: str = "") -> None:
        super().__init__(path)
        self.folder, _, options = path.partition("?")
        if not self.folder:
            raise RequestError("video needs a folder of videos: write video:DIR")
        self.fps, self.moments = FPS, MOMENTS
        for option in filter(None, options.split("&")):
            name, _, text = option.partition("=")
            if name not in ("fps", "moments"):
                raise RequestError(f"video has no option {name!r}: {nearest(name, ('fps', 'moments'))}")
            try:
                value = float(text)
            except ValueError:
                value = math.nan
            if name == "fps":
                if not SLOWEST <= value <= FASTEST:
                    raise RequestError(f"fps is {text!r}; it must be a number from {SLOWEST:g} to {FASTEST:g}")
                self.fps = value
            elif not (value >= 1 and value == int(value)):
                raise RequestError(f"moments is {text!r}; it must be a whole number of at least 1")
            else:
                self.moments = int(value)

    def read(self, split: Split, *, seed: int = 0) -> VideoRecords:
        """The moments of one split, video by video.

        Raises:
            RequestError: there is no such folder, no video of at least a second in it, or none for this split.
        """
        check_split(split)
        root = existing_folder(self.folder, self.kind)
        inner = root / "UCF-101" if (root / "UCF-101").is_dir() else root
        for beside in (root, root.parent):
            lists = [beside / LISTS / f"{part}list01.txt" for part in ("train", "test")]
            if all(file.is_file() for file in lists):
                return VideoRecords(_listed(lists[split == "test"], self._videos(inner)), self.moments)
        if (root / "train").is_dir() and (root / "test").is_dir():
            return VideoRecords(self._videos(root / split), self.moments)
        videos = self._videos(root)
        test = _held_out([video.content for video in videos], seed, self)
        return VideoRecords([video for video in videos if (video.content in test) == (split == "test")], self.moments)

    def _videos(self, root: Path) -> list[Footage]:
        """The videos below ``root`` that have a moment, by their names; a warning names those that are left out."""
        root = next((root / way for way in ("JPEGImages/480p", "JPEGImages") if (root / way).is_dir()), root)
        bad: dict[str, str] = {}
        files = image_names(root, EXTENSIONS)
        videos: list[Footage] = []
        for name, (facts, reason) in judged(root, files, judge_video, "videos").items():
            if reason:
                bad[name] = reason
            else:
                videos.append(VideoFile(root / name, name, facts))
        images = [name for name in image_names(root) if "/" in name]
        folders: dict[str, list] = {}
        for photo in photos_in(root, images) if images else ():
            folders.setdefault(photo.name.rpartition("/")[0], []).append(photo)
        videos += [FrameFolder(name, photos, self.fps) for name, photos in folders.items()]
        if not videos and not bad:
            raise RequestError(f"{root} has no video: neither files (avi, mp4, ...) nor folders of numbered images")
        for video in videos:
            if not video.moments(1):
                bad[video.name] = f"{video.seconds:.2f} s long, less than a second"
        videos = sorted((video for video in videos if video.name not in bad), key=lambda video: video.name)
        if not videos:
            raise RequestError(f"{root} has no readable video of at least one second: {summary(bad)}")
        if bad:
            warnings.warn(f"skipped {len(bad)} of {len(bad) + len(videos)} videos in {root}: {summary(bad)}", stacklevel=3)
        return videos


class VideoRecords(Records):
    """Frames of videos, each with the second after it; see :class:`zoo.Records`.

    Args:
        videos: whose moments these are.
        moments: of each video, at most.
    """

    def __init__(self, videos: Sequence[Footage], moments: int = MOMENTS) -> None:
        self._moments = [(video, first, last) for video in videos for first, last in video.moments(moments)]
        self.names = [f"{video.name}/{video.frame_name(first)}" for video, first, _ in self._moments]
        self._clips = [self._clip_id(*moment) for moment in self._moments]
        self.digest = hashlib.sha256(b"".join(self._clips)).hexdigest()

    def image(self, index: int) -> Image:
        video, first, _ = self._moments[index]
        return next(video.frames(first, first))

    def map(self, function: Callable[[Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        ids = [video.frame_id(first) for video, first, _ in self._moments]
        return cached_map(lambda i: function(self.image(i)), ids, f"photo-{IMAGE_RULES}:{key}")

    def map_moments(self, function: Callable[[Clip], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        return cached_map(lambda i: function(self.clip(i)), self._clips, f"clip-{IMAGE_RULES}:{key}")

    def clip(self, index: int) -> Clip:
        """The second after one moment."""
        video, first, last = self._moments[index]
        return Clip(video.frames(first, last), float(video.times[last] - video.times[first]))

    @staticmethod
    def _clip_id(video: Footage, first: int, last: int) -> bytes:
        frames = b"".join(video.frame_id(i) for i in range(first, last + 1))
        return hashlib.sha256(frames + np.diff(video.times[first : last + 1]).tobytes()).digest()


def _listed(file: Path, videos: Sequence[Footage]) -> list[Footage]:
    """The videos that one of UCF101's lists names (``Class/file.avi``, perhaps with a label behind it).

    Raises:
        RequestError: not one of them is there.
    """
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise RequestError(f"cannot read {file}: {error}") from error
    wanted = [line.split()[0] for line in lines if line.strip()]
    there = {"/".join(video.name.split("/")[-2:]): video for video in videos}
    found = [there[name] for name in wanted if name in there]
    if not found:
        raise RequestError(f"{file} names {len(wanted)} videos, of which not one is in the folder (Class/file.avi)")
    if len(found) < len(wanted):
        warnings.warn(f"{len(wanted) - len(found)} of the {len(wanted)} videos in {file} cannot be used", stacklevel=3)
    return sorted(found, key=lambda video: video.name)


def _held_out(contents: Sequence[bytes], seed: int, data: Data) -> set[bytes]:
    """The contents of the videos for testing: about ``TEST_SHARE``, at least two of four or more, never all."""
    key = seed.to_bytes(16, "little", signed=True)
    place = {content: hashlib.blake2b(content, digest_size=8, key=key).digest() for content in contents}
    if len(place) < 2:
        raise RequestError(f"{data}: a single video cannot be split; at least two different ones of a second are needed")
    ranked = sorted(place, key=place.__getitem__)
    bar = int(TEST_SHARE * 2**64)
    count = sum(int.from_bytes(place[content], "big") < bar for content in ranked)
    least = 2 if len(ranked) >= 4 else 1
    return set(ranked[: min(max(count, least), len(ranked) - 1)])
