"""Photos on disk: which of them can be used, the records made of them, and ``folder:DIR``, any folder of photos."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo import IMAGE_RULES, Annotation, Attributes, Image, Records, RequestError, Split, ZooError, decode_image
from zoo_data.kinds import FolderData, held_out, one_word
from zoo_data.listing import file_names, judged, summary

TEST_SHARE = 0.1
"""The part of the photos of a folder that a seeded split sets aside for testing."""


@dataclass(frozen=True)
class Photo:
    """A readable photo: its path, its name below the folder, and the sha256 of its bytes."""

    path: Path
    name: str
    content: bytes


class PhotoRecords(Records):
    """Photos on disk, in the given order; see :class:`zoo.Records`.

    Args:
        photos: the files.
        ids: the content of each item, 32 bytes: of the file and of what decides the cut of this one item; by default of the
            files.
        cut: gives the part of the picture in a file that the item of an index shows; by default all of it.
        shown: names what ``cut`` takes, and its version; "" for all of it.
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
    """The image in a file that was listed before.

    Raises:
        ZooError: it has changed since, or cannot be read any more.
    """
    try:
        data = photo.path.read_bytes()
        if hashlib.sha256(data).digest() == photo.content:
            return decode_image(data)
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
    facts, bad = judged(root, names, _judge)
    if not facts:
        raise RequestError(f"{root} has no readable image: {summary(bad) or 'it is empty'}")
    if bad:
        warnings.warn(f"skipped {len(bad)} of {len(names)} images in {root}: {summary(bad)}", stacklevel=4)
    return [Photo(root / name, name, bytes.fromhex(content)) for name, content in facts.items()]


def _judge(path: Path) -> str:
    data = path.read_bytes()
    decode_image(data, draft=True)
    return hashlib.sha256(data).hexdigest()


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
        photos = photos_in(below, names)
        if apart:
            others = file_names(root / ("test" if split == "train" else "train"))
            return PhotoRecords(photos, attributes=_classes(photos, [*names, *others]))
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
