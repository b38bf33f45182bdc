"""Pairs (x, y), which tasks make of data and models are fitted to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.utils.errors import RequestError

Function = Callable[[Tensor], Tensor]
Penalty = Callable[[Tensor], Tensor]
"""(B, *y_shape), in the units of y, to (B,): what a generated y costs besides its distance to the true one."""


@dataclass(frozen=True)
class Batch:
    """Some of the pairs, on the device of the model: ``x`` (B, *x_shape), ``y`` (B, *y_shape), ``guide`` (B, G) or None,
    and the pairs' ``penalty``, which models that minimise a cost add to it.

    Examples:
        >>> Batch(torch.zeros(5, 3), torch.zeros(5, 2)).guide is None
        True
    """

    x: Tensor
    y: Tensor
    guide: Tensor | None = None
    index: Tensor | None = None
    penalty: Penalty | None = None

    def parts(self, count: int) -> list[Batch]:
        """The same pairs in so many batches, as large as each other where that can be; in fewer where they are fewer.

        Several processes, which have as many pairs or one more, take as many parts: each waits for the others after each.
        """
        if count == 1:
            return [self]
        places = torch.arange(len(self.x), device=self.x.device).tensor_split(min(count, len(self.x)))
        return [replace(self, **{name: value[some] for name, value in self._tensors().items()}) for some in places]

    def _tensors(self) -> dict[str, Any]:
        return {name: value for name in ("x", "y", "guide", "index") if (value := getattr(self, name)) is not None}


@dataclass(frozen=True)
class Truth:
    """The modes that p(y | x) of each of N items is a mixture of, and how probable each is.

    Attributes:
        modes: (N, M) int64, the number of the mode that each true draw of :attr:`Pairs.pool` is of, in 0..K-1.
        y_mode: (N,) int64, the number of the mode that y is of.
        weights: (N, K) float32, the probability of each mode given x, 0 where an item has fewer; each row adds up to 1.
        entropy: (N,) float32, of these probabilities, in nats.

    Raises:
        RequestError: shapes do not fit together, a mode is not in 0..K-1, or weights are no probabilities.

    Examples:
        >>> truth = Truth.of(torch.tensor([[0, 1, 1]]), torch.tensor([1]), torch.tensor([[0.5, 0.5, 0.0]]))
        >>> truth.entropy
        tensor([0.6931])
    """

    modes: Tensor
    y_mode: Tensor
    weights: Tensor
    entropy: Tensor

    def __post_init__(self) -> None:
        n, k = self.weights.shape if self.weights.ndim == 2 else (-1, 0)
        shapes = [tuple(self.modes.shape[:1]), tuple(self.y_mode.shape), tuple(self.entropy.shape)]
        if self.modes.ndim != 2 or shapes != [(n,)] * 3:
            raise RequestError("truth: modes must be (N, M), weights (N, K), y_mode and entropy (N,)")
        if any(mode.numel() and not 0 <= int(mode.min()) <= int(mode.max()) < k for mode in (self.modes, self.y_mode)):
            raise RequestError(f"truth: a mode has a number that is not in 0..{k - 1}")
        if bool((self.weights < 0).any()) or bool(((self.weights.double().sum(1) - 1).abs() > 1e-4).any()):
            raise RequestError("truth: the weights of an item are not probabilities that add up to 1")

    @classmethod
    def of(cls, modes: Tensor, y_mode: Tensor, weights: Tensor) -> Truth:
        """The truth of these, with the entropy worked out."""
        return cls(modes.long(), y_mode.long(), weights.float(), torch.special.entr(weights.double()).sum(1).float())

    def each(self, function: Function) -> Truth:
        """``function`` of every tensor, all of which have a row an item."""
        return Truth(*(function(getattr(self, part.name)) for part in fields(self)))


class Anew(Protocol):
    """A source of pairs that training draws anew each time that it sees them, as masks are; it has a row an item."""

    def __call__(self, index: Tensor, generator: torch.Generator, /) -> tuple[Tensor, Tensor]:
        """x (B, *x_shape) and y (B, *y_shape) of the items at ``index`` (B,), which are on the device of the pairs;
        ``generator`` lives on the CPU.
        """

    def each(self, function: Function, /) -> Anew:
        """The same with ``function`` of every tensor that has a row an item."""


@dataclass(frozen=True)
class Pairs:
    """N pairs of a conditioning field and a generated field.

    Attributes:
        x: (N, *x_shape) float32.
        y: (N, *y_shape) float32.
        guide: (N, G) float32, what is known of each item besides its pixels (label shares, layout), or None.
        guide_mirror: (G,) int64, the order of the columns of ``guide`` for the mirrored image; None if it stays the same.
        pool: (N, M, *y_shape) true draws of p(y | x), independent of y given x, or None.
        truth: the mode of each of these draws and of y, and how probable modes are; None if not known.
        wide: the same fields (N, C, s, s), a little larger, from which training draws random crops and flips, the same
            for x and y; None if the pairs are to be used as they are.
        anew: what training sees in place of x and y, drawn anew each time, where more than crops and flips changes; not beside
            ``wide``. ``anew(index, generator)`` gives x and y of these items, and ``anew.each(function)`` the same with
            ``function`` of each of its tensors, which have a row an item.
        vectors: whether y is a field of displacements, (2, h, w): to the right and downwards, in pixels of the field (or of
            the field a second). Where ``wide`` is cropped or mirrored, its vectors, which are in pixels of y too, are
            turned and magnified with the picture.
        penalty: what a generated y costs besides its distance to the true one, in the units of an absolute error a number;
            differentiable; None for nothing. Models that minimise such a cost add its mean to it.
        names: one readable name an item.
        groups: one readable name an item of what it is of, where several are of one video, scene or photo; () where each
            stands alone.
        digest: sha256 of the data they were made of, "" if unknown.

    Raises:
        RequestError: the numbers of items differ, fields of vectors have not two channels, or both ``wide`` and ``anew`` are
            given.

    Examples:
        >>> pairs = Pairs(torch.rand(10, 1, 8, 8), torch.rand(10, 3, 8, 8), names=[f"item {i}" for i in range(10)])
        >>> len(pairs), pairs.x_shape, pairs.y_shape
        (10, (1, 8, 8), (3, 8, 8))
        >>> pairs.subset(torch.tensor([7, 2])).names
        ['item 7', 'item 2']
    """

    x: Tensor
    y: Tensor
    guide: Tensor | None = None
    guide_mirror: Tensor | None = None
    pool: Tensor | None = None
    wide: tuple[Tensor, Tensor] | None = None
    anew: Anew | None = field(default=None, repr=False)
    vectors: bool = False
    penalty: Penalty | None = field(default=None, repr=False)
    names: Sequence[str] = field(default=(), repr=False)
    digest: str = ""
    groups: Sequence[str] = field(default=(), repr=False)
    truth: Truth | None = None

    def __post_init__(self) -> None:
        n = len(self.x)
        for name, value in (("y", self.y), ("guide", self.guide), ("pool", self.pool)):
            if value is not None and len(value) != n:
                raise RequestError(f"pairs: x has {n} items but {name} has {len(value)}")
        if len(self.groups) not in (0, n):
            raise RequestError(f"pairs: x has {n} items but groups has {len(self.groups)}")
        drawn = None if self.pool is None else tuple(self.pool.shape[:2])
        if self.truth is not None and drawn != tuple(self.truth.modes.shape):
            raise RequestError(f"pairs: the truth is of {tuple(self.truth.modes.shape)} draws (N, M) but the pool has {drawn}")
        if self.wide is not None and self.anew is not None:
            raise RequestError("pairs: training draws from wide or from anew, not from both; give one")
        if self.vectors and (self.y.ndim != 4 or self.y.shape[1] != 2):
            raise RequestError(f"pairs: y is {self.y_shape}; a field of vectors is (2, h, w)")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def x_shape(self) -> tuple[int, ...]:
        return tuple(self.x.shape[1:])

    @property
    def y_shape(self) -> tuple[int, ...]:
        return tuple(self.y.shape[1:])

    @property
    def changing(self) -> bool:
        """Whether training sees other x and y each time, and not these."""
        return self.wide is not None or self.anew is not None

    def still(self) -> Pairs:
        """The same pairs, which training sees as they are."""
        return replace(self, wide=None, anew=None)

    def spread(self, most: int) -> Tensor:
        """The places (K,) int64 of at most ``most`` of the pairs, spread evenly over all from the first to the last."""
        places = torch.linspace(0, len(self) - 1, min(most, len(self)), dtype=torch.float32, device="cpu")
        return places.round().long()

    def subset(self, index: Tensor) -> Pairs:
        """The pairs at ``index`` (K,) int64, in that order."""
        names, groups = ([every[i] for i in index.tolist()] if every else () for every in (self.names, self.groups))
        return replace(self, names=names, groups=groups, **self._each(lambda value: value[index]))

    def to(self, device: torch.device | str) -> Pairs:
        """The same pairs with every tensor on ``device``."""
        mirror = None if self.guide_mirror is None else self.guide_mirror.to(device)
        return replace(self, guide_mirror=mirror, **self._each(lambda value: value.to(device)))

    def _each(self, function: Function) -> dict[str, Any]:
        """``function`` of every tensor that has a row an item."""
        values = {name: getattr(self, name) for name in ("x", "y", "guide", "pool") if getattr(self, name) is not None}
        wide = self.wide and (function(self.wide[0]), function(self.wide[1]))
        truth = self.truth and self.truth.each(function)
        anew = self.anew and self.anew.each(function)
        return {name: function(value) for name, value in values.items()} | {"wide": wide, "anew": anew, "truth": truth}

    def batch(self, index: Tensor, generator: torch.Generator | None = None) -> Batch:
        """The pairs at ``index`` (B,) for training; with a ``generator``, as ``anew`` draws them, or a random crop and flip of
        each where ``wide`` is.

        ``generator`` lives on the CPU, so that the same crops are drawn whatever the device.
        """
        guide = None if self.guide is None else self.guide[index].float()
        if self.anew is not None and generator is not None:
            return Batch(*self.anew(index, generator), guide, index, self.penalty)
        if self.wide is None or generator is None:
            return Batch(self.x[index], self.y[index], guide, index, self.penalty)
        n, smallest = len(index), self.x.shape[-1] / self.wide[0].shape[-1]
        flip = torch.rand(n, generator=generator) < 0.5
        side = smallest + (1 - smallest) * torch.rand(n, 2, generator=generator)
        theta = torch.zeros(n, 2, 3)  # affine windows inside the wide field
        theta[:, :, 2] = (1 - side) * (2 * torch.rand(n, 2, generator=generator) - 1)
        theta[:, 0, 0], theta[:, 1, 1] = torch.where(flip, -side[:, 0], side[:, 0]), side[:, 1]
        theta = theta.to(self.x.device)
        x = _crop(self.wide[0][index].float(), theta, self.x.shape[-2:])
        y = _crop(self.wide[1][index].float(), theta, self.y.shape[-2:])
        if self.vectors:  # a window of half the side shows every motion twice as large; a mirrored one, turned about
            y /= torch.stack([theta[:, 0, 0], theta[:, 1, 1]], 1)[..., None, None].to(y.device)
        if guide is not None and self.guide_mirror is not None:
            guide = torch.where(flip.to(guide.device)[:, None], guide[:, self.guide_mirror], guide)
        return Batch(x, y, guide, index, self.penalty)


def _crop(wide: Tensor, theta: Tensor, size: torch.Size) -> Tensor:
    """Bilinear windows of ``wide`` (B, C, s, s) at ``size``; s is at most twice the size, so that nothing aliases."""
    grid = F.affine_grid(theta, [len(wide), wide.shape[1], *size], align_corners=False)
    return F.grid_sample(wide, grid, mode="bilinear", padding_mode="border", align_corners=False)


def size_of(shape: tuple[int, ...]) -> int:
    """How many numbers one item of this shape has.

    Examples:
        >>> size_of((3, 8, 8))
        192
    """
    return math.prod(shape)
