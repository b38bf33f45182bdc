"""Discriminators of whole fields and of patches, and BicycleGAN's encoder of y.

Source: pix2pix (Isola et al. 2017, appendix 6.1.2) for the layers of a discriminator of patches; the context encoder (Pathak
et al. 2016) for one of whole fields. They have no batch normalisation, which would show a discriminator the rest of the batch
and with which the gradient penalty is not one of the single field.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo_networks.dcgan import SLOPE, Conv, Linear, Tower
from zoo_networks.unet import COARSEST, widths

MOST_LOG_VARIANCE = 10.0
"""Log variances are held within this, so that none of their exponentials overflows."""


class _PatchConv(Conv):
    """4 x 4 with stride 1, one pixel smaller."""

    def __init__(self, inputs: int, outputs: int, gain: float = Conv.gain) -> None:
        nn.Conv2d.__init__(self, inputs, outputs, 4, 1, 1)
        self.gain = gain
        self.reset_parameters()


class Discriminator(nn.Module):
    """y (B, C, s, s), and x where it sees that, to scores (B, patches).

    Args:
        given: the shape of x, a field or a vector, or None where it does not see it.
        y_shape: of y.
        width: channels of the first layer.
        halvings: how often it halves the side, at most down to four; then two more layers look at patches. None to go down to
            four and give one score of the whole.
    """

    def __init__(self, given: tuple[int, ...] | None, y_shape: tuple[int, ...], width: int, halvings: int | None) -> None:
        super().__init__()
        most = (y_shape[-1] // COARSEST).bit_length() - 1
        count = most if halvings is None else min(halvings, most)
        channels = widths(width, count)
        inputs = y_shape[0] + (given[0] if given else 0)
        ends = zip((inputs, *channels[:-1]), channels, strict=True)
        self.layers = nn.ModuleList(Conv(i, o, 2) for i, o in ends)
        self.last: nn.Module
        if halvings is None:
            self.last = nn.Sequential(nn.Flatten(), Linear(channels[-1] * COARSEST**2, 1, 1.0))
        else:
            wide = min(2 * channels[-1], 8 * width)
            self.layers.append(_PatchConv(channels[-1], wide))
            self.last = _PatchConv(wide, 1, 1.0)

    def forward(self, y: Tensor, x: Tensor | None = None) -> Tensor:
        value = y
        for n, layer in enumerate(self.layers):
            value = conv_with(layer, y, x) if n == 0 else layer(value)
            value = F.leaky_relu(value, SLOPE)
        scores: Tensor = self.last(value)
        return scores.flatten(1).float()


def conv_with(conv: nn.Module, y: Tensor, x: Tensor | None) -> Tensor:
    """``conv`` (4 x 4, stride 2, zeros around) of y (B, C, s, s) and x as further channels: a field, or a vector (B, K) tiled.

    What comes of a tiled vector differs from place to place only at the rim. It is computed on maps of 6 x 6, which give
    3 x 3, whose middle row and column are then repeated: the same numbers at a small part of the cost of hundreds of maps.
    """
    if x is None:
        return conv(y)
    if x.ndim == 4:
        return conv(torch.cat([y, x], 1))
    assert isinstance(conv, nn.Conv2d)
    of_y, of_x = conv.weight.split([y.shape[1], x.shape[1]], 1)
    small = F.conv2d(x[:, :, None, None].expand(-1, -1, 6, 6), of_x, stride=2, padding=1)
    for axis in (2, 3):
        first, middle, last = small.split(1, axis)
        small = torch.cat([first, middle.repeat_interleave(y.shape[axis] // 2 - 2, axis), last], axis)
    return F.conv2d(y, of_y, conv.bias, stride=2, padding=1) + small


class CodeEncoder(nn.Module):
    """E: y (B, C, s, s) -> mean and log variance of its code, each (B, latent)."""

    def __init__(self, y_shape: tuple[int, ...], latent: int, width: int) -> None:
        super().__init__()
        self.tower = Tower(y_shape[0], None, y_shape[-1], width)
        self.code = Linear(self.tower.outputs * self.tower.side**2, 2 * latent, 1.0)

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        value = F.leaky_relu(self.tower(y), SLOPE)
        mean, log_variance = self.code(value.flatten(1)).float().chunk(2, 1)
        return mean, log_variance.clamp(-MOST_LOG_VARIANCE, MOST_LOG_VARIANCE)
