"""cGML's three blocks: the encoder H, the generator G, and the predictor Z of the next z and of its momentum.

Source: cGML, section 3, Figure 2 and appendix 3.1; section 4 for the perceptrons of vectors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.dcgan import SLOPE, Linear
from zoo.unet import Decoder, Encoder, levels_of

LATENT = {32: 10, 64: 16, 128: 32, 256: 64}
"""Length of z by the side of the fields (3.1)."""


def is_vector(shape: tuple[int, ...]) -> bool:
    """Whether fields of this shape are vectors, for perceptrons; else they are (C, s, s), for convolutions."""
    return len(shape) == 1


class Perceptron(nn.Module):
    """Two hidden layers with leaky rectifiers, (B, inputs) -> (B, outputs)."""

    def __init__(self, inputs: int, outputs: int, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Linear(inputs, width), Linear(width, width), Linear(width, outputs, 1.0)])

    def forward(self, value: Tensor) -> Tensor:
        for n, layer in enumerate(self.layers):
            value = layer(value if n == 0 else F.leaky_relu(value, SLOPE))
        return value


class H(nn.Module):
    """x -> h: the outputs of all layers for a field, the last of them the bottleneck; one vector for a vector."""

    bottleneck: tuple[int, ...]

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        if is_vector(x_shape):
            self.net: nn.Module = Perceptron(x_shape[0], width, width)
            self.channels, self.bottleneck = [width], (width,)
        else:
            encoder = Encoder(x_shape[0], levels_of("cGML", x_shape, y_shape), width)
            self.net, self.channels = encoder, encoder.channels
            self.bottleneck = (encoder.channels[-1], 4, 4)

    def forward(self, x: Tensor) -> list[Tensor]:
        found = self.net(x)
        return found if isinstance(found, list) else [found]


class G(nn.Module):
    """(h, z) -> y, in [-1, 1] for a field, unbounded for a vector; without z where ``latent`` is 0."""

    def __init__(self, h: H, latent: int, y_shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.vector = is_vector(y_shape)
        if self.vector:
            self.net: nn.Module = Perceptron(h.bottleneck[0] + latent, y_shape[0], width)
        else:
            self.net = Decoder(h.channels, latent, y_shape[0])

    def forward(self, features: Sequence[Tensor], z: Tensor | None) -> Tensor:
        made: Tensor
        if self.vector:
            made = self.net(features[-1] if z is None else torch.cat([features[-1], z], 1))
        else:
            made = self.net(features, z)
        return made


class Z(nn.Module):
    """(z, h) -> where z is expected next (B, latent), and the expected momentum rho (B, 1), at least 0."""

    def __init__(self, h: H, latent: int, rho: bool, width: int) -> None:
        super().__init__()
        self.latent = latent
        size = math.prod(h.bottleneck)
        vector = len(h.bottleneck) == 1
        self.look = nn.Identity() if vector else nn.Sequential(nn.Flatten(), Linear(size, width))
        self.net = Perceptron(latent + (size if vector else width), latent + rho, width)

    def condition(self, features: Sequence[Tensor]) -> Tensor:
        """What the predictor sees of h, (B, D): the same for every step of z."""
        return self.look(features[-1])

    def forward(self, z: Tensor, condition: Tensor) -> tuple[Tensor, Tensor | None]:
        found = self.net(torch.cat([z, condition], 1))
        towards, rho = found[:, : self.latent], found[:, self.latent :]
        return towards, F.softplus(rho) if rho.shape[1] else None
