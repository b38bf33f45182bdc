"""An encoder that halves the side down to four, and the decoder that mirrors it with skip connections.

Source: the context encoder (Pathak et al. 2016) for kernels, strides and widths, without its channel-wise linear layer and
with the skips of a U-Net (Ronneberger et al. 2015), as cGML (section 5, Figure 24) builds it for sides 32, 64, 128 and 256.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.dcgan import SLOPE, Conv, Deconv
from zoo.errors import RequestError

COARSEST = 4


def levels_of(owner: str, *shapes: tuple[int, ...]) -> int:
    """How often the side of square fields (C, s, s), one for all ``shapes``, is halved until it is four.

    Raises:
        RequestError: they are not square, not equal, or s is no power of two from 8 to 256.
    """
    side = shapes[0][-1] if shapes[0] else 0
    alike = all(len(shape) == 3 and shape[0] > 0 and shape[1:] == (side, side) for shape in shapes)
    levels = int(math.log2(side / COARSEST)) if side >= 8 else 0
    if not alike or not 8 <= side <= 256 or COARSEST * 2**levels != side:
        raise RequestError(
            f"{owner} is for square fields (C, s, s) of one side s: 8, 16, 32, 64, 128 or 256; "
            f"not for {' -> '.join(map(str, shapes))}"
        )
    return levels


class _Layer(nn.Module):
    """A (transposed) convolution, batch normalisation, and a leaky rectifier."""

    def __init__(self, convolution: nn.Module, channels: int) -> None:
        super().__init__()
        self.convolution, self.norm = convolution, nn.BatchNorm2d(channels)

    def forward(self, value: Tensor) -> Tensor:
        return F.leaky_relu(self.norm(self.convolution(value)), SLOPE)


class Encoder(nn.Module):
    """(B, inputs, s, s) -> the outputs of all its layers, the coarsest last: (B, channels, 4, 4).

    Attributes:
        channels: of each layer's output.
    """

    channels: list[int]

    def __init__(self, inputs: int, levels: int, width: int) -> None:
        super().__init__()
        self.channels = [width * 2 ** min(3, level) for level in range(levels)]
        ends = zip((inputs, *self.channels[:-1]), self.channels, strict=True)
        self.layers = nn.ModuleList(_Layer(Conv(i, o, 2), o) for i, o in ends)

    def forward(self, value: Tensor) -> list[Tensor]:
        found = []
        for layer in self.layers:
            value = layer(value)
            found.append(value)
        return found


class Decoder(nn.Module):
    """The mirror of an :class:`Encoder`: its outputs and a code (B, codes) -> (B, outputs, s, s) in [-1, 1] by tanh.

    The code stands at every place of the coarsest field. Each finer layer also sees the encoder's output of its side.

    Args:
        channels: the encoder's.
        codes: length of the code; 0 for none.
        outputs: channels of the result.
    """

    def __init__(self, channels: Sequence[int], codes: int, outputs: int) -> None:
        super().__init__()
        self.codes = codes
        layers: list[nn.Module] = []
        inputs = channels[-1] + codes
        for level in range(len(channels) - 1, 0, -1):
            layers.append(_Layer(Deconv(inputs, channels[level - 1], 2), channels[level - 1]))
            inputs = 2 * channels[level - 1]
        self.layers = nn.ModuleList(layers)
        self.last = Deconv(inputs, outputs, 2, 0.5)

    def forward(self, features: Sequence[Tensor], code: Tensor | None = None) -> Tensor:
        value = features[-1]
        if code is not None and self.codes:
            value = torch.cat([value, code[:, :, None, None].expand(-1, -1, *value.shape[2:])], 1)
        for layer, skip in zip(self.layers, features[-2::-1], strict=True):
            value = torch.cat([layer(value), skip], 1)
        return torch.tanh(self.last(value))


@contextmanager
def untouched_statistics(*modules: nn.Module) -> Iterator[None]:
    """Batch normalisation goes on normalising by its batch, but remembers nothing of what passes within."""
    norms = [m for module in modules for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
