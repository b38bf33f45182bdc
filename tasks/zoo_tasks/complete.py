"""Completion (cGML, 5.1, "Corrupted image recovery", and 5.3, "Image completion"): y is the whole of a picture x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo import Data, Image, Pairs, RequestError, Split, Task, Truth, afford, at_least
from zoo_tasks.fields import Sized, check_channels, enlarged, levels, read_squares, resize, square
from zoo_tasks.masks import Anew, box_side, corners, corrupted, draw_masks, hidden
from zoo_tasks.seams import without_seams

Missing = NDArray[np.bool_]
BLOCK = 20
"""True draws that come from one stream of random numbers."""


@dataclass(frozen=True)
class CompleteConfig(Sized):
    """Settings of the completion task.

    Attributes:
        size: the side of the fields given to models, in pixels.
        channels: 3 for colour, 1 for grey.
        mask: which part is missing: a ``square`` at a random place; the ``centre``, of half the side; ``irregular`` strokes;
            at the ``top``, a rectangle of random size and place in the upper half.
        share: the share of the pixels that is missing, or the smallest and the largest (``0.1,0.4``); of the mask ``top`` the
            same of the height of the upper half, and of its width. None for 0.25, and for ``top`` 0.5 to 1.
        copies: training pairs made of each picture, each with a mask of its own.
        anew: whether training draws masks, boxes and overlaid pictures anew each time that it sees a picture (section 5.1);
            else they stay as they are in the pairs.
        seed: of the masks; with the picture, it decides the mask of every test item and of every photo given.
        flip: whether training sees mirror images too; right for photos, wrong for digits.
        fill: the level that x has where it is missing.
        corrupt: the share of training pictures whose top half is overlaid with that of another one, in x and y alike
            (section 5.1: 0.2).
        alternate: the share of pictures, for training and tests alike, that have a white box in the missing part
            (section 5.1: up to 0.3): the second of two right answers. Then the pairs have a pool, with the picture below
            the box given.
    """

    channels: int = 3
    mask: Literal["square", "centre", "irregular", "top"] = "square"
    share: tuple[float, ...] | None = None
    copies: int = 1
    anew: bool = True
    seed: int = 0
    flip: bool = False
    fill: float = 0.5
    corrupt: float = 0.0
    alternate: float = 0.0
    least: ClassVar[int] = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_channels(self.channels)
        share, highest = self.share, 1 if self.mask == "top" else 0.9
        if share is not None and not (len(share) in (1, 2) and 0.01 <= share[0] <= share[-1] <= highest):
            wanted = f"one share from 0.01 to {highest}, or the smallest and the largest"
            raise RequestError(f"share is {share}; it must be {wanted}")
        at_least(self, 1, "copies")
        for name in ("fill", "corrupt", "alternate"):
            if not 0 <= getattr(self, name) <= 1:
                raise RequestError(f"{name} is {getattr(self, name)}; it must be in [0, 1]")
        if self.alternate and self.mask == "irregular":
            raise RequestError("alternate hides a box in the missing part; it needs the mask square, centre or top")

    @property
    def shares(self) -> tuple[float, float]:
        """The smallest and the largest share that is missing."""
        if self.share is None:
            return (0.5, 1.0) if self.mask == "top" else (0.25, 0.25)
        return self.share[0], self.share[-1]


class Complete(Task):
    """Completion: x is (C + 1, size, size), a picture and its mask; y (C, size, size) is the whole picture; in [0, 1].

    x is grey (``fill``) where the picture is missing; its last channel is the mask, 1 where it is missing. C is 3 for colour,
    1 for grey. cGML, sections 5.1 and 5.3. Masks lie on the pixels of the fields, so that nothing of what is missing shows.
    """

    cites = ("ramasinghe2021cgml", "pathak2016context")
    Config = CompleteConfig
    does, holes = "Fill in a part", True
    x_name, y_name = "masked picture", "picture"
    config: CompleteConfig

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        c, size = self.config.channels, self.config.size
        self.x_shape, self.y_shape = (c + 1, size, size), (c, size, size)
        self.shows_truth = self.config.alternate == 0  # type: ignore[misc]

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """A test item has the mask that :meth:`condition` gives its photo; other masks and boxes follow from ``seed``."""
        records = data.read(split, seed=seed)
        settings, train = self.config, split == "train"
        [whole] = read_squares(records, (settings.size,), settings.channels, rendered=train)
        copies = settings.copies if train else 1
        needed = copies * len(whole) * settings.size**2 * 4 * (5 * settings.channels + 3 + 2 * pool * settings.channels)
        afford(needed, f"{copies} copies of {len(whole)} pictures", "set copies, size or the number of pictures lower")
        bases, masks = [], []
        for copy in range(copies):
            random = np.random.default_rng([seed % 2**32, copy, 1])
            bases.append(corrupted(whole, whole, settings.corrupt, random) if train else whole)
            masks.append(self._masks(bases[-1], 1_000_003 * (seed * 4096 + copy + 1) if train else 0))
        base, mask = torch.cat(bases), torch.cat(masks)
        x, y = hidden(base, mask, settings.fill), base
        more: dict[str, Any] = {}
        if settings.alternate:
            boxes = corners(mask, box_side(settings.size))
            modes = self._modes(len(y), pool, seed, train)
            has = modes.float()[..., None, None, None]
            y = torch.maximum(base, has[:, 0] * boxes)
            if pool:
                drawn = torch.maximum(base[:, None], has[:, 1:] * boxes[:, None])
                weights = torch.tensor([1 - settings.alternate, settings.alternate]).expand(len(y), 2)
                more = {"pool": drawn, "truth": Truth.of(modes[:, 1:], modes[:, 0], weights)}
        names, groups = list(records.names), list(records.groups)
        if copies > 1:
            groups = (groups or names) * copies  # all copies of a picture are held out together
            names = [f"{name} (mask {copy + 1})" for copy in range(copies) for name in names]
        if train and settings.anew:
            anew = Anew(
                whole.repeat(copies, 1, 1, 1), mask, settings.fill, settings.corrupt, settings.alternate, settings.flip
            )
            more["anew"] = anew
        elif train and settings.flip:
            more["wide"] = (x, y)
        return Pairs(x=x, y=y, names=names, groups=groups, digest=records.digest, **more)

    def condition(self, image: Image) -> tuple[Tensor, tuple[Image, Tensor, Missing]]:
        """x of one photo; and what composing needs: the photo, x, and which pixels are missing, (H, W).

        Of (H, W, 4) uint8 those are missing whose alpha is not 255, the holes of the photo; of (H, W, 3) those of a mask that
        follows from it and the setting ``seed``.
        """
        holes = image[..., 3:] if image.ndim == 3 and image.shape[2] == 4 else image[:0]
        image = image[..., :3] if holes.size else image
        self.check_photo(image)
        size, (height, width) = self.config.size, image.shape[:2]
        y = torch.from_numpy(square(image, size, self.config.channels))[None]
        if holes.size:
            missing = holes[..., 0] < 255
            mask = torch.from_numpy((resize(missing.astype(np.float32), size, size) > 0).astype(np.float32))[None, None]
        else:
            mask = self._masks(y, 0)
            missing = (mask[0, 0].numpy() > 0)[np.arange(height) * size // height][:, np.arange(width) * size // width]
        x = hidden(y, mask, self.config.fill)[0]
        return x, (image, x, missing)

    def compose(self, context: tuple[Image, Tensor, Missing], y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """The photo with its missing pixels filled by each of n fields, enlarged; every other pixel is as it was.

        What a field is off where the picture is known, it is taken to be off near by in the hole too, so that no seam shows
        (:func:`zoo_tasks.seams.without_seams`).
        """
        self.check_fields(y)
        image, x, missing = context
        height, width = image.shape[:2]
        out = np.broadcast_to(image, (len(y), height, width, 3)).copy()
        whole = self.filled(x[None], without_seams(x, y.detach().cpu().float()))
        for target, picture in zip(out, enlarged(whole, height, width), strict=True):
            target[missing] = levels(picture[missing])
        return torch.from_numpy(out)

    def filled(self, x: Tensor, y: Tensor) -> Tensor:
        """y (B, C, size, size) with the known pixels of x (B, C + 1, size, size) put back, in [0, 1].

        Photos are composed so. Metrics take y as the model gives it, those of pictures too (:meth:`render`).
        """
        mask = x[:, -1:]
        return y.clamp(0, 1) * mask + x[:, :-1] * (1 - mask)

    def _masks(self, y: Tensor, more: int) -> Tensor:
        return draw_masks(y, self.config.mask, self.config.shares, self.config.seed + more)

    def _modes(self, count: int, pool: int, seed: int, train: bool) -> Tensor:
        """Which pictures have a box, and which of ``pool`` true draws of each: (count, 1 + pool) int64, 0 or 1.

        The draws come in blocks, so that those of a small pool are the first of a large one.
        """
        first = 0 if train else BLOCK
        modes = np.random.default_rng([seed % 2**32, train, 2]).random((count, 1 + first)) < self.config.alternate
        blocks = range(1, 1 - (first - pool) // BLOCK)
        streams = (np.random.SeedSequence([seed % 2**32, train, 2], spawn_key=(block,)) for block in blocks)
        later = [np.random.default_rng(of).random((count, BLOCK)) < self.config.alternate for of in streams]
        return torch.from_numpy(np.concatenate([modes, *later], 1)[:, : 1 + pool]).long()
