"""Solid shapes in boxes of small cubes: ``voxels:DIR``, one class a file or a folder, and ``solids``, generated here."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zoo import (
    Attributes,
    Image,
    Records,
    RequestError,
    Split,
    afford,
    array_names,
    cause,
    read_array,
    read_shape,
    solid_of,
    summary,
    voxel_picture,
)
from zoo_data.folder import file_names
from zoo_data.kinds import FolderData, GeneratedData, own_words
from zoo_data.layouts import SPLITS, holds, inside, split_folder

SIDE = 32
"""Voxels a side of a generated solid."""
VERSION = "1"
"""Of the generated solids: to be raised whenever the same seed gives other ones."""
CLASSES = ("box", "ellipsoid", "cylinder", "table", "chair")
_ENDINGS = frozenset({".npy", ".npz", ".binvox"})
_Part = tuple[NDArray[np.bool_], list[str]]
"""Shapes of one class, (n, s, s, s), and their names."""
_Items = TypeVar("_Items", range, list[Path])


class Voxels(FolderData):
    """Shapes by class (ModelNet, Wu et al. 2015): ``<class>.npz``, or a folder a class with a file a shape.

    A ``.npz`` holds ``train`` and ``test`` (or ``val``), or ``voxels``; a ``.npy`` in its place is such an array. The folders
    are ``<class>/{train,test}/`` or ``{train,test}/<class>/``, by any name that such folders have, and the files in them
    ``.npy``, ``.npz`` of one array, or ``.binvox`` (x, y, z). Where nothing tells the splits, the first 80 % of a class are
    for training and the rest for testing.

    A shape is (s, s, s), true or 1 where it is solid; all shapes are of one s. A further axis of length one is dropped. Files
    that cannot be used, or are of another size than most, and shapes with nothing solid are left out. Attributes are the
    classes, by file or folder name. Items are class by class in the order of their files, and the seed changes nothing.
    """

    kind = "voxels"
    needs = "the folder of the shapes"
    layout = (
        "DIR has <class>.npz with voxels (N, s, s, s), or with train and test of that shape; or <class>/train/ and "
        "<class>/test/ with .npy or .binvox"
    )

    def records(self, root: Path, split: Split, seed: int) -> VoxelRecords:
        files = [root / name for name in inside(root, folders=False) if name.lower().endswith((".npz", ".npy"))]
        parts = {file.stem: _from_array(file, split) for file in files} or self._from_folders(root, split)
        if not parts:
            raise self.wrong(f"there are no shapes, but {holds(root)}")
        names = [name for _, part in parts.values() for name in part]
        if not names:
            raise self.wrong(f"there are no shapes for the split {split}")
        (first, (some, _)), *others = ((title, part) for title, part in parts.items() if len(part[0]))
        for title, (shapes, _) in others:
            if shapes.shape[1:] != some.shape[1:]:
                raise RequestError(f"{title} has shapes of {_size(shapes[0])}, {first} of {_size(some[0])}; they must agree")
        voxels = np.concatenate([some, *(shapes for _, (shapes, _) in others)])
        labels = np.repeat(np.arange(len(parts)), [len(part) for _, part in parts.values()])
        full = np.array([shape.any() for shape in voxels])
        empty = {name: "nothing solid" for name, there in zip(names, full, strict=True) if not there}
        if not full.any():
            raise RequestError(f"{self}: every shape of the split {split} is empty")
        self.skip(empty, len(names), "shapes")
        names = [name for name in names if name not in empty]
        return VoxelRecords(voxels[full], names, Attributes.classes(own_words(list(parts)), labels[full]))

    def _from_folders(self, root: Path, split: Split) -> dict[str, _Part]:
        """The shapes of each class; those of all that can be used, if they are of one size."""
        sides: dict[Split, Path | None] = {part: split_folder(root, part) for part in SPLITS}
        places = [place for place in sides.values() if place] if all(sides.values()) else [root]
        titles = sorted({name for place in places for name in inside(place, folders=True)})
        own = sides[split] if len(places) == 2 else None
        found_of = {title: self._files(root / title, split) if own is None else _named(own / title) for title in titles}
        files = {title: found for title, found in found_of.items() if found is not None}
        shapes: dict[Path, NDArray[np.bool_]] = {}
        bad: dict[str, str] = {}
        listed = [file for found in files.values() for file in found]
        for file in listed:
            try:
                shapes[file] = read_shape(file)
                if len(shapes) == 1:
                    afford(3 * len(listed) * shapes[file].nbytes, f"{len(listed)} shapes like {file.name}", "take fewer")
            except RequestError as error:
                bad[self.below(file)] = cause(error.__cause__ or error)
        sizes = Counter(shape.shape for shape in shapes.values()).most_common(2)
        if len(sizes) > 1 and sizes[0][1] == sizes[1][1]:
            raise RequestError(f"{self} has as many shapes of {sizes[0][0]} as of {sizes[1][0]}; all must be of one size")
        for file in [file for file, shape in shapes.items() if shape.shape != sizes[0][0]]:
            bad[self.below(file)] = f"it is {_size(shapes.pop(file))}, unlike most"
        if bad and not shapes:
            raise RequestError(f"{self} has no readable shape: {summary(bad)}")
        self.skip(bad, len(bad) + len(shapes), "shapes")
        parts = {}
        for title, found in files.items():
            good = [file for file in found if file in shapes]
            stacked = np.stack([shapes[file] for file in good]) if good else np.zeros((0, 0, 0, 0), bool)
            parts[title] = stacked, [f"{title}/{file.stem}" for file in good]
        return parts

    def _files(self, place: Path, split: Split) -> list[Path] | None:
        """The files of one class in one split; None where its folder is of no class."""
        if split_folder(place, "train") or split_folder(place, "test"):
            part = split_folder(place, split)
            return _named(part) if part else []
        return _share(found, split) if (found := _named(place)) else None


class VoxelRecords(Records):
    """Solid shapes, ``voxels`` (N, s, s, s) bool, True inside, that lie in memory."""

    view = "voxels-2"

    def __init__(self, voxels: NDArray[np.bool_], names: Sequence[str], attributes: Attributes) -> None:
        self.voxels, self.names, self.attributes = voxels, names, attributes
        side = repr(voxels.shape[1:]).encode()
        self.ids = [hashlib.sha256(side + np.packbits(shape).tobytes()).digest() for shape in voxels]
        self.digest = hashlib.sha256(b"".join(self.ids) + attributes.digest()).hexdigest()

    def array(self, name: str) -> NDArray[np.generic] | None:
        return self.voxels if name == "voxels" else None

    def image(self, index: int) -> Image:
        return voxel_picture(self.voxels[index])


def _from_array(path: Path, split: Split) -> _Part:
    """The shapes of one class in one split, (n, s, s, s), and their names; a RequestError where this is no such file."""
    names = array_names(path)
    own = {part: next((word for word in SPLITS[part] if word in names), "") for part in SPLITS}
    key = own[split] if all(own.values()) else next((name for name in ("voxels", "") if name in names), None)
    if key is None:
        has = ", ".join(names) or "nothing"
        raise RequestError(f"{path.name} has neither voxels nor train and test; it has {has}")
    shapes = solid_of(read_array(path, key), path.name, axes=4)
    numbers = range(len(shapes)) if all(own.values()) else _share(range(len(shapes)), split)
    return shapes[numbers.start : numbers.stop], [f"{path.stem} {i}" for i in numbers]


def _named(place: Path) -> list[Path]:
    return [place / name for name in file_names(place, _ENDINGS)]


def _share(items: _Items, split: Split) -> _Items:
    """The first 80 % for training, the rest for testing."""
    bar = round(0.8 * len(items))
    return items[:bar] if split == "train" else items[bar:]


def _size(shape: NDArray[np.bool_]) -> str:
    return " x ".join(map(str, shape.shape))


class SolidRecords(VoxelRecords):
    """Generated solids, 32 x 32 x 32; ``attributes`` are their five classes, exclusive, each about as frequent."""

    view = f"solid-{VERSION}"

    def __init__(self, split: Split, seed: int, count: int) -> None:
        labels = np.arange(count) % len(CLASSES)
        stream = [17, int(split == "test"), seed & (2**64 - 1)]
        voxels = np.stack([draw(CLASSES[label], np.random.default_rng([*stream, i])) for i, label in enumerate(labels)])
        names = [f"{CLASSES[label]} {i}" for i, label in enumerate(labels)]
        super().__init__(voxels, names, Attributes.classes(CLASSES, labels))
        self.ids = [hashlib.sha256(np.packbits(shape).tobytes()).digest() for shape in voxels]
        self.digest = hashlib.sha256(f"solids {VERSION} {seed} {split} {count}".encode()).hexdigest()


class Solids(GeneratedData):
    """Generated solids; ``solids:2000`` asks for 2000 training solids instead of 512. There are always 128 test solids.

    A thing stands upright, its third axis upwards, and is turned about it by up to 0.3 rad. Its sizes are drawn uniformly.
    """

    kind = "solids"
    items = "N training solids"
    sizes = (512, 128)
    each = 2 * SIDE**3
    generate = SolidRecords


def draw(kind: str, random: np.random.Generator) -> NDArray[np.bool_]:
    """A solid of one of the :data:`CLASSES`, (32, 32, 32) bool."""
    space = _Space(random.uniform(-0.3, 0.3))
    if kind == "box":
        space.box((0, 0, 0), list(random.uniform(0.2, 0.7, 3)))
    elif kind == "ellipsoid":
        space.ellipsoid(list(random.uniform(0.25, 0.95, 3)))
    elif kind == "cylinder":
        space.cylinder(0, list(random.uniform(0.2, 0.85, 2)), random.uniform(0.2, 0.95))
    elif kind == "table":
        _table(space, random)
    else:
        _chair(space, random)
    return space.voxels


class _Space:
    """Voxels of the cube [-1, 1]^3 that are filled part by part, turned about the third axis by ``turn`` (rad).

    A thing is the same on its left and on its right: whatever is filled at x is filled at -x.
    """

    def __init__(self, turn: float) -> None:
        self.voxels = np.zeros((SIDE, SIDE, SIDE), bool)
        self.z = (2 * np.arange(SIDE) + 1) / SIDE - 1
        x, y = np.meshgrid(self.z, self.z, indexing="ij")
        self.x, self.y = np.abs(np.cos(turn) * x + np.sin(turn) * y), np.cos(turn) * y - np.sin(turn) * x

    def _fill(self, plan: NDArray[np.bool_], centre: float, half: float) -> None:
        """Everything that stands on ``plan`` (32, 32), from centre - half to centre + half, at least one layer."""
        self.voxels |= plan[..., None] & (np.abs(self.z - centre) <= max(half, 1 / SIDE))

    def box(self, centre: Sequence[float], half: Sequence[float]) -> None:
        plan = (np.abs(self.x - centre[0]) <= half[0]) & (np.abs(self.y - centre[1]) <= half[1])
        self._fill(plan, centre[2], half[2])

    def cylinder(self, centre: float, radii: Sequence[float], half: float) -> None:
        self._fill((self.x / radii[0]) ** 2 + (self.y / radii[1]) ** 2 <= 1, centre, half)

    def ellipsoid(self, half: Sequence[float]) -> None:
        plane = (self.x / half[0]) ** 2 + (self.y / half[1]) ** 2
        self.voxels |= plane[..., None] + (self.z / half[2]) ** 2 <= 1


def _table(space: _Space, random: np.random.Generator) -> None:
    """A top, round or not, on four legs or, if round, on a column with a foot."""
    wide, deep = random.uniform(0.45, 0.68, 2)
    top, thick, leg = random.uniform(0.1, 0.7), random.uniform(0.04, 0.09), random.uniform(0.045, 0.09)
    middle, height = (top - 0.75) / 2, (top + 0.75) / 2
    if random.random() < 0.35:
        space.cylinder(top, (wide, deep), thick)
        space.cylinder(middle, (leg + 0.03, leg + 0.03), height)
        space.cylinder(-0.75, (0.6 * wide, 0.6 * deep), 0.05)
    else:
        space.box((0, 0, top), (wide, deep, thick))
        for end in (-1, 1):
            space.box((wide - leg, end * (deep - leg), middle), (leg, leg, height))


def _chair(space: _Space, random: np.random.Generator) -> None:
    """A seat on four legs, a back, and arms on every third."""
    wide, deep = random.uniform(0.32, 0.55, 2)
    seat, thick, leg = random.uniform(-0.3, 0.05), random.uniform(0.045, 0.1), random.uniform(0.045, 0.085)
    high, arms = random.uniform(0.5, 0.95), random.random() < 1 / 3
    space.box((0, 0, seat), (wide, deep, thick))
    space.box((0, deep - leg, (seat + high) / 2), (wide, leg, (high - seat) / 2))
    for end in (-1, 1):
        space.box((wide - leg, end * (deep - leg), (seat - 0.9) / 2), (leg, leg, (seat + 0.9) / 2))
    if arms:
        rest = seat + random.uniform(0.25, 0.4)
        space.box((wide - leg, 0, rest), (leg, deep, 0.05))
        space.box((wide - leg, leg - deep, (seat + rest) / 2), (leg, leg, (rest - seat) / 2))
