"""``folder:DIR``: any folder of photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo import Attributes, RequestError, Split
from zoo_data.kinds import FolderData, held_out, one_word
from zoo_data.listing import file_names
from zoo_data.photos import Photo, PhotoRecords, photos_in

TEST_SHARE = 0.1
"""The part of the photos that a seeded split sets aside for testing."""


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
        if (root / "train").is_dir() and (root / "test").is_dir():
            names = {part: _names(root / part) if part == split else file_names(root / part) for part in ("train", "test")}
            photos = photos_in(root / split, names[split])
            return PhotoRecords(photos, attributes=_classes(photos, [*names["train"], *names["test"]]))
        photos = photos_in(root, _names(root))
        alone = "a folder with a single photo cannot be split; at least two different photos are needed"
        test = held_out([photo.content for photo in photos], seed, TEST_SHARE, 1, alone)
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


def _names(root: Path) -> list[str]:
    names = file_names(root)
    if not names:
        raise RequestError(f"{root} has no image (jpg, jpeg, png, bmp, webp, tif or tiff)")
    return names
