"""The base of a flow and a one-pass model: units, the network of x, and samples made in pieces of bounded memory."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from zoo import Model, Noise, Pairs, size_of
from zoo_flow.network import Code, ContextNet, VectorContext, rows_of
from zoo_networks.dcgan import side_of
from zoo_networks.units import channel_units, in_pieces, limits_of, pixel_units

AT_ONCE = 64
"""Samples of one x whose noise is drawn at once: always as many, since what follows in its stream depends on it."""
NUMBERS = 2**16
"""Of the fields of a piece: it bounds the memory, and stays near the processor. Pieces of vectors are as many codes."""


class Drawn(Model):
    """A model that makes a sample of noise and of the code of x, which is computed once for all samples.

    x is (C, s, s) or a vector (K,), and y (D, s, s), s a multiple of 8 from 8 to 256; or y is a vector (D,), and x anything.
    The config has ``widths``, ``patch`` and ``embedding``. A class calls :meth:`build` and gives :meth:`make`.

    Raises:
        RequestError: the shapes are others.
    """

    def build(self, owner: str, parts: int) -> tuple[Any, ...]:
        """Make the network of x, which gives so many parts a level, and the buffers; the sizes that another network needs.

        They are the side, the patch, the widths and the embedding where y is a field, else the embedding alone.
        """
        settings, vector = self.config, len(self.x_shape) == 1
        each = (self.x_shape[0], *(1 for _ in self.x_shape[1:])) if self.x_shape else ()
        self.mean_x: Tensor = nn.Buffer(torch.zeros(each))
        self.scale_x: Tensor = nn.Buffer(torch.ones(each))
        self.mean_y: Tensor = nn.Buffer(torch.zeros(self.y_shape))
        self.scale_y: Tensor = nn.Buffer(torch.ones(()))
        self.limits: Tensor = nn.Buffer(torch.tensor([-math.inf, math.inf]))
        self.context: nn.Module
        if len(self.y_shape) == 1:
            self.context = VectorContext(size_of(self.x_shape), settings.embedding)
            return (settings.embedding,)
        side = side_of(f"{owner}, whose x may also be a vector,", *(() if vector else (self.x_shape,)), self.y_shape)
        sizes = side, settings.patch, settings.widths, settings.embedding
        self.context = ContextNet(self.x_shape[0], vector, *sizes, parts)
        return sizes

    def make(self, code: Code, noise: Tensor) -> Tensor:
        """Samples (R, *y_shape) in deviations of y, of the code of R x and noise (R, ...)."""
        raise NotImplementedError

    def noise_shape(self) -> tuple[int, ...]:
        """Of the standard normal numbers of one sample."""
        raise NotImplementedError

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Means, scales and limits: of x for each channel or number; the mean of y for each pixel, its scale for all."""
        self.mean_x, self.scale_x = channel_units(pairs.x)
        self.mean_y, self.scale_y = pixel_units(pairs.y)
        self.limits = limits_of(pairs.y)

    def encode(self, x: Tensor) -> Code:
        """The output of the network of x."""
        code: Code = self.context((x.float() - self.mean_x) / self.scale_x)
        return code

    def features(self, x: Tensor) -> Tensor:
        """The code of x as a whole, (B, embedding)."""
        return self.encode(x)[0]

    def draw(self, code: Code, n: int, noise: Noise) -> Tensor:
        """Samples made of noise, clipped to the range of the training fields."""
        out = torch.empty(len(code[0]), n, *self.y_shape, device=code[0].device)
        for i in range(0, n, AT_ONCE):
            drawn = noise.normal(min(AT_ONCE, n - i), *self.noise_shape())
            points, many = drawn.flatten(0, 1), drawn.shape[1]

            def made(piece: slice, points: Tensor = points, many: int = many) -> Tensor:
                item = torch.arange(len(points), device=points.device)[piece] // many
                return self.make(rows_of(code, item), points[piece])

            out[:, i : i + many] = in_pieces(len(points), self.rows(), made).unflatten(0, (-1, many))
        return (out * self.scale_y + self.mean_y).clamp(self.limits[0], self.limits[1])

    def units(self, y: Tensor) -> Tensor:
        """y in deviations from its mean."""
        return (y.float() - self.mean_y) / self.scale_y

    def rows(self) -> int:
        """Samples that are made at once."""
        return max(1, NUMBERS // (size_of(self.y_shape) if len(self.y_shape) > 1 else self.config.embedding))
