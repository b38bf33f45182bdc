"""Photos on disk: which files of a folder can be used, and the records made of them."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.data.base import Annotation, Fields, Image, Records
from zoo.data.cache import MANY, SHARD, cache_folder, cached_map, on_all_cores, optional_write
from zoo.data.images import EXTENSIONS, RULES, check, decode
from zoo.errors import RequestError, ZooError
from zoo.files import whole_file
from zoo.progress import progress

_NAMED = 5
"""How many skipped files a warning names."""


@dataclass(frozen=True)
class Photo:
    """A readable photo: its path, its name below the folder, and the sha256 of its bytes."""

    path: Path
    name: str
    content: bytes


class PhotoRecords(Records):
    """Photos on disk, in the given order; see :class:`zoo.data.base.Records`."""

    def __init__(
        self, photos: Sequence[Photo], annotations: Sequence[Annotation] | None = None, categories: Sequence[str] = ()
    ) -> None:
        self.photos = list(photos)
        self.names = [photo.name for photo in photos]
        self.annotations = annotations
        self.categories = categories
        digest = hashlib.sha256(b"".join(photo.content for photo in photos))
        for annotation in annotations or ():
            digest.update(annotation.boxes.tobytes() + b"|" + annotation.labels.tobytes() + b"|")
        digest.update("\n".join(categories).encode())
        self.digest = digest.hexdigest()

    def image(self, index: int) -> Image:
        return read_photo(self.photos[index])

    def map(self, function: Callable[[Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        return cached_map(lambda i: function(self.image(i)), [photo.content for photo in self.photos], f"photo-{RULES}:{key}")


def read_photo(photo: Photo) -> Image:
    """The image in a file that was listed before.

    Raises:
        ZooError: it has changed since, or cannot be read any more.
    """
    try:
        data = photo.path.read_bytes()
        if hashlib.sha256(data).digest() == photo.content:
            return decode(data)
    except (OSError, ValueError) as error:
        raise ZooError(f"cannot read {photo.path} any more: {error}") from error
    raise ZooError(f"{photo.path} has changed since it was listed; run again")


def photos_in(root: Path, names: Sequence[str]) -> list[Photo]:
    """The photos of ``root`` among the files called ``names`` (relative, with slashes), in that order.

    Files that cannot be used are left out, with one warning that names them and why. A file is read again only after it
    has changed.

    Raises:
        RequestError: not one of them can be used.
    """
    verdicts = judged(root, names, _judge)
    bad = {name: reason for name, (_, reason) in verdicts.items() if reason}
    photos = [Photo(root / name, name, bytes.fromhex(verdicts[name][0])) for name in names if name not in bad]
    if not photos:
        raise RequestError(f"{root} has no readable image: {summary(bad) or 'it is empty'}")
    if bad:
        warnings.warn(f"skipped {len(bad)} of {len(names)} images in {root}: {summary(bad)}", stacklevel=3)
    return photos


def judged(
    root: Path, names: Sequence[str], judge: Callable[[Path], tuple[str, str]], kind: str = "images"
) -> dict[str, tuple[str, str]]:
    """What ``judge`` says of each file of ``root``, remembered by size and modification time.

    Args:
        root: a folder.
        names: files in it, relative, with slashes.
        judge: gives (what is known of a file that can be used, beginning with its sha256 in hexadecimal; ""), or
            ("", the reason) for one that cannot be used.
        kind: what these files are; other kinds have other judges, and are remembered apart.
    """
    place = str(root.resolve()) if kind == "images" else f"{kind} {root.resolve()}"
    memory = cache_folder() / "folders" / f"{hashlib.sha256(place.encode()).hexdigest()[:32]}.json"
    known = _recall(memory)
    verdicts: dict[str, list] = {}  # name: [size, mtime_ns, what is known or "", reason or ""]
    new = []
    for name in names:
        try:
            stat = (root / name).stat()
            verdicts[name] = [stat.st_size, stat.st_mtime_ns, "", ""]
        except OSError as error:
            verdicts[name] = [-1, -1, "", error.strerror or str(error)]
            continue
        old = known.get(name)
        if old is not None and old[:2] == verdicts[name][:2]:
            verdicts[name] = old
        else:
            new.append(name)
    with progress(len(new), f"looking at the {kind} in {root.name}", show=len(new) >= MANY) as bar:
        for start in range(0, len(new), 4 * SHARD):
            chunk = new[start : start + 4 * SHARD]
            for name, verdict in zip(chunk, on_all_cores(lambda n: judge(root / n), chunk, bar), strict=True):
                verdicts[name][2:] = verdict
            _remember(memory, verdicts)
    return {name: (verdict[2], verdict[3]) for name, verdict in verdicts.items()}


def image_names(root: Path, extensions: Collection[str] = EXTENSIONS) -> list[str]:
    """The files below ``root`` with one of these extensions, by default images: relative paths with slashes, sorted.

    Hidden files and folders are left out; links are followed, each folder once.
    """
    names, seen = [], set()
    for folder, inner, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in extensions:
                names.append(Path(folder, name).relative_to(root).as_posix())
    return sorted(names)


def _judge(path: Path) -> tuple[str, str]:
    """(sha256, "") of a photo that can be used, ("", reason) of one that cannot."""
    try:
        data = path.read_bytes()
        check(data)
    except OSError as error:
        return "", error.strerror or str(error)
    except ValueError as error:
        return "", str(error)
    return hashlib.sha256(data).hexdigest(), ""


def _recall(memory: Path) -> dict[str, list]:
    try:
        remembered = json.loads(memory.read_text(encoding="utf-8"))
        if remembered["rules"] != RULES:
            return {}
        files: dict[str, list] = remembered["files"]
        for _, _, content, reason in files.values():
            if not reason and len(bytes.fromhex(content.partition(" ")[0])) != 32:
                return {}
        return files
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # absent or broken: everything is read again
        return {}


def _remember(memory: Path, verdicts: Mapping[str, list]) -> None:
    # An unreadable file may become readable by a change of permissions, which leaves its times as they are.
    done = {name: verdict for name, verdict in verdicts.items() if verdict[2] or (verdict[3] and verdict[0] >= 0)}
    with optional_write(), whole_file(memory) as part:
        part.write_text(json.dumps({"rules": RULES, "files": done}), encoding="utf-8")


def summary(bad: Mapping[str, str]) -> str:
    """The first few files with the reason of each, and how many more there are."""
    shown = [f"{name} ({reason})" for name, reason in list(bad.items())[:_NAMED]]
    more = len(bad) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "")
