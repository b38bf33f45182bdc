"""Solid shapes in boxes of small cubes: ``voxels:DIR``, one class a file or a folder, and ``solids``, generated here."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import Attributes, Image, Records, RequestError, Split, read_shape, solid_of, voxel_picture
from zoo_data.kinds import FolderData, GeneratedData, one_word

SIDE = 32
"""Voxels a side of a generated solid."""
VERSION = "1"
"""Of the generated solids: to be raised whenever the same seed gives other ones."""
CLASSES = ("box", "ellipsoid", "cylinder", "table", "chair")


class Voxels(FolderData):
    """Shapes by class (ModelNet, Wu et al. 2015): ``<class>.npz``, or ``<class>/{train,test}/`` with a file a shape.

    A ``.npz`` holds ``train`` and ``test``, or ``voxels``, of which the first 80 % of the class are for training and the rest
    for testing. A shape is (s, s, s), true or 1 where it is solid; all shapes are of one s. A further axis of length one is
    dropped. The files of a shape are ``.npy`` or ``.binvox`` (x, y, z). Shapes with nothing solid are left out, and a warning
    names them. Attributes are the classes, by file or folder name. Items are class by class in the order of their files, and
    the seed changes nothing.
    """

    kind = "voxels"
    needs = "the folder of the shapes"
    layout = (
        "DIR has <class>.npz with voxels (N, s, s, s), or with train and test of that shape; or <class>/train/ and "
        "<class>/test/ with .npy or .binvox"
    )

    def records(self, root: Path, split: Split, seed: int) -> VoxelRecords:
        paths = sorted(path for path in root.iterdir() if path.suffix == ".npz" and not path.name.startswith("."))
        parts = {path.stem: (path, *_from_npz(path, split)) for path in paths}
        if not paths:
            paths = sorted(path for path in root.iterdir() if (path / "train").is_dir() or (path / "test").is_dir())
            parts = {path.name: (path, *_from_folder(path, split)) for path in paths}
        if not paths:
            raise self.wrong("there are no shapes")
        names = [name for _, _, part in parts.values() for name in part]
        if not names:
            raise self.wrong(f"there are no shapes for the split {split}")
        (first, (_, some, _)), *others = ((title, part) for title, part in parts.items() if len(part[1]))
        for _, (path, shapes, _) in others:
            if shapes.shape[1:] != some.shape[1:]:
                sizes = [" x ".join(map(str, these.shape[1:])) for these in (shapes, some)]
                raise RequestError(f"{path.name} has shapes of {sizes[0]}, {first} of {sizes[1]}; they must agree")
        voxels = np.concatenate([some, *(shapes for _, (_, shapes, _) in others)])
        labels = np.repeat(np.arange(len(parts)), [len(part) for _, _, part in parts.values()])
        full = np.array([shape.any() for shape in voxels])
        empty = {name: "nothing solid" for name, there in zip(names, full, strict=True) if not there}
        if not full.any():
            raise RequestError(f"{self}: every shape of the split {split} is empty")
        self.skip(empty, len(names), "shapes")
        names = [name for name in names if name not in empty]
        return VoxelRecords(voxels[full], names, Attributes.classes([one_word(title) for title in parts], labels[full]))


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


def _from_npz(path: Path, split: Split) -> tuple[NDArray[np.bool_], list[str]]:
    """The shapes of one class in one split, (n, s, s, s), and their names; a RequestError where this is no such file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            key = split if {"train", "test"} <= set(file.files) else "voxels"
            if key not in file.files:
                has = ", ".join(file.files) or "nothing"
                raise RequestError(f"{path.name} has neither voxels nor train and test; it has {has}")
            shapes = solid_of(file[key], path.name, axes=4)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise RequestError(f"cannot read {path}: {error}") from error
    numbers = range(len(shapes))
    if key == "voxels":
        bar = round(0.8 * len(shapes))
        numbers = numbers[:bar] if split == "train" else numbers[bar:]
    return shapes[numbers.start : numbers.stop], [f"{path.stem} {i}" for i in numbers]


def _from_folder(path: Path, split: Split) -> tuple[NDArray[np.bool_], list[str]]:
    files = sorted(f for f in (path / split).glob("*") if f.suffix in (".npy", ".binvox"))
    shapes = [read_shape(file) for file in files]
    for file, shape in zip(files, shapes, strict=True):
        if shape.shape != shapes[0].shape:
            raise RequestError(f"{file} is {shape.shape}, {files[0].name} {shapes[0].shape}; all shapes must be of one size")
    return np.stack(shapes) if shapes else np.zeros((0, 0, 0, 0), bool), [f"{path.name}/{file.stem}" for file in files]


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
