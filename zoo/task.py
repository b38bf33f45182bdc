"""What a task is: from data to pairs, and from a sample back to something a person looks at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from zoo.config import NoConfig, make_config
from zoo.data.base import Data, Image, Split
from zoo.errors import RequestError
from zoo.pairs import Pairs


class Task(ABC):
    """A task, registered under ``zoo.tasks``.

    Attributes:
        Config: a frozen dataclass of the settings.
        data: the data it runs on when none is named; embedded, so nothing has to be downloaded.
        x_name, y_name: what x and y are, as words for captions ("albedo", "shading").
        y_unit: the unit of the numbers of y, as words; "" for shares in [0, 1].
        expected_failures: the checks of :mod:`zoo.testing` that it cannot pass by its nature, each with the reason.
        x_shape, y_shape: the shapes of one x and one y, set by ``__init__``.
    """

    Config: ClassVar[type] = NoConfig
    data: ClassVar[str] = "scenes"
    x_name: ClassVar[str] = "x"
    y_name: ClassVar[str] = "y"
    y_unit: ClassVar[str] = ""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]

    def __init__(self, **config: Any) -> None:
        self.config: Any = make_config(self.Config, config, f"task {type(self).__name__}")

    @staticmethod
    def check_photo(image: Image) -> None:
        """Raises:
        RequestError: this is not an RGB photo, (H, W, 3) uint8 with at least one pixel.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise RequestError(f"a photo is (H, W, 3) uint8 with at least one pixel, not {image.shape} {image.dtype}")

    def check_fields(self, y: Tensor, x_hat: Tensor | None = None) -> None:
        """Raises:
        RequestError: y is not (n, *y_shape), or x_hat not (*x_shape).
        """
        for name, value, shape in (("y", y, (len(y), *self.y_shape)), ("x_hat", x_hat, self.x_shape)):
            if value is not None and tuple(value.shape) != shape:
                raise RequestError(f"{name} has shape {tuple(value.shape)}; it must be {shape}")

    @abstractmethod
    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """The pairs of one split; with ``pool`` > 0, that many true draws of p(y | x) where the data knows them."""

    @abstractmethod
    def condition(self, image: Image) -> tuple[Tensor, Any]:
        """x (*x_shape) of one photo (H, W, 3) uint8, and whatever :meth:`compose` needs of the photo."""

    @abstractmethod
    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> torch.Tensor:
        """The photo with each of n fields put in its place.

        Args:
            context: from :meth:`condition`.
            y: (n, *y_shape) fields.
            x_hat: (*x_shape), the model's reconstruction of x where it has one.

        Returns:
            (n, H, W, 3) uint8 tensor on the CPU, at the photo's own size.
        """
