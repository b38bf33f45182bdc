"""Answers that borrow training fields: nearest neighbours, the nearest alone, and fields drawn at random.

Source: paper 2 (embedding guidance), section 5.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo import History, Model, Noise, Pairs, at_least, pick


@dataclass(frozen=True)
class NearestNeighboursConfig:
    """Settings of the nearest neighbours.

    Attributes:
        sigma: standard deviation in pixels of the Gaussian that smooths the borrowed fields; 0 for none.
        neighbours: how many of the nearest pairs lend theirs, in turn where more samples are drawn; None for up to 4,096.
    """

    sigma: float = 1.0
    neighbours: int | None = None

    def __post_init__(self) -> None:
        at_least(self, 0, "sigma")
        at_least(self, 1, "neighbours")


class _Lender(Model):
    """A model whose samples are fields of the training set, kept as tensors."""

    x: Tensor
    y: Tensor

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.allocate({"x": (0, *self.x_shape), "y": (0, *self.y_shape)})

    def fit(self, pairs: Pairs, *, device: str | torch.device = "auto", **training: Any) -> History:
        """Keep the pairs; there is nothing to train: seed, epochs and all other settings of training change nothing."""
        self.check_pairs(pairs)
        device = pick(device)
        self.x, self.y = pairs.x.float().to(device), self.smoothed(pairs.y.float().to(device))
        self.fitted = True
        self.eval()
        return History(0, 0.0)

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        items = shapes.get("x", (0,))[:1]
        for name, shape in (("x", self.x_shape), ("y", self.y_shape)):
            self.register_buffer(name, torch.zeros(*items, *shape))

    def smoothed(self, y: Tensor) -> Tensor:
        """The fields as they will be lent, (N, *y_shape)."""
        return y


class NearestNeighbours(_Lender):
    """The n training fields whose x are nearest in squared distance, nearest first, smoothed by a Gaussian.

    Sampling is deterministic: the n-th sample is the n-th neighbour, whatever the seed. Where n exceeds the number of
    neighbours, they repeat in the same order.
    """

    cites: ClassVar[tuple[str, ...]] = ("lu2016cdvae",)
    Config: ClassVar[type] = NearestNeighboursConfig
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "sigma": (1.0, 0.0, 2.0, 4.0),
        "neighbours": (None, 50, 20, 10),
    }
    expected_failures: ClassVar[Mapping[str, str]] = {
        "another_seed_gives_other_samples": "neighbours are ranked, not drawn",
        "without_a_seed_every_call_is_new": "neighbours are ranked, not drawn",
    }
    config: NearestNeighboursConfig

    def smoothed(self, y: Tensor) -> Tensor:
        return gaussian_smooth(y, self.config.sigma) if y.ndim == 4 and self.config.sigma > 0 else y

    def encode(self, x: Tensor) -> Tensor:
        """Indices of the training pairs by rising distance: (B, K of N) int64."""
        known, most = self.x.flatten(1), min(self.config.neighbours or 4096, len(self.x))
        return torch.cat([torch.cdist(part, known).topk(most, largest=False).indices for part in x.flatten(1).split(256)])

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        rank = torch.arange(n, device=code.device) % code.shape[1]
        return self.y[code[:, rank]]


class Copycat(_Lender):
    """The training field of the nearest x, n times: as plausible as any true field, and without variety.

    A number that this model does well in says nothing of whether a pool is varied.
    """

    expected_failures: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("another_seed_gives_other_samples", "without_a_seed_every_call_is_new", "a_pool_has_spread"),
        "it gives one answer for each x",
    )

    def encode(self, x: Tensor) -> Tensor:
        """The field of each x, (B, *y_shape)."""
        nearest = [torch.cdist(part, self.x.flatten(1)).argmin(1) for part in x.flatten(1).split(256)]
        return self.y[torch.cat(nearest)]

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        return code[:, None].expand(-1, n, *self.y_shape)


class RandomField(_Lender):
    """Training fields drawn at random, whatever x is: the floor that any use of x must beat."""

    expected_failures: ClassVar[Mapping[str, str]] = {"another_x_gives_other_samples": "it does not look at x"}

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        index = (noise.uniform(n) * len(self.y)).long().clamp_max(len(self.y) - 1)
        return self.y[index]


def gaussian_smooth(fields: Tensor, sigma: float) -> Tensor:
    """``fields`` (N, C, H, W) convolved with a Gaussian of ``sigma`` pixels, edges replicated."""
    radius = max(1, round(3 * sigma))
    steps = torch.arange(-radius, radius + 1, device=fields.device, dtype=fields.dtype)
    kernel = torch.exp(-0.5 * (steps / sigma) ** 2)
    kernel = kernel / kernel.sum()
    channels = fields.shape[1]
    across, down = kernel.expand(channels, 1, 1, -1), kernel[:, None].expand(channels, 1, -1, 1)
    fields = F.conv2d(F.pad(fields, (radius, radius, 0, 0), mode="replicate"), across, groups=channels)
    return F.conv2d(F.pad(fields, (0, 0, radius, radius), mode="replicate"), down, groups=channels)
