"""The contract of a task: from data to pairs, and from a sample back to something a person looks at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from zoo.data.items import Image
from zoo.data.pairs import Pairs
from zoo.data.records import Data, Records, Split
from zoo.utils.config import NoConfig, make_config
from zoo.utils.errors import RequestError
from zoo.utils.neutral import guard

GUARDED = (
    "__init__",
    "pairs",
    "settings_of",
    "read",
    "choices",
    "item_of",
    "condition",
    "compose",
    "own_y",
    "remark",
    "render",
    "solids",
)
"""The methods that run in a state of the process that nobody has changed."""


class Task(ABC):
    """A task, registered under ``zoo.tasks``.

    What is set in the process (torch's default type and device, NumPy's errors, ...) is neither changed nor read: its methods
    run within :func:`zoo.utils.neutral.neutral`.

    Examples:
        >>> class Double(zoo.Task):
        ...     data, item, x_shape, y_shape = "digits", "number", (1,), (1,)
        ...
        ...     def pairs(self, data, split, seed=0, *, pool=0):
        ...         x = torch.rand(64, 1, generator=torch.Generator().manual_seed(seed))
        ...         return zoo.Pairs(x, 2 * x)
        ...
        ...     def condition(self, item):
        ...         return torch.tensor([float(item)]), None
        ...
        ...     def compose(self, context, y, *, x_hat=None):
        ...         return (y * 100).byte().view(-1, 1, 1, 1).expand(-1, 8, 8, 3)
        >>> x, context = Double().condition("0.5")
        >>> Double().compose(context, torch.rand(4, 1)).shape
        torch.Size([4, 8, 8, 3])

    Attributes:
        Config: a frozen dataclass of the settings.
        data: the data it runs on when none is named; embedded, so nothing has to be downloaded.
        x_name, y_name: what x and y are, as words for captions ("albedo", "shading").
        y_unit: the unit of the numbers of y, as words; "" for shares in [0, 1].
        item: what :meth:`condition` takes, as a word: "photo", "attributes", "numbers", "shape", ...
        does: what it does with an item, as somebody would ask for it who knows nothing of tasks: "Change the light".
        holes: whether a photo may have holes, to be filled: then :meth:`condition` takes (H, W, 4) too, with the alpha of a
            photo that is transparent somewhere.
        shows_truth: whether the item itself shows y (a photo shows its own shading); else the truth has to be composed.
        expected_failures: the checks of :mod:`zoo.testing` that it cannot pass by its nature, each with the reason.
        cites: the papers behind it, by their keys in the ``references.bib`` beside the ``__init__`` of its package.
        x_shape, y_shape: the shapes of one x and one y, set by ``__init__``.
    """

    Config: ClassVar[type] = NoConfig
    data: ClassVar[str] = "scenes"
    x_name: ClassVar[str] = "x"
    y_name: ClassVar[str] = "y"
    y_unit: ClassVar[str] = ""
    item: ClassVar[str] = "photo"
    does: ClassVar[str] = ""
    holes: ClassVar[bool] = False
    shows_truth: ClassVar[bool] = True
    expected_failures: ClassVar[Mapping[str, str]] = {}
    cites: ClassVar[tuple[str, ...]] = ()
    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        guard(cls, *GUARDED)

    def __init__(self, /, **config: Any) -> None:
        self.config: Any = make_config(self.Config, config, f"task {type(self).__name__}")

    @staticmethod
    def check_photo(image: Image) -> None:
        """Refuse (RequestError) all but an RGB photo, (H, W, 3) uint8 with at least one pixel."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise RequestError(f"a photo is (H, W, 3) uint8 with at least one pixel, not {image.shape} {image.dtype}")

    def check_fields(self, y: Tensor, x_hat: Tensor | None = None) -> None:
        """Refuse (RequestError) y that is not (n, *y_shape), and x_hat that is not (*x_shape)."""
        for name, value, shape in (("y", y, (len(y), *self.y_shape)), ("x_hat", x_hat, self.x_shape)):
            if value is not None and tuple(value.shape) != shape:
                raise RequestError(f"{name} has shape {tuple(value.shape)}; it must be {shape}")

    @abstractmethod
    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """The pairs of one split; with ``pool`` > 0, that many true draws of p(y | x) where the data knows them."""

    def settings_of(self, data: Data) -> Mapping[str, Any]:
        """Settings that this data decides (the names of its attributes), where they were not given; by default none.

        A task is made again with them before anything is read, so that a checkpoint holds all that its task needs.
        """
        return {}

    def read(self, given: Any) -> Any:
        """The item that somebody gave, as :meth:`condition` takes it; by default a photo (H, W, 3) uint8.

        Args:
            given: a word from the command line, or an object from Python: for a photo a path, a PIL image or an array.

        Raises:
            RequestError: it is no such item, or cannot be read.
        """
        from zoo.data.pictures import photo_of

        return photo_of(given)

    def choices(self) -> tuple[Sequence[str], bool] | None:
        """The names that an item is made of, of which :meth:`read` takes a list, and whether exactly one of them holds.

        By default None: an item is something else.
        """
        return None

    def item_of(self, records: Records, index: int) -> Any:
        """The item of one of the records, as :meth:`condition` takes it; by default its photo."""
        return records.image(index)

    @abstractmethod
    def condition(self, item: Any) -> tuple[Tensor, Any]:
        """x (*x_shape) of one item, and whatever :meth:`compose` needs of it."""

    @abstractmethod
    def compose(self, context: Any, y: Tensor, *, x_hat: Tensor | None = None) -> torch.Tensor:
        """The item with each of n fields put in its place, as pictures.

        Args:
            context: from :meth:`condition`.
            y: (n, *y_shape) fields.
            x_hat: (*x_shape), the model's reconstruction of x where it has one.

        Returns:
            (n, H, W, 3) uint8 tensor on the CPU; of a photo, at its own size.
        """

    def own_y(self, context: Any) -> Tensor | None:
        """y (*y_shape) that the item itself shows, of the context from :meth:`condition`; by default None, as it shows none.

        Composed, it gives the item back: so it is what a sample can be moved towards.
        """
        return None

    def remark(self, item: Any) -> str:
        """A sentence on what comes of an item that this task can do little for; by default, and of most, "".

        It is told beside the samples, after the item's name and a colon, and ends without a full stop.
        """
        return ""

    def render(self, x: Tensor, y: Tensor) -> Tensor | None:
        """The picture that x and y show together, at the size of the fields, for metrics of pictures.

        Args:
            x: (B, *x_shape).
            y: (B, *y_shape).

        Returns:
            (B, 1 or 3, h, w) in [0, 1], differentiable or not; None where that is no picture. By default y itself, where it
            is grey or R, G, B.
        """
        if self.y_unit or len(self.y_shape) != 3 or self.y_shape[0] not in (1, 3):
            return None
        return y.clamp(0, 1)

    def solids(self, y: Tensor) -> Tensor | None:
        """The shapes that fields y (B, *y_shape) stand for, as voxels (B, s, s, s) bool on the CPU; None if for none."""
        return None


guard(Task, *GUARDED)
