"""``paired:DIR``: pairs of pictures, one to be made from the other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import Fields, Image, RequestError, Split, cached_map
from zoo_data.folder import Photo, PhotoRecords, file_names, photos_in, read_photo
from zoo_data.kinds import FolderData, first_of


class Paired(FolderData):
    """Pairs in the layout of pix2pix (Isola et al. 2017): ``{train,test}/*.jpg``, each file A on the left, B on the right.

    ``paired:DIR@BtoA``, which is also what ``paired:DIR`` means, makes A (the image) from B (the source): in the CMP facades
    of pix2pix, the photo from the label map. ``paired:DIR@AtoB`` goes the other way: edges2shoes, maps. The pictures may
    also lie in two folders, ``{train,test}/{A,B}/``, where the two of a pair have the same name but for its extension.
    Where there is no ``test``, the split is ``val``; beside a ``test``, ``val`` is left alone. Items are sorted by name, and
    the seed changes nothing.
    """

    kind = "paired"
    needs = "the folder of the pairs"
    form = "paired:DIR or paired:DIR@AtoB"
    layout = (
        "DIR has train/ and test/ (or val/) with pictures A|B side by side in one file each, or with folders A/ and B/ of "
        "pictures of the same names"
    )

    def __init__(self, path: str = "") -> None:
        super().__init__(path)
        folder, _, direction = path.rpartition("@")
        known = bool(folder) and direction.lower() in ("atob", "btoa")
        self.folder = folder if known else path
        self.backwards = not known or direction.lower() == "btoa"
        if "@" in self.folder and not Path(self.folder).expanduser().exists():
            self.layout = f"a direction is @AtoB or @BtoA; {self.layout}"

    def records(self, root: Path, split: Split, seed: int) -> PhotoRecords:
        part = first_of(root, *(("train",) if split == "train" else ("test", "val")))
        if part is None:
            raise self.wrong(f"there is no folder {split}/")
        if (part / "A").is_dir() and (part / "B").is_dir():
            a, b = self._matched(part)
            return PairRecords(a, b) if self.backwards else PairRecords(b, a)
        names = file_names(part)
        if not names:
            raise self.wrong(f"{part.name}/ has no picture")
        return PairRecords(photos_in(self, part, names), shown="left-1" if self.backwards else "right-1")

    def _matched(self, part: Path) -> tuple[list[Photo], list[Photo]]:
        """The pictures of A and of B that have each other, sorted by name; others are left out."""
        listed = {side: file_names(part / side) for side in "AB"}
        photos = {side: photos_in(self, part / side, names) if names else [] for side, names in listed.items()}
        a, b = ({photo.name.rpartition(".")[0]: photo for photo in photos[side]} for side in "AB")
        both = sorted(a.keys() & b.keys())
        if not both:
            raise RequestError(f"{part}: no picture in A/ has the name of one in B/; {self.layout}")
        alone = {f"A/{a[stem].name}": "it has no partner in B/" for stem in a if stem not in b}
        alone |= {f"B/{b[stem].name}": "it has no partner in A/" for stem in b if stem not in a}
        self.skip(alone, len(a) + len(b), "pictures", self.below(part))
        return [a[stem] for stem in both], [b[stem] for stem in both]


class PairRecords(PhotoRecords):
    """Photos, each with the picture that it is to be made from: of ``sources``, or the other half of the same file.

    ``shown`` says which half is the image, ``left`` or ``right``, with a version.
    """

    def __init__(self, photos: Sequence[Photo], sources: Sequence[Photo] = (), shown: str = "") -> None:
        super().__init__(photos, cut=(lambda image, index: self._halves(image)[1]) if shown else None, shown=shown)
        self._sources, self._left, self._pair_ids = sources, shown.startswith("left"), self.ids
        if sources:
            self._pair_ids = [hashlib.sha256(s.content + p.content).digest() for s, p in zip(sources, photos, strict=True)]
            self.digest = hashlib.sha256(b"".join(self._pair_ids)).hexdigest()

    def pair(self, index: int) -> tuple[Image, Image]:
        image = read_photo(self.photos[index])
        return (read_photo(self._sources[index]), image) if self._sources else self._halves(image)

    def source(self, index: int) -> Image:
        return self.pair(index)[0]

    def map_pairs(self, function: Callable[[Image, Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        view = self.view.replace("photo", "pair", 1)
        return cached_map(lambda i: function(*self.pair(i)), self._pair_ids, f"{view}:{key}")

    def _halves(self, image: Image) -> tuple[Image, Image]:
        """Source and image; of an odd width, the column in the middle belongs to neither."""
        half = image.shape[1] // 2
        left, right = np.ascontiguousarray(image[:, :half]), np.ascontiguousarray(image[:, -half:])
        return (right, left) if self._left else (left, right)
