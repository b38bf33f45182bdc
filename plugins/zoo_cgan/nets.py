"""Generator and discriminator of DCGAN's parts.

Source: the projection discriminator of Miyato and Koyama 2018 for the condition; R3GAN (Huang et al. 2024) for networks
without any normalisation.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo_networks.dcgan import SLOPE, Decoder, Linear, Tower


class Generator(nn.Module):
    """(z, e) -> y: projected to the coarsest side, then five transposed convolutions, linear at the end.

    Args:
        inputs: length of z and e together.
        outputs: channels of y.
        side, width: of y, and of the layer before the last.
    """

    def __init__(self, inputs: int, outputs: int, side: int, width: int) -> None:
        super().__init__()
        self.decoder = Decoder(None, outputs, side, width)
        self.project = Linear(inputs, math.prod(self.decoder.inputs))

    def forward(self, code: Tensor, embedding: Tensor) -> Tensor:
        value = self.project(torch.cat([code, embedding], 1)).unflatten(1, self.decoder.inputs)
        field: Tensor = self.decoder(F.leaky_relu(value, SLOPE))
        return field


class Discriminator(nn.Module):
    """(y, e) -> a score (B,): five convolutions, a linear layer to features f, and u f + (V e) f.

    Args:
        inputs: channels of y.
        embedding: length of e.
        side, width: of y, and of the first layer.
    """

    def __init__(self, inputs: int, embedding: int, side: int, width: int) -> None:
        super().__init__()
        self.tower = Tower(inputs, None, side, width)
        features = 4 * width
        self.features = Linear(self.tower.outputs * self.tower.side**2, features)
        self.condition = Linear(embedding, features, 1.0)
        self.score = Linear(features, 1, 1.0, bias=False)  # only differences of scores of one e are ever looked at

    def forward(self, value: Tensor, embedding: Tensor) -> Tensor:
        value = F.leaky_relu(self.tower(value), SLOPE)
        features = F.leaky_relu(self.features(value.flatten(1)), SLOPE)
        match = (self.condition(embedding) * features).sum(1) / math.sqrt(features.shape[1])
        score: Tensor = self.score(features)[:, 0] + match
        return score.float()
