"""``folder:DIR``: any folder of photos."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from zoo import Attributes, Data, RequestError, Split, check_split
from zoo_data.photos import Photo, PhotoRecords, image_names, photos_in

TEST_SHARE = 0.1
"""The part of the photos that a seeded split sets aside for testing."""


class Folder(Data):
    """The photos below a folder.

    Where it has sub-folders ``train`` and ``test``, those are the splits. Otherwise the photos are split by the hash of
    their content and the seed, about one in ten for testing: copies of one photo fall on the same side, and a photo
    stays on its side when others come or go.

    Where all photos of both splits lie in class folders, ``{train,test}/<class>/*.jpg``, of which there are at least two,
    the classes are the photos' attributes, in the order of the folders' names and the same in both splits.
    """

    kind: ClassVar[str] = "folder"

    def __init__(self, path: str = "") -> None:
        if not path:
            raise RequestError("folder needs a folder of photos: write folder:DIR")
        super().__init__(path)

    def read(self, split: Split, *, seed: int = 0) -> PhotoRecords:
        """The photos of one split, sorted by their path.

        Raises:
            RequestError: there is no such folder, or it has no readable image, or too few different ones to split.
        """
        check_split(split)
        root = existing_folder(self.path, self.kind)
        if (root / "train").is_dir() and (root / "test").is_dir():
            names = {part: _names(root / part) if part == split else image_names(root / part) for part in ("train", "test")}
            photos = photos_in(root / split, names[split])
            return PhotoRecords(photos, attributes=_classes(photos, [*names["train"], *names["test"]]))
        photos = photos_in(root, _names(root))
        test = held_out(photos, seed)
        return PhotoRecords([photo for photo in photos if (photo.content in test) == (split == "test")])


def existing_folder(path: str, kind: str, layout: str = "") -> Path:
    """``path`` as a folder that is there; ``layout`` says in messages what it has to hold.

    Raises:
        RequestError: it is not there, or not a folder.
    """
    root = Path(path).expanduser()
    if not root.exists():
        raise RequestError(f"{kind}:{path}: there is no such folder{layout and '; '}{layout}")
    if not root.is_dir():
        raise RequestError(f"{kind}:{path}: this is a file; a folder is needed{layout and '; '}{layout}")
    return root


def held_out(photos: Sequence[Photo], seed: int) -> set[bytes]:
    """The contents of the photos that are for testing: about ``TEST_SHARE`` of them, at least one, never all.

    Raises:
        RequestError: there are fewer than two different photos.
    """
    key = seed.to_bytes(16, "little", signed=True)
    place = {p.content: hashlib.blake2b(p.content, digest_size=8, key=key).digest() for p in photos}
    if len(place) < 2:
        raise RequestError("a folder with a single photo cannot be split; at least two different photos are needed")
    ranked = sorted(place, key=place.__getitem__)
    bar = int(TEST_SHARE * 2**64)
    count = sum(int.from_bytes(place[content], "big") < bar for content in ranked)
    return set(ranked[: min(max(count, 1), len(ranked) - 1)])


def _classes(photos: Sequence[Photo], names: Sequence[str]) -> Attributes | None:
    """The class of each photo, of the classes of all ``names``; None where one does not lie in a class folder."""
    parts = [name.split("/") for name in names]
    classes = sorted({part[0] for part in parts})
    if len(classes) < 2 or any(len(part) != 2 for part in parts):
        return None
    place = {name: i for i, name in enumerate(classes)}
    labels = np.array([place[photo.name.partition("/")[0]] for photo in photos])
    return Attributes.classes([one_word(name) for name in classes], labels)


def one_word(name: str) -> str:
    """``name`` as the name of an attribute: whatever is no letter, digit, ``_``, ``-`` or ``.`` becomes one ``_``."""
    return re.sub(r"[^\w.-]+", "_", name).strip("_") or "_"


def _names(root: Path) -> list[str]:
    names = image_names(root)
    if not names:
        raise RequestError(f"{root} has no image (jpg, jpeg, png, bmp, webp, tif or tiff)")
    return names
