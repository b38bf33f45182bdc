"""What the tasks on photos share: two small fields of a photo for models, and the photo with one of them changed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.base import Data, Image, Records, Split
from zoo.errors import RequestError
from zoo.pairs import Pairs
from zoo.task import Task
from zoo_tasks.guidance import guide, guide_mirror
from zoo_tasks.resize import resize

Float = NDArray[np.float32]
FieldsOf = Callable[[Image], tuple[Float, Float]]
"""A photo (H, W, 3) as the fields x and y, each (h, w) in [0, 1]."""

WIDE = 1.5
"""The side of the fields that training crops from, in sides of the model's: windows show 2/3 to all of the photo."""


@dataclass(frozen=True)
class PhotoConfig:
    """Settings of the tasks on photos.

    Attributes:
        size: the side of the fields given to models, in pixels (paper: 32).
        crops: whether training sees random crops and flips of each photo.
        detail: what full-size detail is added to an enlarged sample; see :meth:`PhotoTask.compose`.
    """

    size: int = 32
    crops: bool = True
    detail: Literal["generated", "conditioning", "none"] = "generated"

    def __post_init__(self) -> None:
        if not 4 <= self.size <= 256:
            raise RequestError(f"size is {self.size}; it must be 4 to 256")


class PhotoTask(Task):
    """A task whose x and y are one-channel fields of the same photo, both (1, size, size) float32 in [0, 1].

    Attributes:
        version: changed with what :meth:`fields` computes, so that no stale cache is read.
        known: the names of x and y in :meth:`zoo.data.base.Records.known`.
    """

    Config = PhotoConfig
    version: ClassVar[int] = 1
    known: ClassVar[tuple[str, str]]

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.x_shape = self.y_shape = (1, self.config.size, self.config.size)

    @staticmethod
    @abstractmethod
    def fields(image: Image) -> tuple[Float, Float]:
        """x and y of a photo (H, W, 3) uint8, each (h, w) float32 in [0, 1], at the size the task works at."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """Fields that the data knows (a rendered scene's), or else those computed from its photos.

        The whole photo is squashed to a square, as in the paper. With ``crops``, training pairs have ``wide``.

        Raises:
            RequestError: the data does not know ``pool`` true draws, or knows the fields at another size.
        """
        records = data.read(split, seed=seed)
        known = self._known(records)
        wide = None
        if known is not None:
            x, y = known
        else:
            sides = [self.config.size]
            if self.config.crops and split == "train":
                sides.append(round(WIDE * self.config.size))
            made = records.map(
                partial(squash, fields=type(self).fields, sides=tuple(sides)),
                f"{self.known[0]}-{self.known[1]}-{self.version}-{'-'.join(map(str, sides))}",
            )
            x, y = (torch.from_numpy(made[f"{name}{sides[0]}"]) for name in "xy")
            if len(sides) > 1:
                wide = tuple(torch.from_numpy(made[f"{name}{sides[1]}"]).half() for name in "xy")
        draws = None
        if pool > 0:
            drawn = records.pool(self.known[1], pool)
            draws = None if drawn is None else torch.from_numpy(drawn)
        return Pairs(
            x=x,
            y=y,
            guide=None if records.annotations is None else guide(records.annotations, len(records.categories)),
            guide_mirror=None if records.annotations is None else guide_mirror(len(records.categories)),
            pool=draws,
            wide=wide,  # type: ignore[arg-type]
            names=records.names,
            digest=records.digest,
        )

    def condition(self, image: Image) -> tuple[Tensor, Any]:
        """x (1, size, size) of one photo, and the photo."""
        return torch.from_numpy(squash(image, type(self).fields, (self.config.size,))[f"x{self.config.size}"]), image

    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """Not there yet."""
        raise NotImplementedError

    def _known(self, records: Records) -> tuple[Tensor, Tensor] | None:
        known = records.known(*self.known)
        if known is None:
            return None
        x, y = (torch.from_numpy(known[name]) for name in self.known)
        return x, y


def squash(image: Image, fields: FieldsOf, sides: tuple[int, ...]) -> Mapping[str, Float]:
    """The fields of one photo averaged down to squares: ``x32`` (1, 32, 32), ``y32``, ... for each of ``sides``."""
    x, y = fields(image)
    made = {}
    for side in sides:
        made[f"x{side}"] = np.clip(resize(x, side, side), 0, 1)[None].astype(np.float32)
        made[f"y{side}"] = np.clip(resize(y, side, side), 0, 1)[None].astype(np.float32)
    return made
