"""cGML's third block, the predictor Z of the next z and of its momentum; H and G are those of :mod:`zoo_networks.regression`.

Source: cGML, section 3, Figure 2 and appendix 3.1; section 4 for the perceptrons of vectors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo_networks.dcgan import Linear
from zoo_networks.regression import G, H, Perceptron, is_vector

LATENT = {32: 10, 64: 16, 128: 32, 256: 64}
"""Length of z by the side of the fields (3.1)."""


class Z(nn.Module):
    """(z, h) -> where z is expected next (B, latent), and the expected momentum rho (B, 1), at least 0.

    Beside a field's h, of which there are many more numbers, z is scaled so that it weighs as much.
    """

    def __init__(self, h: H, latent: int, rho: bool, width: int) -> None:
        super().__init__()
        self.latent = latent
        size = math.prod(h.bottleneck)
        vector = len(h.bottleneck) == 1
        self.look = nn.Identity() if vector else nn.Sequential(nn.Flatten(), Linear(size, width))
        seen = size if vector else width
        self.net = Perceptron(latent + seen, latent + rho, width)
        self.reach = 1.0 if vector else math.sqrt(seen)

    def condition(self, features: Sequence[Tensor]) -> Tensor:
        """What the predictor sees of h, (B, D): the same for every step of z."""
        return self.look(features[-1])

    def forward(self, z: Tensor, condition: Tensor) -> tuple[Tensor, Tensor | None]:
        found = self.net(torch.cat([z * self.reach, condition], 1))
        towards, rho = found[:, : self.latent], found[:, self.latent :]
        return towards, F.softplus(rho) if rho.shape[1] else None


__all__ = ["LATENT", "G", "H", "Z", "is_vector"]
