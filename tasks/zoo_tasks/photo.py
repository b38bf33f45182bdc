"""Tasks on two fields of a photo: small ones for models, and the photo with the one of them that has one channel changed."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo import Annotation, Data, Image, Pairs, Records, Split
from zoo_tasks.fields import FieldTask, Float, Sized, resize, strips
from zoo_tasks.guided import Guided
from zoo_tasks.semantics import CHANNELS, joined, semantics, sized
from zoo_tasks.upsample import Upsampler

GRID = 5
LABELS = 8.0
"""Weight of the label shares: two images of one label each, not the same, are 8 sqrt 2 = 11 apart, about as far as
two photos are by their 32 x 32 pixels."""
LAYOUT = 4.0
"""Weight of each cell's coverage: half the labels' weight, as one object covers several cells."""
CHUNK = 32
"""Samples enlarged at once."""
KEPT = 4
"""A photo of more strips has its gain worked out anew for each sample, as there is no room for all of it."""


@dataclass(frozen=True)
class PhotoConfig(Sized):
    """Settings of the tasks on photos.

    Attributes:
        size: the side of the fields given to models, in pixels (paper: 32).
        crops: whether training sees random crops and flips of each photo.
        detail: what full-size detail is added to an enlarged sample; see :meth:`PhotoTask.compose`.
        see: what x shows: one channel, as in the ``paper``, or all of the ``photo`` that another y would leave as it is, in
            R, G, B (:meth:`PhotoTask.picture`); ``features`` shows what is in that picture too: sixteen channels of a network
            that knows photos (:mod:`zoo_tasks.semantics`; the extra ``features``).
    """

    crops: bool = True
    detail: Literal["generated", "conditioning", "none"] = "generated"
    see: Literal["paper", "photo", "features"] = dataclasses.field(default="paper", metadata={"added": True})


@dataclass(frozen=True)
class Layers:
    """A photo taken apart at its own size: ``x()`` and y (H, W) float32 in [0, 1], in whose y its colours are linear.

    ``gain(rows)`` (h, W, 3) float32 is how many levels of 255 each channel of these rows rises as y rises by 1, what must
    stay as it is less than the rest: of a photo of many pixels it is the largest array of all.
    """

    x: Callable[[], Float]
    y: Float
    gain: Callable[[slice], Float]


@dataclass(frozen=True)
class Context:
    """All that composing needs of one photo: itself, its small fields (C, size, size), its edges and its layers.

    ``smooth`` makes fields (n, size, size) even where the photo is.
    """

    image: Image
    x: Float
    y: Float
    smooth: Callable[[Float], Float]
    upsampler: Upsampler
    layers: Layers


class PhotoTask(FieldTask):
    """A task whose x and y are fields of the same photo: y (1, size, size), x too, or (3, size, size) where it sees a photo.

    All are float32 in [0, 1]. What ``see="photo"`` shows besides is not of y: a photo with another y in it shows the same
    hues, but for the rounding of its levels. ``benchmarks/see.py`` measures what of y can be told from x all the same.
    """

    Config = PhotoConfig
    version: ClassVar[int] = 1  # changed with what ``fields`` and ``picture`` compute, so that no stale cache is read
    even: ClassVar[tuple[float, float]]  # of the windows in which samples are as even as the photo: see Guided
    seen: ClassVar[tuple[str, str]]  # what x is where it sees a photo: in words, and in zoo.Records.known

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        if self.config.see != "paper":
            self.x_shape = (3 + CHANNELS * (self.config.see == "features"), *self.x_shape[1:])
            self.x_name = self.seen[0]  # type: ignore[misc]
            self.known = (self.seen[1], self.known[1])  # type: ignore[misc]

    @staticmethod
    @abstractmethod
    def fields(image: Image) -> tuple[Float, Float]:
        """x and y of a photo (H, W, 3) uint8, each (h, w) float32 in [0, 1], at the size the task works at."""

    @staticmethod
    @abstractmethod
    def picture(image: Image) -> tuple[Float, Float]:
        """R, G, B (h, w, 3) of a photo that another y in it would leave as it is, and y (h, w), float32 in [0, 1]."""

    @staticmethod
    @abstractmethod
    def plain(picture: Float) -> Float:
        """x as the paper has it, (1, h, w), of a small :meth:`picture` (3, h, w)."""

    @staticmethod
    @abstractmethod
    def layers(image: Image) -> Layers:
        """The full-size fields of a photo (H, W, 3) uint8, and how its colours change with y."""

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """Fields that the data knows (a rendered scene's), or else those of its photos, squashed whole as in the paper."""
        records = data.read(split, seed=seed)

        def computed(sides: tuple[int, ...]) -> dict[str, Float]:
            key = f"{self.known[0]}-{self.known[1]}-{self.version}-{'-'.join(map(str, sides))}"
            return records.map(lambda image: self.squash(image, sides), key)

        known, count = records.annotations, len(records.categories)
        guided = {} if known is None else {"guide": guide(known, count), "guide_mirror": guide_mirror(count)}
        return self.known_pairs(records, split, pool, computed, **guided)

    def condition(self, image: Image) -> tuple[Tensor, Context]:
        """x (*x_shape) of one photo (H, W, 3) uint8, and what :meth:`compose` needs; a RequestError if it is no photo."""
        self.check_photo(image)
        size = self.config.size
        x, y = self.squash(image, (size,)).values()
        shown = torch.from_numpy(x)
        if self.config.see == "features":
            features = torch.from_numpy(semantics(self.picture(image)[0])["features"])
            shown = torch.cat([shown, sized(features[None], size)[0]])
        smooth = Guided(image, size, *self.even).smooth
        return shown, Context(image, x, y, smooth, Upsampler(image, size), self.layers(image))

    def compose(self, context: Context, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """The photo with each of n fields put in the place of its own.

        Each sample is made even where the photo is (:class:`zoo_tasks.guided.Guided`; the papers do not), enlarged along the
        photo's edges (second paper, 3.3), the detail map is added, and the photo is put together again. Which detail that
        is, ``detail`` says; the two papers differ:

        - ``"generated"``: the photo's own field less what its small version gives when treated so: first paper's eq. (10), the
          original layer less the model's rendering of it, without the model, so that the own field gives the photo back.
        - ``"conditioning"``: the second paper's eq. (7) as printed, x less the enlarged reconstruction ``x_hat`` (x itself if
          the model has none). The photo being made of both x and y, this counts the texture of x twice.
        - ``"none"``: no detail.
        """
        import cv2

        self.check_fields(y, x_hat)
        image, up, layers = context.image, context.upsampler, context.layers
        detail = self._detail(context, x_hat)
        out = np.empty((len(y), *image.shape), np.uint8)
        parts = strips(*image.shape[:2])
        gains = [layers.gain(rows) for rows in parts] if len(parts) <= KEPT else ()
        samples = context.smooth(y.detach().cpu().float().numpy()[:, 0])
        for start in range(0, len(y), CHUNK):
            for i, field in enumerate(up.solve(samples[start : start + CHUNK]), start):
                new = up.enlarge(field)
                new += detail
                np.clip(new, 0, 1, out=new)
                new -= layers.y
                for rows, gain in zip(parts, gains or map(layers.gain, parts), strict=True):
                    change = cv2.merge((new[rows],) * 3)
                    cv2.multiply(change, gain, dst=change)
                    cv2.add(image[rows], change, dst=out[i, rows], dtype=cv2.CV_8U)  # rounded and clipped
        return torch.from_numpy(out)

    def own_y(self, context: Context) -> Tensor:
        """The photo's own small field, (1, size, size)."""
        return torch.from_numpy(context.y)

    def squash(self, image: Image, sides: tuple[int, ...]) -> dict[str, Float]:
        """The fields of one photo averaged down to squares: ``x32`` (C, 32, 32), ``y32``, ... for each of ``sides``."""
        fields = self.fields(image) if self.config.see == "paper" else self.picture(image)
        return {
            f"{name}{side}": channels_first(np.clip(resize(field, side, side), 0, 1))
            for name, field in zip("xy", fields, strict=True)
            for side in sides
        }

    def joined(self, records: Records, x: list[Tensor]) -> list[Tensor]:
        if self.config.see != "features":
            return x
        return joined(records, x, f"{self.seen[1]}-{self.version}", lambda image: self.picture(image)[0])

    def _detail(self, context: Context, x_hat: Tensor | None) -> Float | float:
        up, layers = context.upsampler, context.layers
        if self.config.detail == "none":
            return 0.0
        if self.config.detail == "generated":
            return layers.y - up.enlarge(up.solve(context.smooth(context.y))[0])
        small = context.x if x_hat is None else x_hat.detach().cpu().float().numpy()
        small = small if self.config.see == "paper" else self.plain(small[:3])
        return layers.x() - up.enlarge(up.solve(small)[0])


def channels_first(field: Float) -> Float:
    """(h, w) or (h, w, C) as (1 or C, h, w) float32."""
    return np.ascontiguousarray(np.atleast_3d(field).transpose(2, 0, 1), np.float32)


def brightest(image: Image) -> NDArray[np.uint8]:
    """The largest channel of each pixel, (H, W) uint8; numpy's ``max`` over so short an axis is ten times slower."""
    import cv2

    red, green, blue = cv2.split(image)
    return cv2.max(cv2.max(red, green), blue)


def sparse(image: Image, side: int = 256) -> Image:
    """Pixels of a photo on a grid of about ``side`` a side, each as it is: to tell what kind of photo it is."""
    rows, columns = (max(1, length // side) for length in image.shape[:2])
    return image[::rows, ::columns]


def guide(annotations: Sequence[Annotation], categories: int) -> Tensor:
    """Label shares and layout of N images with C categories, for embedding guidance: (N, C + 25 C) float32.

    First ``LABELS`` times each label's share of the image's objects (they sum to 1; all zeros where there is no object). Then,
    category by category, ``LAYOUT`` times the share of each of the 5 x 5 cells, row by row, that the category's boxes cover
    (boxes that overlap count together, up to 1). Source: the CDVAE papers, first 4.1 and figure 3, second 3.2 and figure 4;
    the third part of their feature vector, pixels, models append, which have them.
    """
    counts = np.array([len(a.labels) for a in annotations], np.int64)
    guides = np.zeros((len(counts), categories * (1 + GRID * GRID)), np.float32)
    if counts.sum():
        image = np.repeat(np.arange(len(counts)), counts)
        labels = np.concatenate([a.labels for a in annotations])
        boxes = np.concatenate([a.boxes for a in annotations])
        np.add.at(guides, (image, labels), LABELS / counts[image])
        edges = np.linspace(0, 1, GRID + 1, dtype=np.float32)
        start, end = boxes[:, :2, None], (boxes[:, :2] + boxes[:, 2:])[:, :, None]
        inside = np.clip(np.minimum(end, edges[1:]) - np.maximum(start, edges[:-1]), 0, None) * GRID  # of columns, rows
        covered = inside[:, 1, :, None] * inside[:, 0, None, :]
        layout = guides[:, categories:].reshape(len(counts), categories, GRID * GRID)
        np.add.at(layout, (image, labels), covered.reshape(-1, GRID * GRID))
        guides[:, categories:] = LAYOUT * np.minimum(layout, 1).reshape(len(counts), -1)
    return torch.from_numpy(guides)


def guide_mirror(categories: int) -> Tensor:
    """(C + 25 C,) int64: the columns of :func:`guide` in the order that gives the guide of the mirrored image."""
    cells = np.arange(categories * GRID * GRID).reshape(categories, GRID, GRID)[:, :, ::-1]
    return torch.from_numpy(np.concatenate((np.arange(categories), categories + cells.reshape(-1))))
