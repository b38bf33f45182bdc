"""Generator and discriminator: five transposed convolutions, and five convolutions that mirror them.

Source: DCGAN (Radford et al. 2016) for kernels, strides and the growth of widths; the projection discriminator of Miyato and
Koyama 2018 for the condition; R3GAN (Huang et al. 2024) for networks without any normalisation.
Batch normalisation, which DCGAN has, is left out: it would make a sample depend on its batch, and norms within one sample
take away the level and contrast of a field, which is what brightness and saturation are. The first weights keep the variance
from layer to layer instead (He et al. 2015).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.errors import RequestError

LAYERS, SLOPE, COARSEST = 5, 0.2, 4


def check_side(owner: str, shape: tuple[int, ...]) -> int:
    """The side s of square fields (C, s, s).

    Raises:
        RequestError: they are not square, or s is no multiple of 8 from 8 to 256.
    """
    if len(shape) == 3 and shape[0] > 0 and shape[1] == shape[2] and 8 <= shape[1] <= 256 and shape[1] % 8 == 0:
        return shape[1]
    raise RequestError(f"{owner} makes square fields y (C, s, s), s a multiple of 8 from 8 to 256; not {shape}")


def plan(side: int, width: int) -> tuple[int, list[int], list[int]]:
    """The coarsest side, the strides of the five layers, and the channels after each of the first four."""
    strides, channels = [], []
    for _ in range(LAYERS):
        halve = side % 2 == 0 and side // 2 >= COARSEST
        side = side // 2 if halve else side
        strides.append(2 if halve else 1)
        channels.append(width * 2 ** min(3, max(0, sum(s == 2 for s in strides) - 1)))
    return side, strides, channels[:-1]


class Conv(nn.Conv2d):
    """A convolution that keeps the variance of what follows a leaky rectifier; one of stride 2 halves the side."""

    gain: float = math.sqrt(2 / (1 + SLOPE**2))

    def __init__(self, inputs: int, outputs: int, stride: int, gain: float | None = None) -> None:
        super().__init__(inputs, outputs, 4 if stride == 2 else 3, stride, 1)
        if gain is not None:
            self.gain = gain
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Normal weights of variance gain^2 / inputs to one output, no bias."""
        _first_weights(self, self.in_channels * math.prod(self.kernel_size), self.gain)


class Deconv(nn.ConvTranspose2d):
    """The transposed convolution that undoes the shape of :class:`Conv`."""

    gain: float = Conv.gain

    def __init__(self, inputs: int, outputs: int, stride: int, gain: float | None = None) -> None:
        super().__init__(inputs, outputs, 4 if stride == 2 else 3, stride, 1)
        if gain is not None:
            self.gain = gain
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As of :class:`Conv`; a stride divides the inputs that meet in one output."""
        _first_weights(self, self.in_channels * math.prod(self.kernel_size) // math.prod(self.stride), self.gain)


def _first_weights(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear, fan_in: int, gain: float) -> None:
    nn.init.normal_(layer.weight, std=gain / math.sqrt(fan_in))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class Linear(nn.Linear):
    """A linear layer with first weights as of :class:`Conv`."""

    gain: float = Conv.gain

    def __init__(self, inputs: int, outputs: int, gain: float | None = None, bias: bool = True) -> None:
        super().__init__(inputs, outputs, bias)
        if gain is not None:
            self.gain = gain
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As of :class:`Conv`."""
        _first_weights(self, self.in_features, self.gain)


class Generator(nn.Module):
    """(z, e) -> y: projected to the coarsest side, then five transposed convolutions, linear at the end.

    Args:
        inputs: length of z and e together.
        outputs: channels of y.
        side, width: of y, and of the layer before the last.
    """

    def __init__(self, inputs: int, outputs: int, side: int, width: int) -> None:
        super().__init__()
        coarsest, strides, channels = plan(side, width)
        strides, channels = strides[::-1], channels[::-1]
        self.coarse = (channels[0], coarsest, coarsest)
        self.project = Linear(inputs, math.prod(self.coarse))
        ends = zip((channels[0], *channels), (*channels, outputs), strides, strict=True)
        self.layers = nn.ModuleList(Deconv(i, o, s, 0.5 if n == LAYERS - 1 else None) for n, (i, o, s) in enumerate(ends))
        self.rows = max(16, 2**24 // (side**2 * max(outputs, width // 2)))

    def forward(self, code: Tensor, embedding: Tensor) -> Tensor:
        value = self.project(torch.cat([code, embedding], 1)).unflatten(1, self.coarse)
        for layer in self.layers:
            value = layer(F.leaky_relu(value, SLOPE))
        return value

    def pieces(self, items: int) -> Iterator[slice]:
        """Slices of ``items`` rows such that the layers of one slice stay in some tens of megabytes."""
        for i in range(0, items, self.rows):
            yield slice(i, i + self.rows)


class Discriminator(nn.Module):
    """(y, e) -> a score (B,): five convolutions, a linear layer to features f, and u f + (V e) f.

    Args:
        inputs: channels of y.
        embedding: length of e.
        side, width: of y, and of the first layer.
    """

    def __init__(self, inputs: int, embedding: int, side: int, width: int) -> None:
        super().__init__()
        coarsest, strides, channels = plan(side, width)
        ends = zip((inputs, *channels), (*channels, channels[-1]), strides, strict=True)
        self.layers = nn.ModuleList(Conv(i, o, s) for i, o, s in ends)
        features = 4 * width
        self.features = Linear(channels[-1] * coarsest**2, features)
        self.condition = Linear(embedding, features, 1.0)
        self.score = Linear(features, 1, 1.0, bias=False)  # only differences of scores of one e are ever looked at

    def forward(self, value: Tensor, embedding: Tensor) -> Tensor:
        for layer in self.layers:
            value = F.leaky_relu(layer(value), SLOPE)
        features = F.leaky_relu(self.features(value.flatten(1)), SLOPE)
        match = (self.condition(embedding) * features).sum(1) / math.sqrt(features.shape[1])
        score: Tensor = self.score(features)[:, 0] + match
        return score.float()
