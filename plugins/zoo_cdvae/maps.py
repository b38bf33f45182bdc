"""The part of x that ``cdvae-skip`` decodes with: maps, made once for each x, that a sample adds up with weights of its own.

That the decoder of y sees x at all is done here, and in no paper of CDVAE. A sum is the simplest that lets one code mean the
same under every x: shading is about the product of the light, which the code tells, and of the surface, which x tells.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo_networks.dcgan import SLOPE, Conv, Deconv, side_of

OWNER = "a CDVAE whose decoder sees maps of x"


class Maps(nn.Module):
    """A small U-Net: x (B, C, s, s) -> (B, maps, s, s); each place knows where it is, by two coordinates.

    Raises:
        RequestError: x and y are not square fields of one side, a multiple of 8 from 8 to 256.
    """

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], hidden: int, maps: int, width: int) -> None:
        super().__init__()
        side_of(OWNER, x_shape, y_shape)
        each = [width, 2 * width, 4 * width, 8 * width]
        self.first, self.last = Conv(x_shape[0] + 2, width, 1), Conv(2 * width, maps, 1, 1.0)
        self.down = nn.ModuleList(Conv(i, o, 2) for i, o in pairwise(each))
        inputs = (each[3], 2 * each[2], 2 * each[1])
        self.up = nn.ModuleList(Deconv(i, o, 2) for i, o in zip(inputs, each[2::-1], strict=True))
        self.weights = nn.Linear(hidden, y_shape[0] * maps)
        nn.init.normal_(self.weights.weight, std=hidden**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        line = torch.linspace(-1, 1, x.shape[-1]).to(x)
        where = torch.stack(torch.meshgrid(line, line, indexing="ij")).expand(len(x), -1, -1, -1)
        value, seen = F.leaky_relu(self.first(torch.cat([x, where], 1)), SLOPE), []
        for layer in self.down:
            seen.append(value)
            value = F.leaky_relu(layer(value), SLOPE)
        for layer in self.up:
            value = torch.cat([F.leaky_relu(layer(value), SLOPE), seen.pop()], 1)
        return self.last(value)

    def added(self, maps: Tensor, hidden: Tensor) -> Tensor:
        """The sum of ``maps`` (B, maps, s, s) by what the decoder made of codes (B * n, H), added to fields (B * n, D)."""
        weights = self.weights(hidden).view(len(maps), -1, maps.shape[1])  # each item's n samples, their channels together
        return (weights @ maps.flatten(2)).view(len(hidden), -1)
