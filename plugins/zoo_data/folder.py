"""Photos on disk: which of them can be used, the records made of them, and ``folder:DIR``, any folder of photos."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
    border,
    decode_image,
    decoders,
    held_out,
    image_bytes,
    summary,
)
from zoo_data.kinds import FolderData, own_words
from zoo_data.layouts import NOT_MEANT, inside, twins
from zoo_data.memory import forget, judged
from zoo_data.turned import UNTURNED, Frame, frame_of

EXTENSIONS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""Photos in a folder, in any case."""
_UNREAD = frozenset(
    {".heic", ".heif", ".avif", ".jxl", ".jp2", ".gif", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2"}
)
"""Photos in a folder that are told of, and not read."""
_SIDE = re.compile(r"(train|test|val)(ing|id|idation)?([ _-]?(set|[0-9]+))?", re.IGNORECASE)
"""Folders of a split: ``train``, ``Training``, ``test_set``, ``val2017``, ``valid``, ``validation``."""


def file_names(root: Path, extensions: Collection[str] = EXTENSIONS, *, hidden: dict[str, str] | None = None) -> list[str]:
    """The files below ``root`` with one of these extensions, by default images: relative paths with slashes, sorted.

    Links are followed, each folder once. Hidden files and folders are left out, and those of NOT_MEANT; ``hidden`` gets the
    names of such files, and of photos in formats that are not read. A folder that cannot be read is itself in the
    list, so that it is found wanting like a file that cannot be read.
    """
    names, seen, todo = [], set(), [""]
    while todo:
        below = todo.pop()
        try:
            stat = os.stat(os.path.join(root, below))
            if (stat.st_dev, stat.st_ino) in seen:
                continue
            seen.add((stat.st_dev, stat.st_ino))
            with os.scandir(os.path.join(root, below)) as entries:
                found = sorted(entries, key=lambda entry: entry.name, reverse=True)
        except OSError:
            names.append(below or ".")
            continue
        for entry in found:
            ending = os.path.splitext(entry.name)[1].lower()
            fits = ending in extensions
            if _is_folder(entry):
                if not entry.name.startswith(".") and entry.name not in NOT_MEANT:
                    todo.append(f"{below}{entry.name}/")
            elif fits and not entry.name.startswith("."):
                names.append(below + entry.name)
            elif (fits or ending in _UNREAD) and hidden is not None:
                hidden[below + entry.name] = "a hidden file" if entry.name.startswith(".") else f"{ending[1:]} is not read"
    return sorted(names)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


@dataclass(frozen=True)
class Photo:
    """A readable photo: its path, name, sha256 of its bytes, how it is stored, and the folder that it was listed in."""

    path: Path
    name: str
    content: bytes
    frame: Frame = UNTURNED
    root: Path | None = None


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
        self.view = f"photo-{IMAGE_RULES} {decoders()}{shown and '-'}{shown}"
        self.ids = [photo.content for photo in photos] if ids is None else list(ids)
        digest = hashlib.sha256(b"".join(self.ids))
        for annotation in annotations or ():
            digest.update(annotation.boxes.tobytes() + b"|" + annotation.labels.tobytes() + b"|")
        digest.update("\n".join(categories).encode("utf-8", "surrogatepass") + shown.encode())
        if attributes is not None:
            self.attributes = attributes
            digest.update(attributes.digest())
        self.digest = digest.hexdigest()

    def image(self, index: int) -> Image:
        image = read_photo(self.photos[index])
        return image if self._cut is None else np.ascontiguousarray(self._cut(image, index))


def read_photo(photo: Photo) -> Image:
    """The image in a file that was listed before; a ZooError where it has changed or cannot be read any more."""
    with border(f"cannot read {photo.path} any more"):
        data = image_bytes(photo.path)
        if hashlib.sha256(data).digest() == photo.content:
            return decode_image(data)
    if photo.root is not None:
        forget(photo.root)
    raise ZooError(f"{photo.path} has changed since it was listed")


def photos_in(data: FolderData, root: Path, names: Sequence[str], left_out: Mapping[str, str] | None = None) -> list[Photo]:
    """The photos of ``root`` among the files called ``names`` (relative, with slashes), in that order.

    Files that cannot be used are left out of ``data`` (:meth:`zoo.Data.skip`), besides those that are ``left_out`` anyway; a
    RequestError where none can. A file is read again only after it has changed.
    """
    facts, bad = judged(root, names, _judge)
    if not facts:
        raise RequestError(f"{root} has no readable image: {summary(bad) or 'it is empty'}")
    bad = {**bad, **(left_out or {})}
    data.skip(bad, len(facts) + len(bad), "images", data.below(root))
    return [Photo(root / name, name, bytes.fromhex(told[:64]), _frame(told), root) for name, told in facts.items()]


def _frame(facts: str) -> Frame:
    stored = [int(number) for number in facts.split()[1:]]
    return (stored[0], stored[1], stored[2]) if len(stored) == 3 else UNTURNED


def _judge(path: Path) -> str:
    data = image_bytes(path)
    decode_image(data, draft=True)
    return " ".join(map(str, (hashlib.sha256(data).hexdigest(), *frame_of(data))))


class Folder(FolderData):
    """The photos below a folder.

    Where photos lie in a folder ``train`` and others in one called ``test``, or else ``val`` or ``validation`` (in any case,
    also ``training``, ``val2017`` and the like, or two that are called the same but for such a word, ``seg_train`` and
    ``seg_test``; in DIR or deeper), those are the splits, and any others are left alone.
    Otherwise the photos are split by the hash of their content and :attr:`split_seed`, about one in ten for testing: copies
    of one photo fall on the same side, and a photo stays on its side when others come or go, whatever the seed of the run is.

    Where all photos of both splits lie in class folders, ``{train,test}/<class>/*.jpg``, of which there are at least two,
    the classes are the photos' attributes, in the order of the folders' names and the same in both splits. Items are sorted
    by their path.
    """

    kind = "folder"
    needs = "a folder of photos"
    layout = "DIR has photos, such as DIR/beach.jpg or DIR/2019/hill.png, perhaps in DIR/train/ and DIR/test/"

    @classmethod
    def example(cls, folder: Path) -> str:
        """Twelve small pictures."""
        from PIL import Image as PIL

        random = np.random.default_rng(0)
        for i in range(12):
            picture = PIL.fromarray(random.integers(0, 256, (20, 24 + i, 3), dtype=np.uint8))
            picture.save(folder / f"{i:02}.png")
        return str(folder)

    def records(self, root: Path, split: Split, seed: int) -> PhotoRecords:
        hidden: dict[str, str] = {}
        names = file_names(root, hidden=hidden)
        alike = _twins(root, names)
        sides = self._sides(root, names, alike)
        if sides is None:
            if not names:
                also = f": {summary(hidden)}" if hidden else ""
                raise RequestError(f"{root} has no image (jpg, jpeg, png, bmp, webp, tif or tiff){also}; {self.layout}")
            photos = photos_in(self, root, names, hidden)
            alone = "a folder with a single photo cannot be split; at least two different photos are needed"
            test = held_out([photo.content for photo in photos], self.split_seed, 0.1, 1, alone)
            return PhotoRecords([photo for photo in photos if (photo.content in test) == (split == "test")])
        own = sides[split]
        if not own:
            raise RequestError(f"{root} has no image for the split {split} (jpg, jpeg, png, bmp, webp, tif or tiff)")
        beside = {name: why for name, why in hidden.items() if (_side(name, alike)[0] == "train") == (split == "train")}
        photos = photos_in(self, root, list(own), beside)
        photos = [replace(photo, name=own[photo.name]) for photo in photos]
        return PhotoRecords(photos, attributes=_classes(photos, [*sides["train"].values(), *sides["test"].values()]))

    def _sides(self, root: Path, names: Sequence[str], alike: Mapping[str, str]) -> dict[Split, dict[str, str]] | None:
        """The files of each split that folders tell of, and the name of each within it; None where they tell of none."""
        told = {folder: _side(folder, alike) for folder in dict.fromkeys(name.rpartition("/")[0] for name in names)}
        filled = {side for side, _, _ in told.values()}
        with os.scandir(root) as entries:
            there = filled | {_side(entry.name, alike)[0] for entry in entries if _is_folder(entry)}
        held = [side for side in ("test", "val") if side in there]
        if not held:
            return None
        if "train" not in there:
            if len(filled) <= 1:
                return None
            raise RequestError(
                f"{root} has a folder {held[0]} and none called train: what is for testing is never trained on; name a folder "
                "that has both, or that has neither"
            )
        held.sort(key=lambda side: side not in filled)
        before = {before for side, before, _ in told.values() if side in ("train", held[0])}
        sides: dict[Split, dict[str, str]] = {"train": {}, "test": {}}
        for name in names:
            folder, _, file = name.rpartition("/")
            side, above, below = told[folder]
            if side in ("train", held[0]):
                parts = (above if len(before) > 1 else "", below, file)
                sides["train" if side == "train" else "test"][name] = "/".join(part for part in parts if part)
        return sides


def _twins(root: Path, names: Sequence[str]) -> dict[str, str]:
    """The folders, by their paths, that :func:`zoo_data.layouts.twins` tells of beside each other.

    A path with a slash behind it is that of a folder in another of its name which holds nothing else, as archives have them.
    """
    beside: dict[str, set[str]] = {"": set(inside(root, folders=True))}
    folders = {name.rpartition("/")[0] for name in names}
    for folder in folders:
        parts = folder.split("/")
        for i, part in enumerate(parts):
            beside.setdefault("/".join(parts[:i]), set()).add(part)
    alike = {f"{above}/{name}".lstrip("/"): side for above, group in beside.items() for name, side in twins(group).items()}
    again = [path for path, group in beside.items() if path not in folders and group == {path.rpartition("/")[2]}]
    return alike | {f"{path}/{path.rpartition('/')[2]}/": "" for path in again}


def _side(folder: str, alike: Mapping[str, str]) -> tuple[str, str, str]:
    """Which side a folder's path says it is of, or "", and what of the path lies above and below the folder that says so."""
    parts = folder.split("/")
    for i, part in enumerate(parts):
        found, path = _SIDE.fullmatch(part), "/".join(parts[: i + 1])
        if side := found[1].lower() if found else alike.get(path):
            below = parts[i + 2 :] if f"{path}/{part}/" in alike else parts[i + 1 :]
            return side, "/".join(parts[:i]), "/".join(below)
    return "", "", folder


def _classes(photos: Sequence[Photo], names: Sequence[str]) -> Attributes | None:
    """The class of each photo, of the classes of all ``names``; None where one does not lie in a class folder."""
    parts = [name.split("/") for name in names]
    classes = sorted({part[0] for part in parts})
    if len(classes) < 2 or any(len(part) != 2 for part in parts):
        return None
    place = {name: i for i, name in enumerate(classes)}
    labels = np.array([place[photo.name.partition("/")[0]] for photo in photos])
    return Attributes.classes(own_words(classes), labels)
