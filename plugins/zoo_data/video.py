"""``video:DIR``: frames of videos, and what happens in the second after each."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import (
    IMAGE_RULES,
    Clip,
    Fields,
    Image,
    Records,
    RequestError,
    Split,
    cached_map,
    decoders,
    held_out,
    nearest,
    summary,
)
from zoo_data.container import EXTENSIONS
from zoo_data.folder import Photo, file_names, photos_in
from zoo_data.footage import FASTEST, FOOTAGE_RULES, SLOWEST, Footage, FrameFolder, VideoFile, judge_video
from zoo_data.kinds import FolderData, first_of, lines_of
from zoo_data.layouts import split_folders
from zoo_data.memory import judged

_OPTIONS = {"fps": f"a number from {SLOWEST:g} to {FASTEST:g}", "moments": "a whole number of at least 1"}


class Video(FolderData):
    """The videos below a folder: files (avi, mp4, mov, mkv, webm, mpg, ...), and folders of images named by number or time.

    When a frame of a file is, its time stamp says, whatever the file says of its rate: recordings of browsers and phones have
    none that is constant. Of images the names tell, where they tell it plainly, as ``00012.500.png``, ``frame_12.5s.png``,
    ``1699999999123.jpg`` and ``2024-05-01_12-30-05.png`` do, and else their numbers; see
    :func:`zoo_data.times.times_of_names`.

    ``video:DIR?fps=30&moments=40`` sets two options: ``fps``, how many numbers of numbered images make a second (24; a
    folder with every second frame, 00000, 00002, ..., so has twelve a second; with fps=1000 the numbers are milliseconds),
    whatever else their names may tell; and ``moments``, how many frames are taken of each video (8: first CDVAE paper,
    section 6.1). They are equally spaced among the frames that have another one second later; a video shorter than that
    has none.

    The splits are, in this order: UCF101's first ones, where ``ucfTrainTestlist/`` with ``trainlist01.txt`` and
    ``testlist01.txt`` is in the folder or beside it; the folders ``train`` and ``test``, or else ``val`` or
    ``validation``, as :func:`zoo_data.layouts.split_folders` finds them; or about one video in five for testing, by the
    hash of its content and :attr:`split_seed`, at least two where there are four. No video is in both.

    Of the layout of DAVIS (``JPEGImages/``, perhaps with ``480p/`` in it) the images are taken and the masks are not.

    Raises:
        RequestError: no folder is named, or an option is unknown or has no sensible value.
    """

    kind = "video"
    needs = "a folder of videos"
    layout = "DIR has videos, such as DIR/surf.mp4, or folders of numbered pictures, such as DIR/surf/0001.jpg"

    def __init__(self, path: str = "") -> None:
        folder, _, options = (path, "", "") if _is_folder(path) else path.rpartition("?") if "?" in path else (path, "", "")
        super().__init__(path if folder else "")
        self.folder = folder
        self.fps: float | None = None
        self.moments = 8
        for option in filter(None, options.split("&")):
            name, _, text = option.partition("=")
            try:
                value = float(text)
            except ValueError:
                value = math.nan
            if name == "fps" and SLOWEST <= value <= FASTEST:
                self.fps = value
            elif name == "moments" and value >= 1 and value.is_integer():
                self.moments = int(value)
            elif name in _OPTIONS:
                raise RequestError(f"{name} is {text!r}; it must be {_OPTIONS[name]}")
            else:
                raise RequestError(f"video has no option {name!r}: {nearest(name, _OPTIONS)}")

    def records(self, root: Path, split: Split, seed: int) -> VideoRecords:
        lists = [beside / "ucfTrainTestlist" for beside in (root, root.parent)]
        lists = [folder for folder in lists if all((folder / f"{part}list01.txt").is_file() for part in ("train", "test"))]
        if lists:
            videos = self._listed(lists[0] / f"{split}list01.txt", self._videos(first_of(root, "UCF-101") or root))
        elif sides := split_folders(root):
            videos = self._videos(sides[split])
        else:
            videos = self._videos(root)
            contents = {video.content for video in videos}
            alone = f"{self}: a single video cannot be split; at least two different ones of a second are needed"
            test = held_out(contents, self.split_seed, 0.2, 2 if len(contents) >= 4 else 1, alone)
            videos = [video for video in videos if (video.content in test) == (split == "test")]
        return VideoRecords(videos, self.moments)

    def _videos(self, root: Path) -> list[Footage]:
        """The videos below ``root`` that have a moment, by their names; a warning names those that are left out."""
        root = first_of(root, "JPEGImages/480p", "JPEGImages") or root
        facts, bad = judged(root, file_names(root, EXTENSIONS), judge_video, "videos")
        videos: list[Footage] = [VideoFile(root / name, name, facts[name]) for name in facts]
        videos += self._folders(root, bad, alone=not videos)
        if not videos and not bad:
            raise RequestError(
                f"{root} has no video: neither files (avi, mp4, ...) nor folders of numbered images; {self.layout}"
            )
        bad |= {video.name: video.too_short() for video in videos if not video.moments(1)}
        videos = sorted((video for video in videos if video.name not in bad), key=lambda video: video.name)
        if not videos:
            raise RequestError(f"{root} has no readable video of at least one second: {summary(bad)}")
        self.skip(bad, len(bad) + len(videos), "videos", self.below(root))
        return videos

    def _folders(self, root: Path, bad: dict[str, str], alone: bool) -> list[Footage]:
        """The folders of images below ``root``; where no image can be read, they are in ``bad``, or if ``alone`` refused."""
        images = [name for name in file_names(root) if "/" in name]
        folders: dict[str, list[Photo]] = {}
        try:
            for photo in photos_in(self, root, images) if images else ():
                folders.setdefault(photo.name.rpartition("/")[0], []).append(photo)
        except RequestError:
            if alone:
                raise
            bad |= dict.fromkeys((name.rpartition("/")[0] for name in images), "none of its images can be read")
        return [FrameFolder(name, photos, self.fps) for name, photos in folders.items()]

    def _listed(self, file: Path, videos: Sequence[Footage]) -> list[Footage]:
        """The videos that one of UCF101's lists names (``Class/file.avi``, perhaps with a label behind it); at least one."""
        wanted = [re.sub(r"\s+\d+$", "", line.strip()) for line in lines_of(file) if line.strip()]
        there = {"/".join(video.name.split("/")[-2:]): video for video in videos}
        listed = [there[name] for name in wanted if name in there]
        if not listed:
            raise RequestError(f"{file} names {len(wanted)} videos, of which not one is in the folder (Class/file.avi)")
        missing = {name: "it is not there, or cannot be used" for name in wanted if name not in there}
        self.skip(missing, len(wanted), f"videos in {file.name}")
        return sorted(listed, key=lambda video: video.name)


class VideoRecords(Records):
    """Frames of videos, at most ``moments`` of each, with the second after each."""

    view = f"photo-{IMAGE_RULES}-{FOOTAGE_RULES} {decoders()}"

    def __init__(self, videos: Sequence[Footage], moments: int) -> None:
        self._moments = [(video, first, last) for video in videos for first, last in video.moments(moments)]
        frames = [video.frame(first) for video, first, _ in self._moments]
        self.names = [f"{video.name}/{name}" for (video, _, _), (name, _) in zip(self._moments, frames, strict=True)]
        self.groups = [video.name for video, _, _ in self._moments]
        self.ids = [content for _, content in frames]
        self._clips = []
        for video, first, last in self._moments:
            shown = b"".join(video.frame(i)[1] for i in range(first, last + 1))
            self._clips.append(hashlib.sha256(shown + np.diff(video.times[first : last + 1]).tobytes()).digest())
        self.digest = hashlib.sha256(b"".join(self._clips)).hexdigest()

    def image(self, index: int) -> Image:
        video, first, _ = self._moments[index]
        with video.turn():
            return next(video.frames(first, first))

    def map_moments(self, function: Callable[[Clip], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        def moment(index: int) -> Mapping[str, NDArray[np.float32]]:
            with self._moments[index][0].turn():
                return function(self.clip(index))

        return cached_map(moment, self._clips, f"clip-{IMAGE_RULES}-{FOOTAGE_RULES} {decoders()}:{key}")

    def clip(self, index: int) -> Clip:
        video, first, last = self._moments[index]
        return Clip(video.frames(first, last), float(video.times[last] - video.times[first]))


def _is_folder(path: str) -> bool:
    return "\0" not in path and os.path.isdir(os.path.expanduser(path))
