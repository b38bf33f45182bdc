"""What a CVAE has besides DCGAN's parts: the encoder of the code, and the tower of an x that is no picture."""

from __future__ import annotations

from torch import Tensor, cat, nn
from torch.nn import functional as F

from zoo_networks.dcgan import SLOPE, Linear, Tower, plan

LEAST_VARIANCE = 1e-5


class Encoder(nn.Module):
    """q(z | x, y), a diagonal Gaussian: a tower over x and y, stacked as channels, and a linear layer.

    It sees x too, as in Walker et al.: the code is multiplied with what the image tower made of x, so that one y needs
    different codes under different x. The numbers of a vector x are each a channel of their own, the same everywhere.
    """

    def __init__(self, inputs: int, codes: int, side: int, width: int) -> None:
        super().__init__()
        self.tower = Tower(inputs, codes, side, width)
        self.head = nn.Linear(codes * self.tower.side**2, 2 * codes)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of z, each (B, codes)."""
        if x.ndim == 2:
            x = x[:, :, None, None].expand(-1, -1, *y.shape[2:])
        mean, free = self.head(F.leaky_relu(self.tower(cat([x, y], 1)), SLOPE).flatten(1)).float().chunk(2, 1)
        return mean, F.softplus(free) + LEAST_VARIANCE


class Perceptron(nn.Module):
    """In the image tower's place where x is a vector: one hidden layer, (B, K) -> (B, outputs, c, c), c the coarsest side."""

    def __init__(self, inputs: int, outputs: int, side: int, width: int) -> None:
        super().__init__()
        self.side = plan(side, width)[0]
        self.outputs, hidden = outputs, 8 * width
        self.hidden, self.last = Linear(inputs, hidden), Linear(hidden, outputs * self.side**2, 1.0)

    def forward(self, value: Tensor) -> Tensor:
        made: Tensor = self.last(F.leaky_relu(self.hidden(value), SLOPE))
        return made.unflatten(1, (self.outputs, self.side, self.side))
