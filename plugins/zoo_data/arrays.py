"""``arrays:FILE``: x and y, or pictures, in a file of NumPy (.npz) or of safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo import ArrayRecords, Records, RequestError, array_names, read_array, user_path
from zoo_data.kinds import SplitData

KEYS = "x and y, or x_train, y_train, x_test and y_test; y may be left out where x is pictures"


class Arrays(SplitData):
    """Arrays in a file, ``arrays:FILE.npz`` or ``arrays:FILE.safetensors``: x and y, N items each.

    The arrays are called ``x`` and ``y``, or ``x_train``, ``y_train``, ``x_test`` and ``y_test``; without a test, about one
    item in ten is held out by its content (:attr:`split_seed`). ``groups`` (N,) numbers (``groups_train``, ...) say which
    items belong together: a group is never on both sides. x and y are numbers, (N, D), (N, C, h, w) and the like, or
    pictures: uint8, or shares in [0, 1], (N, h, w, 3), (N, 3, h, w) or (N, h, w). Whole numbers y (N,) beside pictures are
    their classes. Of pictures x alone, any task on photos can be made. Without a task, the task is ``pairs``.
    """

    kind = "arrays"
    task = "pairs"
    layout = f"FILE is a .npz or a .safetensors with {KEYS}"

    @classmethod
    def example(cls, folder: Path) -> str:
        """Twenty pairs of numbers."""
        x = np.random.default_rng(0).random((20, 2), np.float32)
        np.savez(folder / "example.npz", x=x, y=x.sum(1, keepdims=True))
        return str(folder / "example.npz")

    def __init__(self, path: str = "") -> None:
        super().__init__(path)
        if not path:
            raise RequestError(f"arrays needs a file: write arrays:FILE.npz or arrays:FILE.safetensors, with {KEYS}")

    def parts(self) -> Mapping[str, Records]:
        path = user_path(self.path)
        try:
            names = array_names(path)
        except RequestError as error:
            raise RequestError(f"{error}; {self.layout}") from error
        if {"x_train", "x_test"} <= {*names}:
            return {split: self._records(path, names, f"_{split}") for split in ("train", "test")}
        if "x" not in names:
            raise RequestError(f"it has the arrays {', '.join(names) or '(none)'}, and not {KEYS}")
        return {"train": self._records(path, names, "")}

    def _records(self, path: Path, names: list[str], ending: str) -> ArrayRecords:
        x, y, groups = (
            read_array(path, f"{name}{ending}") if f"{name}{ending}" in names else None for name in ("x", "y", "groups")
        )
        belong = [] if groups is None else [str(group) for group in groups.reshape(-1).tolist()]
        return ArrayRecords(x, y, groups=belong)
