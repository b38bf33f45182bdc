"""What the models of this family share: the encoder, and the units in which fields are seen and costs are measured."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo.errors import RequestError
from zoo.model import Model
from zoo.pairs import Pairs
from zoo_cgml.nets import G, H, is_vector

ROWS = 2**22
"""Numbers of a finest layer that are decoded at once: bounds the memory of a pool."""


class Regression(Model):
    """y = G(H(x), z), whose cost is the absolute error in deviations of y.

    x and y are fields (C, s, s) and (D, s, s) of one side s, a power of two from 8 to 256, or vectors (C,) and (D,).
    """

    mean_x: Tensor
    scale_x: Tensor
    mean_y: Tensor
    scale_y: Tensor
    limits: Tensor
    g: G

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        vectors = [len(shape) == 1 for shape in (self.x_shape, self.y_shape)]
        if vectors[0] != vectors[1]:
            raise RequestError(f"cGML is for two vectors or for two fields, not for {self.x_shape} -> {self.y_shape}")
        self.h = H(self.x_shape, self.y_shape, self.config.width)
        ones = [1] * (len(self.x_shape) - 1)
        self.register_buffer("mean_x", torch.zeros(self.x_shape[0], *ones))
        self.register_buffer("scale_x", torch.ones(self.x_shape[0], *ones))
        self.register_buffer("mean_y", torch.zeros(()))
        self.register_buffer("scale_y", torch.ones(()))
        self.register_buffer("limits", torch.tensor([-1.0, 1.0]))

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Mean and deviation of x for each channel, and of y for all values; the range of y, which is that of tanh."""
        rest = [0, *range(2, pairs.x.ndim)]
        spread, mean = torch.std_mean(pairs.x.float(), rest, correction=0)
        self.mean_x, self.scale_x = mean.view_as(self.mean_x), _usable(spread).view_as(self.scale_x)
        y = pairs.y.float()
        self.mean_y, self.scale_y = y.mean(), _usable(y.std(correction=0))
        self.limits = torch.stack([y.min(), y.max()])

    def encode(self, x: Tensor) -> list[Tensor]:
        """h: the outputs of the encoder's layers, the bottleneck last."""
        return self.h(self.inner_x(x))

    def features(self, x: Tensor) -> Tensor:
        """The bottleneck of the encoder, flattened, (B, D) (appendix 3.7)."""
        return self.encode(x)[-1].flatten(1)

    def generate(self, code: list[Tensor], n: int, z: Tensor | None) -> Tensor:
        """The fields of z (B * n, latent), n for each item of ``code``, in the units of y; in pieces of bounded memory."""
        item = torch.arange(len(code[0]), device=self.mean_y.device).repeat_interleave(n)
        out = torch.empty(len(item), *self.y_shape, device=self.mean_y.device)
        rows = max(1, ROWS // max(1, code[0][0].numel()))
        for i in range(0, len(item), rows):
            piece = slice(i, i + rows)
            made = self.inner_y([f[item[piece]] for f in code], None if z is None else z[piece])
            out[piece] = made * self.scale_y + self.mean_y
        return out if is_vector(self.y_shape) else out.clamp(self.limits[0], self.limits[1])

    def inner_x(self, x: Tensor) -> Tensor:
        """x in deviations from its mean."""
        return (x.float() - self.mean_x) / self.scale_x

    def inner_y(self, features: list[Tensor], z: Tensor | None) -> Tensor:
        """What the generator makes, in deviations of y from its mean: tanh spans the range of the training fields."""
        made = self.g(features, z).float()
        if is_vector(self.y_shape):
            return made
        low, high = (self.limits - self.mean_y) / self.scale_y
        return low + (high - low) * (made + 1) / 2

    def true_y(self, y: Tensor) -> Tensor:
        """y in deviations from its mean."""
        return (y.float() - self.mean_y) / self.scale_y


def _usable(spread: Tensor) -> Tensor:
    """Standard deviations to divide by: 1 where nothing varies."""
    return torch.where(spread > 1e-4, spread, torch.ones_like(spread))
