"""``paired:DIR``: pairs of pictures, one to be made from the other."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from zoo import Fields, Image, RequestError, Split, cached_map, one_line
from zoo_data.folder import Photo, PhotoRecords, file_names, photos_in, read_photo
from zoo_data.kinds import FolderData
from zoo_data.layouts import SPLITS, holds, inside, split_folder
from zoo_data.turned import Frame

_LOOKED_AT = 12
"""Pictures of a folder by which it is judged whether they are two pictures side by side."""
_SLANTED = 0.1
"""Logarithm of a ratio: two pictures whose shapes differ by more do not show the same."""


class Paired(FolderData):
    """Pairs in the layout of pix2pix (Isola et al. 2017): ``{train,test}/*.jpg``, each file A on the left, B on the right.

    ``paired:DIR@BtoA``, which is also what ``paired:DIR`` means, makes A (the image) from B (the source): in the CMP facades
    of pix2pix, the photo from the label map. ``paired:DIR@AtoB`` goes the other way: edges2shoes, maps. The pictures may
    also lie in two folders, ``{train,test}/{A,B}/``, ``{A,B}/{train,test}/`` or ``trainA/``, ``trainB/``, ..., where the two
    of a pair have the same name but for its extension (and a last ``_A`` or ``_B``). Those without a partner, or with one of
    another shape, are left out.

    A folder of pictures that are plainly no pairs is refused: those that are not twice as wide as high, and show nothing that
    sets their halves apart. The folders of the splits may be called ``Train``, ``training``, ... Where there is no ``test``,
    the split is ``val`` or ``validation``; beside a ``test``, ``val`` is left alone. Items are sorted by name, and the seed
    changes nothing.
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
        sides = _sides(root, split)
        if sides:
            a, b = self._matched(*sides)
            return PairRecords(a, b) if self.backwards else PairRecords(b, a)
        part = split_folder(root, split)
        if part is None:
            raise self.wrong(f"there is no folder {split}/ (DIR holds {holds(root)})")
        names = file_names(part)
        if not names:
            raise self.wrong(f"{part.name}/ has no picture (it holds {holds(part)})")
        photos = photos_in(self, part, names)
        self._seen(part, photos)
        return PairRecords(photos, shown="left-1" if self.backwards else "right-1")

    def _matched(self, *sides: Path) -> tuple[list[Photo], list[Photo]]:
        """The pictures of A and of B that have each other, sorted by name; others are left out."""
        found: list[dict[str, Photo]] = []
        alone: dict[str, str] = {}
        total = 0
        for side, letter in zip(sides, "ab", strict=True):
            names = file_names(side)
            found.append({})
            for photo in photos_in(self, side, names) if names else []:
                total += 1
                if found[-1].setdefault(_stem(photo.name, letter), photo) is not photo:
                    alone[self._told(photo)] = "another picture has its name"
        a, b = found
        both = sorted(a.keys() & b.keys())
        for own, there, other in ((a, b, "B"), (b, a, "A")):
            alone |= {self._told(own[stem]): f"it has no partner in {other}/" for stem in sorted(own.keys() - there.keys())}
        if not both:
            here = " and ".join(f"{side.name}/ holds {holds(side)}" for side in sides)
            raise RequestError(f"{self}: no picture in A/ has the name of one in B/ ({here}); {self.layout}")
        fits = []
        for stem in both:
            shapes = [_shape(of[stem].frame) for of in (a, b)]
            if 0 in (*shapes[0], *shapes[1]) or abs(np.log(np.divide(*shapes[0]) / np.divide(*shapes[1]))) <= _SLANTED:
                fits.append(stem)
            else:
                sizes = [f"{wide} x {high}" for wide, high in shapes]
                alone[self._told(a[stem])] = f"it has {sizes[0]} pixels, and its partner {sizes[1]}: another shape"
        if not fits:
            raise RequestError(
                f"{self}: no picture in A/ has the shape of its partner in B/; {next(reversed(alone.values()))}"
            )
        self.skip(alone, total, "pictures")
        return [a[stem] for stem in fits], [b[stem] for stem in fits]

    def _told(self, photo: Photo) -> str:
        return self.below(photo.path)

    def _seen(self, part: Path, photos: Sequence[Photo]) -> None:
        """See that pictures are two side by side; say what was seen where that is not plain, refuse what is plainly none."""
        chosen = [photos[i] for i in sorted({*np.linspace(0, len(photos) - 1, _LOOKED_AT).round().astype(int).tolist()})]
        double = all(abs(np.divide(*_shape(photo.frame)) - 2) < 0.05 for photo in chosen if photo.frame[0])
        told = [seam(read_photo(photo)) for photo in chosen]
        apart = sum(one is True for one in told) >= max(1, sum(one is False for one in told))
        if apart or (double and False not in told):
            return
        wide, high = _shape(chosen[0].frame)
        if not double and False in told:
            raise self.wrong(
                f"the {len(photos)} pictures in {part.name}/ look like single ones, not like pairs side by side: "
                f"{chosen[0].name} has {wide} x {high} pixels, and nothing sets its halves apart"
            )
        said = (
            f"took the {len(photos)} pictures in {self.below(part)}/ of {self} for pairs side by side, each half {wide // 2} x"
        )
        warnings.warn(one_line(f"{said} {high} pixels; nothing sets the halves apart, so see that they are two"), stacklevel=4)


def _sides(root: Path, split: Split) -> tuple[Path, Path] | None:
    """The folders of A and of B in one split: ``train/A``, ``A/train`` or ``trainA``."""

    def called(place: Path | None, name: str) -> Path | None:
        there = [found for found in inside(place, folders=True) if found.casefold() == name.casefold()] if place else []
        return place / (name if name in there else there[0]) if place and there else None

    part = split_folder(root, split)
    ways = [(called(part, "A"), called(part, "B"))]
    ways.append(tuple(split_folder(place, split) if (place := called(root, side)) else None for side in "AB"))  # type: ignore[arg-type]
    ways += [(called(root, f"{word}{dash}A"), called(root, f"{word}{dash}B")) for word in SPLITS[split] for dash in ("", "_")]
    return next(((a, b) for a, b in ways if a is not None and b is not None), None)


def _stem(name: str, side: str) -> str:
    """A picture's name without its ending, and without a last ``_A`` or ``_B`` that says its side."""
    path = PurePosixPath(name)
    return path.with_name(re.sub(rf"(?<=.)[-_. ]{side}$", "", path.stem, flags=re.IGNORECASE)).as_posix()


def _shape(frame: Frame) -> tuple[int, int]:
    """The width and the height of a photo as it is shown."""
    return (frame[1], frame[0]) if frame[2] >= 5 else frame[:2]


def seam(image: Image) -> bool | None:
    """Whether the two halves of a picture meet at an edge that goes from top to bottom; None where all is flat there.

    That is where the columns in the middle differ by more than twice as much as neighbours do around.
    """
    half = image.shape[1] // 2
    around = (
        image[:, max(0, half - half // 4 - 2) : half].astype(np.int16),
        image[:, -half:][:, : half // 4 + 2].astype(np.int16),
    )
    across = float(np.abs(around[0][:, -1] - around[1][:, 0]).mean())
    nearby = (
        float(np.median(np.concatenate([np.abs(np.diff(part, axis=1)).mean((0, 2)) for part in around]))) if half > 2 else 0.0
    )
    return True if across > 2 * nearby + 2 else None if nearby < 1 else False


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
