"""``solids``: simple things as voxels, boxes, ellipsoids, elliptic cylinders, tables and chairs; needs no files.

A thing stands upright, its third axis upwards, and is turned about it by up to 0.3 rad. Its sizes are drawn uniformly.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from zoo import Attributes, Split
from zoo_data.kinds import GeneratedData
from zoo_data.voxels import VoxelRecords

SIDE = 32
"""Voxels a side."""
VERSION = "1"
"""Of the solids: to be raised whenever the same seed gives other ones."""
CLASSES = ("box", "ellipsoid", "cylinder", "table", "chair")


class SolidRecords(VoxelRecords):
    """Generated solids, 32 x 32 x 32; ``attributes`` are their five classes, exclusive, each about as frequent."""

    view = f"solid-{VERSION}"

    def __init__(self, split: Split, seed: int, count: int) -> None:
        labels = np.arange(count) % len(CLASSES)
        stream = [17, int(split == "test"), seed & (2**64 - 1)]
        voxels = np.stack([draw(CLASSES[label], np.random.default_rng([*stream, i])) for i, label in enumerate(labels)])
        names = [f"{CLASSES[label]} {i}" for i, label in enumerate(labels)]
        super().__init__(voxels, names, Attributes.classes(CLASSES, labels))
        self.digest = hashlib.sha256(f"solids {VERSION} {seed} {split} {count}".encode()).hexdigest()

    @cached_property
    def ids(self) -> list[bytes]:
        return [hashlib.sha256(np.packbits(voxels).tobytes()).digest() for voxels in self.voxels]


class Solids(GeneratedData[SolidRecords]):
    """Generated solids; ``solids:2000`` asks for 2000 training solids instead of 512. There are always 128 test solids."""

    kind = "solids"
    items = "N training solids"
    sizes = (512, 128)
    generate = SolidRecords


def draw(kind: str, random: np.random.Generator) -> NDArray[np.bool_]:
    """A solid of one of the :data:`CLASSES`, (32, 32, 32) bool."""
    space = _Space(random.uniform(-0.3, 0.3))
    if kind == "box":
        space.box((0, 0, 0), random.uniform(0.2, 0.7, 3))
    elif kind == "ellipsoid":
        space.ellipsoid(random.uniform(0.25, 0.95, 3))
    elif kind == "cylinder":
        space.cylinder(0, random.uniform(0.2, 0.85, 2), random.uniform(0.2, 0.95))
    elif kind == "table":
        _table(space, random)
    else:
        _chair(space, random)
    return space.voxels


class _Space:
    """Voxels of the cube [-1, 1]^3 that are filled part by part, turned about the third axis by ``turn`` (rad)."""

    def __init__(self, turn: float) -> None:
        self.voxels = np.zeros((SIDE, SIDE, SIDE), bool)
        self.z = (2 * np.arange(SIDE) + 1) / SIDE - 1
        x, y = np.meshgrid(self.z, self.z, indexing="ij")
        self.x, self.y = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x

    def _fill(self, plan: NDArray[np.bool_], centre: float, half: float) -> None:
        """Everything that stands on ``plan`` (32, 32), from centre - half to centre + half, at least one layer."""
        layers = np.abs(self.z - centre) <= max(half, 1 / SIDE)
        self.voxels |= plan[..., None] & layers

    def box(self, centre: tuple[float, float, float], half: NDArray[np.float64] | tuple[float, float, float]) -> None:
        plan = (np.abs(self.x - centre[0]) <= half[0]) & (np.abs(self.y - centre[1]) <= half[1])
        self._fill(plan, centre[2], float(half[2]))

    def cylinder(self, centre: float, radii: NDArray[np.float64] | tuple[float, float], half: float) -> None:
        self._fill((self.x / radii[0]) ** 2 + (self.y / radii[1]) ** 2 <= 1, centre, half)

    def ellipsoid(self, half: NDArray[np.float64]) -> None:
        plane = (self.x / half[0]) ** 2 + (self.y / half[1]) ** 2
        self.voxels |= plane[..., None] + (self.z / half[2]) ** 2 <= 1


def _table(space: _Space, random: np.random.Generator) -> None:
    """A top, round or not, on four legs or, if round, on a column with a foot."""
    wide, deep = random.uniform(0.45, 0.68, 2)
    top, thick, leg = random.uniform(0.1, 0.7), random.uniform(0.04, 0.09), random.uniform(0.045, 0.09)
    low = -0.75
    if random.random() < 0.35:
        space.cylinder(top, (wide, deep), thick)
        space.cylinder((top + low) / 2, (leg + 0.03, leg + 0.03), (top - low) / 2)
        space.cylinder(low, (0.6 * wide, 0.6 * deep), 0.05)
        return
    space.box((0, 0, top), (wide, deep, thick))
    _legs(space, wide - leg, deep - leg, leg, low, top)


def _chair(space: _Space, random: np.random.Generator) -> None:
    """A seat on four legs, a back, and arms on every third."""
    wide, deep = random.uniform(0.32, 0.55, 2)
    seat, thick, leg = random.uniform(-0.3, 0.05), random.uniform(0.045, 0.1), random.uniform(0.045, 0.085)
    low, high, arms = -0.9, random.uniform(0.5, 0.95), random.random() < 1 / 3
    space.box((0, 0, seat), (wide, deep, thick))
    space.box((0, deep - leg, (seat + high) / 2), (wide, leg, (high - seat) / 2))
    _legs(space, wide - leg, deep - leg, leg, low, seat)
    if arms:
        rest = seat + random.uniform(0.25, 0.4)
        for side in (-1, 1):
            space.box((side * (wide - leg), 0, rest), (leg, deep, 0.05))
            space.box((side * (wide - leg), leg - deep, (seat + rest) / 2), (leg, leg, (rest - seat) / 2))


def _legs(space: _Space, x: float, y: float, half: float, low: float, high: float) -> None:
    for side, end in product((-1, 1), repeat=2):
        space.box((side * x, end * y, (low + high) / 2), (half, half, (high - low) / 2))
