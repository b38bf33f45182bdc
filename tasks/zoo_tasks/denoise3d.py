"""Denoising of 3D shapes in spectral space: y is the spectral map of a shape, x the same map with noise and masked portions.

Source: cGML, section 5.4 and appendix 3.12 and 4; Table 4 and Table 6. The maps are :mod:`zoo_tasks.spectra`'s.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo import (
    Data,
    Pairs,
    Records,
    RequestError,
    Split,
    Task,
    array_names,
    at_least,
    read_array,
    read_shape,
    share,
    solid_of,
    user_path,
    voxel_picture,
)
from zoo_tasks.spectra import ZERO, Harmonics, Spectrum, Zernike
from zoo_tasks.surface import Voxels, check_grids

KEY = "voxels"
"""The name of the array in a ``.npz`` file of several."""


@dataclass(frozen=True)
class Denoise3dConfig:
    """Settings of the task.

    Attributes:
        moments: ``harmonics`` of the extent function, fields (1, size, size), or 100 ``zernike`` moments, fields (1, 32, 32).
        size: of harmonics, the degrees kept and the side of the field (paper: 64); 8 to 128.
        noise: standard deviation of the Gaussian noise, in the units of the field, which is in [0, 1].
        masked: the share of the map that is masked, in square blocks at random places; in [0, 1).
        seed: of the noise and the masks; a shape has the same ones wherever it turns up.
    """

    moments: Literal["harmonics", "zernike"] = "harmonics"
    size: int = 64
    noise: float = 0.02
    masked: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        if not 8 <= self.size <= 128:
            raise RequestError(f"size is {self.size}; it must be 8 to 128")
        at_least(self, 0, "noise", "seed")
        share(self, "masked")


class Denoise3d(Task):
    """Denoising of spectral maps: x is the corrupted map and y the clean one, both (1, size, size) in [0, 1].

    A map says all that is known of a shape; a masked block leaves its part of the spectrum open, so that several shapes fit.
    """

    cites = ("ramasinghe2021cgml",)
    Config = Denoise3dConfig
    data = "solids"
    x_name, y_name = "corrupted spectral map", "spectral map"
    item = "shape"
    shows_truth = False
    config: Denoise3dConfig

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.spectrum: Spectrum = Zernike() if self.config.moments == "zernike" else Harmonics(self.config.size)
        self.x_shape = self.y_shape = (1, self.spectrum.field, self.spectrum.field)

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        records = data.read(split, seed=seed)
        grids = self._grids(records)
        maps = self.spectrum.maps(grids)
        spoilt = np.stack([self._corrupt(clean, grid) for clean, grid in zip(maps, grids, strict=True)])
        x, y = (torch.from_numpy(self.spectrum.expand(values)) for values in (spoilt, maps))
        return Pairs(x=x, y=y, names=records.names, digest=records.digest)

    def _grids(self, records: Records) -> Voxels:
        grids = records.array("voxels")
        if grids is None:
            raise RequestError("this data has no shapes; denoise3d runs on solids and on voxels:DIR")
        check_grids(grids)
        return grids.astype(bool, copy=False)

    def _corrupt(self, clean: NDArray[np.float32], grid: Voxels) -> NDArray[np.float32]:
        """One map (c, c) with noise, then with some blocks put to what says nothing."""
        content = hashlib.sha256(repr(grid.shape).encode() + np.packbits(grid).tobytes()).digest()
        random = np.random.default_rng([self.config.seed, int.from_bytes(content[:8], "little")])
        noise = random.standard_normal(clean.shape, np.float32)
        spoilt = np.clip(clean + np.float32(self.config.noise) * noise, 0, 1)
        side = len(clean)
        edge = max(2, side // 8)
        across = -(-side // edge)
        hidden = np.zeros(across * across, bool)
        hidden[random.permutation(across * across)[: round(self.config.masked * across * across)]] = True
        spoilt[hidden.reshape(across, across).repeat(edge, 0).repeat(edge, 1)[:side, :side]] = ZERO
        return spoilt

    def read(self, given: Any) -> Voxels:
        """A shape (s, s, s) bool of an array, bool or of zeros and ones, or of the path of a file of it.

        That is ``.npy``, ``.binvox``, or ``.npz`` with it as ``voxels`` or as its only array. Where an array holds many,
        (N, s, s, s), ``PATH:I`` is number I, from 0. A further axis of length one is dropped.
        """
        if isinstance(given, (str, os.PathLike)):
            shape = _from_file(os.fspath(given))
        elif isinstance(given, np.ndarray):
            shape = solid_of(given, "the shape", axes=3)
        else:
            wanted = "a path of .npy, .npz or .binvox, or an array (s, s, s)"
            raise RequestError(f"the shape is of type {type(given).__name__}; it must be {wanted}")
        check_grids(shape[None])
        return shape

    def item_of(self, records: Records, index: int) -> Voxels:
        return self._grids(records)[index]

    def condition(self, item: Voxels) -> tuple[Tensor, Voxels]:
        """x of one shape (s, s, s) bool, corrupted as in the pairs, and the shape."""
        if not isinstance(item, np.ndarray):
            raise RequestError(f"a shape is an array (s, s, s) bool, not of type {type(item).__name__}")
        check_grids(item[None])
        spoilt = self._corrupt(self.spectrum.maps(item[None])[0], item)
        return torch.from_numpy(self.spectrum.expand(spoilt[None])[0]), item

    def compose(self, context: Voxels, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """The shapes that n maps stand for, (n, 128, 128, 3) uint8: of harmonics, the star-shaped solid within the extent."""
        self.check_fields(y, x_hat)
        pictures = [voxel_picture(shape) for shape in self.solids(y).numpy()]
        return torch.from_numpy(np.array(pictures, np.uint8).reshape(-1, 128, 128, 3))

    def solids(self, y: Tensor) -> Tensor:
        """The shapes of fields y, (B, 48, 48, 48) bool, each centred and scaled to the cube's ball."""
        self.check_fields(y)
        return torch.from_numpy(self.spectrum.solids(y.detach().cpu().numpy()))


def _from_file(name: str) -> Voxels:
    whole = user_path(name)
    path, colon, number = name.rpartition(":")
    chosen = int(number) if colon and re.fullmatch("[0-9]{1,9}", number) and not whole.exists() else None
    file = whole if chosen is None else user_path(path)
    if file.suffix.lower() not in (".npz", ".npy"):
        return read_shape(file)
    names = array_names(file)
    key = names[0] if len(names) == 1 else KEY
    if key not in names:
        raise RequestError(f"{file} holds {', '.join(names) or 'no arrays'}; the shape's must be called {KEY}")
    values = read_array(file, key)
    if values.ndim > 4 or (values.ndim == 4 and 1 not in (len(values), values.shape[-1])):
        if chosen is None:
            raise RequestError(f"{file} holds {len(values)} shapes; name one of them, {file}:0 to {file}:{len(values) - 1}")
        if chosen >= len(values):
            raise RequestError(f"{file} holds {len(values)} shapes; there is no number {chosen}, they are counted from 0")
        values = values[chosen]
    return solid_of(values, file.name, axes=3)
