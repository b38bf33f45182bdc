"""``voxels:DIR``: solid shapes in boxes of small cubes, one class of shapes a file or a folder."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import ClassVar

import numpy as np

from zoo import Attributes, RequestError, Split
from zoo_data.arrays import VoxelRecords
from zoo_data.kinds import FolderData, one_word
from zoo_data.listing import summary
from zoo_data.voxel_files import Solid, read_shape, solid

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

    kind: ClassVar[str] = "voxels"

    needs = "the folder of the shapes"
    layout = (
        "DIR has <class>.npz with voxels (N, s, s, s), or with train and test of that shape; or <class>/train/ and "
        "<class>/test/ with .npy or .binvox"
    )

    def records(self, root: Path, split: Split, seed: int) -> VoxelRecords:
        files = sorted(path for path in root.iterdir() if path.suffix == ".npz" and not path.name.startswith("."))
        folders = sorted(path for path in root.iterdir() if (path / "train").is_dir() or (path / "test").is_dir())
        if not files and not folders:
            raise self.wrong("there are no shapes")
        parts: list[Solid] = []
        names: list[str] = []
        classes = [path.stem for path in files] or [path.name for path in folders]
        for path in files or folders:
            part, part_names = _from_npz(path, split) if files else _from_folder(path, split)
            if parts and part.shape[1:] != parts[0].shape[1:] and len(part):
                raise RequestError(
                    f"{path.name} has shapes of {_size(part)}, {classes[0]} of {_size(parts[0])}; they must agree"
                )
            parts.append(part.reshape(len(part), *(part if len(part) or not parts else parts[0]).shape[1:]))
            names += part_names
        if not names:
            raise self.wrong(f"there are no shapes for the split {split}")
        labels = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        voxels = np.concatenate(parts)
        full = np.array([shape.any() for shape in voxels])
        if not full.all():
            empty = {name: "nothing solid" for name, there in zip(names, full, strict=True) if not there}
            if len(empty) == len(names):
                raise RequestError(f"{self}: every shape of the split {split} is empty")
            warnings.warn(f"left out {len(empty)} of {len(names)} shapes in {root}: {summary(empty)}", stacklevel=2)
            voxels, labels = voxels[full], labels[full]
            names = [name for name in names if name not in empty]
        return VoxelRecords(voxels, names, Attributes.classes([one_word(name) for name in classes], labels))


def _size(shapes: Solid) -> str:
    return " x ".join(map(str, shapes.shape[1:]))


def _from_npz(path: Path, split: Split) -> tuple[Solid, list[str]]:
    """The shapes of one class in one split, (n, s, s, s), and their names.

    Raises:
        RequestError: this is not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            key = split if {"train", "test"} <= set(file.files) else "voxels"
            if key not in file.files:
                raise RequestError(
                    f"{path.name} has neither voxels nor train and test; it has {', '.join(file.files) or 'nothing'}"
                )
            shapes = solid(file[key], path.name, axes=4)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise RequestError(f"cannot read {path}: {error}") from error
    first, last = 0, len(shapes)
    if key == "voxels":
        bar = round(TRAIN_SHARE * len(shapes))
        first, last = (0, bar) if split == "train" else (bar, len(shapes))
    return shapes[first:last], [f"{path.stem} {i}" for i in range(first, last)]


def _from_folder(path: Path, split: Split) -> tuple[Solid, list[str]]:
    """As :func:`_from_npz`, of a folder ``<class>/{train,test}/``."""
    folder = path / split
    files = sorted(f for f in folder.iterdir() if f.suffix in (".npy", ".binvox")) if folder.is_dir() else []
    shapes = [read_shape(file) for file in files]
    for file, shape in zip(files, shapes, strict=True):
        if shape.shape != shapes[0].shape:
            raise RequestError(f"{file} is {shape.shape}, {files[0].name} {shapes[0].shape}; all shapes must be of one size")
    return np.stack(shapes) if shapes else np.zeros((0, 0, 0, 0), bool), [f"{path.name}/{file.stem}" for file in files]
