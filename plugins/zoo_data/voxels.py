"""``voxels:DIR``: solid shapes in boxes of small cubes, one class of shapes a file or a folder."""

from __future__ import annotations

import hashlib
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo import Attributes, Data, Fields, Image, Records, RequestError, Split, cached_map, check_split
from zoo_data.folder import existing_folder, one_word
from zoo_data.listing import summary
from zoo_data.voxel_files import Solid, read_shape, solid
from zoo_data.voxel_picture import voxel_picture

TRAIN_SHARE = 0.8
"""The part of a class that is for training where its file does not say."""
_PICTURES = "2"
"""The version of the pictures: to be raised whenever the same shape gives another one."""
LAYOUT = (
    "DIR has <class>.npz with voxels (N, s, s, s), or with train and test of that shape; or <class>/train/ and <class>/test/ "
    "with .npy or .binvox"
)


class Voxels(Data):
    """Shapes by class (ModelNet, Wu et al. 2015): ``<class>.npz``, or ``<class>/{train,test}/`` with a file a shape.

    A ``.npz`` holds ``train`` and ``test``, or ``voxels``, of which the first 80 % of the class are for training and the rest
    for testing. A shape is (s, s, s), true or 1 where it is solid; all shapes are of one s. A further axis of length one is
    dropped. The files of a shape are ``.npy`` or ``.binvox`` (x, y, z). Shapes with nothing solid are left out, and a warning
    names them. Attributes are the classes, by file or folder name.
    """

    kind: ClassVar[str] = "voxels"

    def __init__(self, path: str = "") -> None:
        if not path:
            raise RequestError(f"voxels needs the folder of the shapes: write voxels:DIR, where {LAYOUT}")
        super().__init__(path)

    def read(self, split: Split, *, seed: int = 0) -> VoxelRecords:
        """The shapes of one split, class by class in the order of their files; ``seed`` changes nothing.

        Raises:
            RequestError: there is no shape, a file cannot be read, or shapes are of different sizes.
        """
        check_split(split)
        root = existing_folder(self.path, self.kind, LAYOUT)
        files = sorted(path for path in root.iterdir() if path.suffix == ".npz" and not path.name.startswith("."))
        folders = sorted(path for path in root.iterdir() if (path / "train").is_dir() or (path / "test").is_dir())
        if not files and not folders:
            raise RequestError(f"voxels:{self.path}: there are no shapes; {LAYOUT}")
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
            raise RequestError(f"voxels:{self.path}: there are no shapes for the split {split}; {LAYOUT}")
        labels = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        voxels = np.concatenate(parts)
        full = np.array([shape.any() for shape in voxels])
        if not full.all():
            empty = {name: "nothing solid" for name, there in zip(names, full, strict=True) if not there}
            if len(empty) == len(names):
                raise RequestError(f"voxels:{self.path}: every shape of the split {split} is empty")
            warnings.warn(f"left out {len(empty)} of {len(names)} shapes in {root}: {summary(empty)}", stacklevel=2)
            voxels, labels = voxels[full], labels[full]
            names = [name for name in names if name not in empty]
        return VoxelRecords(voxels, names, Attributes.classes([one_word(name) for name in classes], labels))


class VoxelRecords(Records):
    """Solid shapes.

    Attributes:
        voxels: (N, s, s, s) bool.
    """

    def __init__(self, voxels: Solid, names: Sequence[str], attributes: Attributes) -> None:
        self.voxels = voxels
        self.names = names
        self.attributes = attributes
        self.digest = hashlib.sha256(b"".join(self.ids) + attributes.digest()).hexdigest()

    @cached_property
    def ids(self) -> list[bytes]:
        """The content id of each shape."""
        side = repr(self.voxels.shape[1:]).encode()
        packed = np.packbits(self.voxels.reshape(len(self.voxels), -1), axis=1)
        return [hashlib.sha256(side + row.tobytes()).digest() for row in packed]

    def array(self, name: str) -> NDArray[np.generic] | None:
        """``voxels`` (N, s, s, s) bool."""
        return self.voxels if name == "voxels" else None

    def image(self, index: int) -> Image:
        """The shape seen obliquely from above, (128, 128, 3); see :func:`zoo_data.voxel_picture.voxel_picture`."""
        return voxel_picture(self.voxels[index])

    def map(self, function: Callable[[Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        return cached_map(lambda i: function(self.image(i)), self.ids, f"voxels-{_PICTURES}:{key}")


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
