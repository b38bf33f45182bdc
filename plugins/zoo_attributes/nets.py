"""Encoder and decoder of the attribute CVAE.

Source: Debbagh, "Learning Structured Output Representations from Attributes using Deep Conditional Generative Models",
section 4.1. The first weights are Kaiming normal, which the layers of :mod:`zoo_networks.dcgan` have, biases zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo_networks.dcgan import Conv, Deconv, Linear

RELU = math.sqrt(2)
"""The gain of first weights before a rectifier."""
MOST_LOG_VARIANCE = 15.0
"""Log variances are held within this, so that none of their exponentials overflows."""


def widths(width: int, blocks: int) -> list[int]:
    """Channels after each block of the encoder."""
    return [width * min(8, 2**i) for i in range(blocks)]


class Encoder(nn.Module):
    """q(z | x, y), a diagonal Gaussian: blocks of convolution, rectifier and max-pooling, then a linear layer each for the
    mean and the log variance.

    Args:
        given: channels of x, or how many attributes there are.
        inputs, side: channels and side of y.
        latent, width, blocks, norm: of :class:`zoo_attributes.config.AttributeCVAEConfig`.
    """

    def __init__(self, given: int, inputs: int, side: int, latent: int, width: int, blocks: int, norm: bool) -> None:
        super().__init__()
        channels = widths(width, blocks)
        self.convs = nn.ModuleList(
            Conv(i, o, 1, RELU) for i, o in zip((inputs + given, *channels[:-1]), channels, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) if norm else nn.Identity() for c in channels)
        flat = channels[-1] * (side // 2**blocks) ** 2
        self.mean, self.log_variance = Linear(flat, latent, 1.0), Linear(flat, latent, 1.0)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of z, each (B, latent), of x (B, K) or (B, K, s, s) and y (B, C, s, s)."""
        for n, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = conv_with_tiled(conv, y, x) if n == 0 else conv(y)
            y = F.relu(F.max_pool2d(norm(y), 2))  # in this order for speed: the two commute
        flat = y.flatten(1)
        return self.mean(flat).float(), self.log_variance(flat).float().clamp(-MOST_LOG_VARIANCE, MOST_LOG_VARIANCE)


def conv_with_tiled(conv: nn.Module, y: Tensor, x: Tensor) -> Tensor:
    """``conv`` (3 x 3, zeros around) of y (B, C, s, s) and x as further channels: maps (B, K, s, s), or a vector (B, K) tiled.

    Tiled vectors differ in their result only at the rim of the field. It is computed on a field of 3 x 3, whose middle row
    and column are then repeated: the same numbers, at a small part of the cost of s x s with tens or hundreds of attributes.
    """
    if x.ndim == 4:
        return conv(torch.cat([y, x], 1))
    assert isinstance(conv, nn.Conv2d)
    of_y, of_x = conv.weight[:, : y.shape[1]], conv.weight[:, y.shape[1] :]
    small = F.conv2d(x[:, :, None, None].expand(-1, -1, 3, 3), of_x, padding=1)
    for axis in (2, 3):
        first, middle, last = small.split(1, axis)
        small = torch.cat([first, middle.repeat_interleave(y.shape[axis] - 2, axis), last], axis)
    return F.conv2d(y, of_y, conv.bias, padding=1) + small


class Decoder(nn.Module):
    """(z, x) to a field in [0, 1]: a linear layer, then transposed convolutions with rectifiers between, a sigmoid at the end.

    Args:
        given: numbers of x that it sees.
        outputs, side: channels and side of y.
        latent, width, blocks, norm: of :class:`zoo_attributes.config.AttributeCVAEConfig`.
    """

    def __init__(self, given: int, outputs: int, side: int, latent: int, width: int, blocks: int, norm: bool) -> None:
        super().__init__()
        channels = widths(width, blocks)[::-1]
        self.coarse = (channels[0], side // 2**blocks, side // 2**blocks)
        self.project = Linear(latent + given, math.prod(self.coarse), 1.0)
        ends = list(zip(channels, (*channels[1:], outputs), strict=True))
        self.deconvs = nn.ModuleList(Deconv(i, o, 2, 1.0 if n == blocks - 1 else RELU) for n, (i, o) in enumerate(ends))
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) if norm else nn.Identity() for _, o in ends[:-1])
        self.rows = max(16, 2**24 // (side**2 * max(outputs, width)))

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """(B, outputs, s, s) of z (B, latent) and x (B, given)."""
        value = self.project(torch.cat([z, x.to(z)], 1)).unflatten(1, self.coarse)
        for deconv, norm in zip(self.deconvs[:-1], self.norms, strict=True):
            value = F.relu(norm(deconv(value)))
        return self.deconvs[-1](value).float().sigmoid()

    def pieces(self, items: int) -> Iterator[slice]:
        """Slices of ``items`` rows such that the layers of one slice stay in some tens of megabytes."""
        for i in range(0, items, self.rows):
            yield slice(i, i + self.rows)
