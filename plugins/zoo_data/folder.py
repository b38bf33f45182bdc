"""Photos on disk: which of them can be used, the records made of them, and ``folder:DIR``, any folder of photos."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np

from zoo import (
    IMAGE_RULES,
    Annotation,
    Attributes,
    Image,
    Records,
    RequestError,
    Split,
    ZooError,
    cache_folder,
    decode_image,
    on_all_cores,
    optional_write,
    progress,
    summary,
    whole_file,
)
from zoo_data.kinds import FolderData, held_out, one_word
from zoo_data.turned import UNTURNED, Frame, frame_of

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""Photos in a folder, in any case."""
_CHUNK = 4096
"""Files that are looked at between two writes of the memory."""
_Verdict = tuple[int, int, str, str]
"""Of a file: its size, its time (ns), and its facts or the reason why it cannot be used."""


class _Memory(TypedDict):
    rules: str
    files: dict[str, _Verdict]


def judged(
    root: Path, names: Sequence[str], judge: Callable[[Path], str], kind: str = "images"
) -> tuple[dict[str, str], dict[str, str]]:
    """The facts of the files that can be used, and the reason of each that cannot, remembered by size and time.

    ``judge`` gives the facts of a file, beginning with its sha256 in hexadecimal, or raises an OSError, or a ValueError that
    says why it cannot be used. Other kinds of files have other judges, and are remembered apart.
    """
    import msgspec

    place = str(root.resolve()) if kind == "images" else f"{kind} {root.resolve()}"
    memory = cache_folder() / "folders" / f"{hashlib.sha256(place.encode()).hexdigest()[:32]}.json"
    try:
        remembered = msgspec.json.decode(memory.read_bytes(), type=_Memory)
    except (OSError, msgspec.DecodeError):  # absent or broken: everything is read again
        remembered = _Memory(rules="", files={})
    whole = all(reason or re.match("[0-9a-f]{64}", facts) for _, _, facts, reason in remembered["files"].values())
    known = remembered["files"] if whole and remembered["rules"] == IMAGE_RULES else {}
    verdicts: dict[str, _Verdict] = {}
    for name in names:
        try:
            stat = os.stat(os.path.join(root, name))
            now = (stat.st_size, stat.st_mtime_ns)
            verdicts[name] = known[name] if now == known.get(name, ())[:2] else (*now, "", "")
        except OSError as error:
            verdicts[name] = (-1, -1, "", error.strerror or str(error))
    new = [name for name, (_, _, facts, reason) in verdicts.items() if not facts and not reason]

    def verdict(name: str) -> _Verdict:
        size, time = verdicts[name][:2]
        try:
            return size, time, judge(root / name), ""
        except (OSError, ValueError) as error:
            return size, time, "", getattr(error, "strerror", None) or str(error)

    with progress(len(new), f"looking at the {kind} in {root.name}", show=len(new) >= 1000) as bar:
        for start in range(0, len(new), _CHUNK):
            chunk = new[start : start + _CHUNK]
            verdicts.update(zip(chunk, on_all_cores(verdict, chunk, bar), strict=True))
            both = (known | verdicts).items()  # two splits may be two lists of files in one folder
            # An unreadable file may become readable by a change of permissions, which leaves its times as they are.
            done = {name: verdict for name, verdict in both if verdict[2] or (verdict[3] and verdict[0] >= 0)}
            with optional_write(), whole_file(memory) as part:
                part.write_text(json.dumps({"rules": IMAGE_RULES, "files": done}), encoding="utf-8")
    facts = {name: facts for name, (_, _, facts, reason) in verdicts.items() if not reason}
    return facts, {name: reason for name, (_, _, _, reason) in verdicts.items() if reason}


def file_names(root: Path, extensions: Collection[str] = EXTENSIONS) -> list[str]:
    """The files below ``root`` with one of these extensions, by default images: relative paths with slashes, sorted.

    Hidden files and folders are left out; links are followed, each folder once.
    """
    names, seen = [], set()
    for folder, inner, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        inner[:] = [] if real in seen else sorted(name for name in inner if not name.startswith("."))
        if real not in seen:
            seen.add(real)
            below = "" if Path(folder) == root else Path(folder).relative_to(root).as_posix() + "/"
            named = (name for name in files if not name.startswith("."))
            names += [below + name for name in named if os.path.splitext(name)[1].lower() in extensions]
    return sorted(names)


@dataclass(frozen=True)
class Photo:
    """A readable photo: its path, its name below the folder, the sha256 of its bytes, and how it is stored."""

    path: Path
    name: str
    content: bytes
    frame: Frame = UNTURNED


class PhotoRecords(Records):
    """Photos on disk, in the given order; see :class:`zoo.Records`.

    ``cut`` gives the part of the picture in a file that the item of an index shows, ``shown`` names it, with a version, and
    ``ids`` are 32 bytes an item, of the file and of what decides its cut; by default all of the picture, and of the file.
    """

    def __init__(
        self,
        photos: Sequence[Photo],
        annotations: Sequence[Annotation] | None = None,
        categories: Sequence[str] = (),
        *,
        attributes: Attributes | None = None,
        ids: Sequence[bytes] | None = None,
        cut: Callable[[Image, int], Image] | None = None,
        shown: str = "",
    ) -> None:
        self.photos, self._cut = list(photos), cut
        self.names = [photo.name for photo in photos]
        self.annotations, self.categories = annotations, categories
        self.view = f"photo-{IMAGE_RULES}{shown and '-'}{shown}"
        self.ids = [photo.content for photo in photos] if ids is None else list(ids)
        digest = hashlib.sha256(b"".join(self.ids))
        for annotation in annotations or ():
            digest.update(annotation.boxes.tobytes() + b"|" + annotation.labels.tobytes() + b"|")
        digest.update("\n".join(categories).encode() + shown.encode())
        if attributes is not None:
            self.attributes = attributes
            digest.update(attributes.digest())
        self.digest = digest.hexdigest()

    def image(self, index: int) -> Image:
        image = read_photo(self.photos[index])
        return image if self._cut is None else np.ascontiguousarray(self._cut(image, index))


def read_photo(photo: Photo) -> Image:
    """The image in a file that was listed before; a ZooError where it has changed or cannot be read any more."""
    try:
        data = photo.path.read_bytes()
        if hashlib.sha256(data).digest() == photo.content:
            return decode_image(data)
    except (OSError, ValueError) as error:
        raise ZooError(f"cannot read {photo.path} any more: {error}") from error
    raise ZooError(f"{photo.path} has changed since it was listed; run again")


def photos_in(data: FolderData, root: Path, names: Sequence[str]) -> list[Photo]:
    """The photos of ``root`` among the files called ``names`` (relative, with slashes), in that order.

    Files that cannot be used are left out of ``data`` (:meth:`zoo.Data.skip`); a RequestError where none can. A file is read
    again only after it has changed.
    """
    facts, bad = judged(root, names, _judge)
    if not facts:
        raise RequestError(f"{root} has no readable image: {summary(bad) or 'it is empty'}")
    data.skip(bad, len(names), "images", data.below(root))
    return [Photo(root / name, name, bytes.fromhex(told[:64]), _frame(told)) for name, told in facts.items()]


def _frame(facts: str) -> Frame:
    stored = [int(number) for number in facts.split()[1:]]
    return (stored[0], stored[1], stored[2]) if len(stored) == 3 else UNTURNED


def _judge(path: Path) -> str:
    data = path.read_bytes()
    decode_image(data, draft=True)
    return " ".join(map(str, (hashlib.sha256(data).hexdigest(), *frame_of(data))))


class Folder(FolderData):
    """The photos below a folder.

    Where it has sub-folders ``train`` and ``test``, those are the splits. Otherwise the photos are split by the hash of
    their content and the seed, about one in ten for testing: copies of one photo fall on the same side, and a photo
    stays on its side when others come or go.

    Where all photos of both splits lie in class folders, ``{train,test}/<class>/*.jpg``, of which there are at least two,
    the classes are the photos' attributes, in the order of the folders' names and the same in both splits. Items are sorted
    by their path.
    """

    kind = "folder"
    needs = "a folder of photos"

    def records(self, root: Path, split: Split, seed: int) -> PhotoRecords:
        apart = (root / "train").is_dir() and (root / "test").is_dir()
        below = root / split if apart else root
        names = file_names(below)
        if not names:
            raise RequestError(f"{below} has no image (jpg, jpeg, png, bmp, webp, tif or tiff)")
        photos = photos_in(self, below, names)
        if apart:
            others = file_names(root / ("test" if split == "train" else "train"))
            return PhotoRecords(photos, attributes=_classes(photos, [*names, *others]))
        alone = "a folder with a single photo cannot be split; at least two different photos are needed"
        test = held_out([photo.content for photo in photos], seed, 0.1, 1, alone)
        return PhotoRecords([photo for photo in photos if (photo.content in test) == (split == "test")])


def _classes(photos: Sequence[Photo], names: Sequence[str]) -> Attributes | None:
    """The class of each photo, of the classes of all ``names``; None where one does not lie in a class folder."""
    parts = [name.split("/") for name in names]
    classes = sorted({part[0] for part in parts})
    if len(classes) < 2 or any(len(part) != 2 for part in parts):
        return None
    place = {name: i for i, name in enumerate(classes)}
    labels = np.array([place[photo.name.partition("/")[0]] for photo in photos])
    return Attributes.classes([one_word(name) for name in classes], labels)
