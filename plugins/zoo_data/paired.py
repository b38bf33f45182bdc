"""``paired:DIR``: pairs of pictures, one to be made from the other."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo import Data, Fields, Image, RequestError, Split, cached_map, check_split
from zoo_data.folder import existing_folder
from zoo_data.photos import Photo, PhotoRecords, image_names, photos_in, read_photo, summary

LAYOUT = (
    "DIR has train/ and test/ (or val/) with pictures A|B side by side in one file each, or with folders A/ and B/ of "
    "pictures of the same names"
)
_DIRECTIONS = {"atob": "AtoB", "btoa": "BtoA"}


class Paired(Data):
    """Pairs in the layout of pix2pix (Isola et al. 2017): ``{train,test}/*.jpg``, each file A on the left, B on the right.

    ``paired:DIR@BtoA``, which is also what ``paired:DIR`` means, makes A (the image) from B (the source): in the CMP facades
    of pix2pix, the photo from the label map. ``paired:DIR@AtoB`` goes the other way: edges2shoes, maps. The pictures may
    also lie in two folders, ``{train,test}/{A,B}/``, where the two of a pair have the same name but for its extension.
    Where there is no ``test``, the split is ``val``; beside a ``test``, ``val`` is left alone.
    """

    kind: ClassVar[str] = "paired"

    def __init__(self, path: str = "") -> None:
        if not path:
            raise RequestError(f"paired needs the folder of the pairs: write paired:DIR or paired:DIR@AtoB, where {LAYOUT}")
        super().__init__(path)
        folder, at, direction = path.rpartition("@")
        known = bool(at) and direction.lower() in _DIRECTIONS
        self.folder = folder if known else path
        self.direction = _DIRECTIONS[direction.lower()] if known else "BtoA"

    def read(self, split: Split, *, seed: int = 0) -> PhotoRecords:
        """The pairs of one split, sorted by name; ``seed`` changes nothing.

        Raises:
            RequestError: there is no such folder or split, or no pair in it.
        """
        check_split(split)
        if "@" in self.folder and not Path(self.folder).expanduser().exists():
            raise RequestError(f"paired:{self.path}: no such folder; a direction is @AtoB or @BtoA")
        root = existing_folder(self.folder, self.kind, LAYOUT)
        part = next(
            (p for p in ((root / "train",) if split == "train" else (root / "test", root / "val")) if p.is_dir()), None
        )
        if part is None:
            raise RequestError(f"paired:{self.path}: there is no folder {split}/; {LAYOUT}")
        if (part / "A").is_dir() and (part / "B").is_dir():
            a, b = _matched(part)
            return TwoFiles(*((a, b) if self.direction == "BtoA" else (b, a)))
        names = image_names(part)
        if not names:
            raise RequestError(f"paired:{self.path}: {part.name}/ has no picture; {LAYOUT}")
        return SideBySide(photos_in(part, names), view="left-1" if self.direction == "BtoA" else "right-1")


class SideBySide(PhotoRecords):
    """Files that show two pictures: the image is the half that ``view`` names, the source the other."""

    def cut(self, image: Image, index: int) -> Image:
        return self._halves(image)[1]

    def source(self, index: int) -> Image:
        """The picture that the image is to be made from, at its own size."""
        return self._halves(read_photo(self.photos[index]))[0]

    def map_pairs(self, function: Callable[[Image, Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        def compute(index: int) -> Mapping[str, NDArray[np.float32]]:
            return function(*self._halves(read_photo(self.photos[index])))

        return cached_map(compute, self.ids, self.cache_key("pair", key))

    def _halves(self, image: Image) -> tuple[Image, Image]:
        """Source and image; of an odd width, the column in the middle belongs to neither."""
        half = image.shape[1] // 2
        left, right = np.ascontiguousarray(image[:, :half]), np.ascontiguousarray(image[:, -half:])
        return (right, left) if self.view.startswith("left") else (left, right)


class TwoFiles(PhotoRecords):
    """Pairs of files; the name of an item is that of its image.

    Args:
        photos: the images.
        sources: what each is to be made from.
    """

    def __init__(self, photos: Sequence[Photo], sources: Sequence[Photo]) -> None:
        super().__init__(photos)
        self.sources = list(sources)
        self.pair_ids = [hashlib.sha256(s.content + p.content).digest() for p, s in zip(photos, sources, strict=True)]
        self.digest = hashlib.sha256(b"".join(self.pair_ids)).hexdigest()

    def source(self, index: int) -> Image:
        """The picture that the image is to be made from, at its own size."""
        return read_photo(self.sources[index])

    def map_pairs(self, function: Callable[[Image, Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        return cached_map(lambda i: function(self.source(i), self.image(i)), self.pair_ids, self.cache_key("pair", key))


def _matched(part: Path) -> tuple[list[Photo], list[Photo]]:
    """The pictures of A and of B that have each other, sorted by name; a warning names the ones left out.

    Raises:
        RequestError: no two of them belong together.
    """
    sides = []
    for side in ("A", "B"):
        names = image_names(part / side)
        photos = photos_in(part / side, names) if names else []
        sides.append({photo.name.rpartition(".")[0]: photo for photo in photos})
    both = sorted(sides[0].keys() & sides[1].keys())
    if not both:
        raise RequestError(f"{part}: no picture in A/ has the name of one in B/; {LAYOUT}")
    alone = {p.name: "only in " + "AB"[i] for i, side in enumerate(sides) for stem, p in side.items() if stem not in both}
    if alone:
        warnings.warn(f"left out {len(alone)} pictures in {part} without a partner: {summary(alone)}", stacklevel=3)
    return [sides[0][stem] for stem in both], [sides[1][stem] for stem in both]
