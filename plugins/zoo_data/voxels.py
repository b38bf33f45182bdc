"""``voxels:DIR``: solid shapes in boxes of small cubes, one class of shapes a file or a folder."""

from __future__ import annotations

import hashlib
import warnings
import zipfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo import Attributes, Image, Records, RequestError, Split, read_shape, solid_of, voxel_picture
from zoo_data.kinds import FolderData, one_word
from zoo_data.listing import summary

TRAIN_SHARE = 0.8
"""The part of a class that is for training where its file does not say."""


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
        full = voxels.any((1, 2, 3))
        empty = {name: "nothing solid" for name, there in zip(names, full, strict=True) if not there}
        if not full.any():
            raise RequestError(f"{self}: every shape of the split {split} is empty")
        if empty:
            warnings.warn(f"left out {len(empty)} of {len(names)} shapes in {root}: {summary(empty)}", stacklevel=3)
        names = [name for name in names if name not in empty]
        return VoxelRecords(voxels[full], names, Attributes.classes([one_word(title) for title in parts], labels[full]))


class VoxelRecords(Records):
    """Solid shapes, ``voxels`` (N, s, s, s) bool, True inside, that lie in memory."""

    view = "voxels-2"

    def __init__(self, voxels: NDArray[np.bool_], names: Sequence[str], attributes: Attributes) -> None:
        self.voxels, self.names, self.attributes = voxels, names, attributes
        self.digest = hashlib.sha256(b"".join(self.ids) + attributes.digest()).hexdigest()

    @cached_property
    def ids(self) -> list[bytes]:
        side = repr(self.voxels.shape[1:]).encode()
        return [hashlib.sha256(side + np.packbits(shape).tobytes()).digest() for shape in self.voxels]

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
        bar = round(TRAIN_SHARE * len(shapes))
        numbers = numbers[:bar] if split == "train" else numbers[bar:]
    return shapes[numbers.start : numbers.stop], [f"{path.stem} {i}" for i in numbers]


def _from_folder(path: Path, split: Split) -> tuple[NDArray[np.bool_], list[str]]:
    files = sorted(f for f in (path / split).glob("*") if f.suffix in (".npy", ".binvox"))
    shapes = [read_shape(file) for file in files]
    for file, shape in zip(files, shapes, strict=True):
        if shape.shape != shapes[0].shape:
            raise RequestError(f"{file} is {shape.shape}, {files[0].name} {shapes[0].shape}; all shapes must be of one size")
    return np.stack(shapes) if shapes else np.zeros((0, 0, 0, 0), bool), [f"{path.name}/{file.stem}" for file in files]
