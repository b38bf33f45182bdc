"""A task under check, with small pairs of its own data, and a few photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from hashlib import sha256
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo import registry
from zoo.contracts import make
from zoo.contracts.task import Task
from zoo.data.cache import Fields
from zoo.data.items import Image
from zoo.data.pairs import Pairs
from zoo.data.records import Data, Records, Split, check_split
from zoo.testing.verdicts import Subject

POOL = 3  # true draws an item that are asked for


class TaskSubject(Subject):
    kind = "task"

    @cached_property
    def cls(self) -> type[Task]:
        return make.class_of("tasks", self.name)

    @cached_property
    def task(self) -> Task:
        """The task with its default settings: to be looked at, not changed."""
        return self.make()

    def make(self, **config: Any) -> Task:
        return make.task(self.name, **config)

    def direct(self, **config: Any) -> Task:
        """Made of its class, as in a script: by nothing that looks at the settings first."""
        new: Task = registry.load("tasks", self.name)(**config)
        return new

    def data(self) -> Data:
        """The task's own data, anew, so that nothing read before is used again; few scenes, if it is those."""
        return make.data("scenes:64" if self.cls.data == "scenes" else self.cls.data)

    def read(self, split: Split, *, seed: int = 0, pool: int = 0) -> Pairs:
        return self.make().pairs(self.data(), split, seed, pool=pool)

    @property
    def takes_photos(self) -> bool:
        return self.task.item == "photo"

    @cached_property
    def records(self) -> Records:
        return self.data().read("test", seed=0)

    def item(self, index: int = 0) -> Any:
        """Something to start from: a photo of 48 x 64 pixels, or, for a task on other things, one of its own test items."""
        return photo(48, 64) if self.takes_photos else self.task.item_of(self.records, index % len(self.records))

    @cached_property
    def train(self) -> Pairs:
        """The training pairs: to be looked at, not changed."""
        return self.read("train")

    @cached_property
    def test(self) -> Pairs:
        """The test pairs, with a pool where the data knows one: to be looked at, not changed."""
        return self.read("test", pool=POOL)


class FewPhotos(Data):
    kind: ClassVar[str] = "few-photos"

    def read(self, split: Split, *, seed: int = 0) -> FewRecords:
        return FewRecords(check_split(split))


class FewRecords(Records):
    def __init__(self, split: Split, count: int = 4, size: tuple[int, int] = (48, 64)) -> None:
        self.photos = [photo(*size, seed=i + (10 if split == "test" else 0)) for i in range(count)]
        self.names = [f"{split} photo {i}" for i in range(count)]
        self.digest = sha256(f"{self.names} {size}".encode()).hexdigest()

    def image(self, index: int) -> Image:
        return self.photos[index]

    def map(self, function: Callable[[Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        fields = [function(self.image(i)) for i in range(len(self))]
        return {name: np.stack([each[name] for each in fields]) for name in fields[0]}


@cache
def photo(height: int, width: int, seed: int = 0) -> Image:
    """A photo (height, width, 3) uint8 of coloured areas under a smooth light; not to be written to."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    image = np.full((height, width, 3), random.uniform(60, 200, 3))
    for _ in range(4):
        row, column, radius = random.uniform(0, 1, 3)
        image[(rows - row) ** 2 + (columns - column) ** 2 < (0.1 + 0.3 * radius) ** 2] = random.uniform(40, 220, 3)
    light = 0.65 + 0.35 * np.cos(3 * rows + random.uniform(0, 3))
    lit: Image = np.clip(image * light[..., None], 0, 255).astype(np.uint8)
    lit.setflags(write=False)
    return lit
