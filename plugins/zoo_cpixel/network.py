"""The settings and networks of the conditional PixelCNN: what x says at every pixel, and the two gated stacks over y.

Source: van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders", sections 2.1 to 2.3.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo import Recipe, RequestError, above, at_least


@dataclass(frozen=True)
class PixelCNNConfig(Recipe):
    """Settings of a conditional PixelCNN, and of its training (:class:`zoo.Recipe`).

    Attributes:
        levels: bins of each channel of y, from its least to its largest value in the training set.
        features: of either stack; at least one a channel of y.
        layers: gated layers of each stack.
        dilations: distances of the filters' taps in the layers after the first, in turn, over and over.
        kernels: sides of the first filter and of the others, both odd.
        condition: features of the map of x.
        hidden: features between the last layer and the logits.
        temperature: the logits are divided by it when samples are drawn, and in the density; below 1 both keep closer to the
            likeliest. Training is at 1.
        within: where in its bin a sample lies: at the centre, which keeps the error of quantisation least, or anywhere in it,
            which makes samples follow :meth:`PixelCNN.log_prob` to the letter.
        weight_decay: of all weights, not of biases.
    """

    levels: int = 32
    features: int = 16
    layers: int = 6
    dilations: tuple[int, ...] = (1, 2, 4)
    kernels: tuple[int, ...] = (7, 3)
    condition: int = 24
    hidden: int = 32
    temperature: float = field(default=1.0, metadata={"sampling": True})
    within: Literal["centre", "uniform"] = "centre"
    learning_rate: float = 1.6e-2
    weight_decay: float = 1e-3
    ema: float = 0.99
    steps: int = 900
    batch_size: int = 16
    clip: float | None = 1.0
    schedule: Literal["constant", "cosine"] = "cosine"
    lr_warmup: float = 0.03
    lr_end: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "features", "layers", "condition", "hidden")
        if not 2 <= self.levels <= 4096:
            raise RequestError(f"levels is {self.levels}; it must be from 2 to 4096")
        above(self, 0, "temperature")
        if min(self.dilations, default=0) < 1:
            raise RequestError(f"dilations is {self.dilations}; it must be at least one distance, each at least 1")
        if len(self.kernels) != 2 or any(k < 3 or k % 2 == 0 for k in self.kernels):
            raise RequestError(f"kernels is {self.kernels}; it must be two odd sizes, each at least 3")


def groups_of(size: int, channels: int) -> Tensor:
    """Which channel of y each of ``size`` features belongs to: (size,) int64, in rising order, of about equal shares."""
    return torch.arange(size) * channels // size


class Masked(nn.Conv2d):
    """A 1 x 1 convolution whose feature of group k is fed by the groups up to k (mask B) or, ``strict``, below k (mask A)."""

    mask: Tensor

    def __init__(self, inputs: Tensor, outputs: Tensor, *, strict: bool = False, bias: bool = False) -> None:
        super().__init__(len(inputs), len(outputs), 1, bias=bias)
        allowed = inputs < outputs[:, None] if strict else inputs <= outputs[:, None]
        self.register_buffer("mask", allowed.float()[:, :, None, None], persistent=False)

    @property
    def masked(self) -> Tensor:
        return self.weight * self.mask

    def forward(self, value: Tensor) -> Tensor:
        return F.conv2d(value, self.masked, self.bias)


def gate(value: Tensor) -> Tensor:
    """tanh of the first half of the features times the sigmoid of the second (eq. 2)."""
    first, second = value.chunk(2, 1)
    return torch.tanh(first) * torch.sigmoid(second)


class GatedLayer(nn.Module):
    """One layer of both stacks (figure 2 of the paper), with what x says added inside each gate (eq. 4).

    The vertical stack at a pixel has seen all rows above it, and only those; the horizontal stack the pixels to the left in
    the same row, the vertical stack's view, and the earlier channels of its own pixel. ``inputs`` are the groups of the
    features that come in. The ``first`` layer alone sees y; it has mask A and no residual.
    """

    def __init__(
        self, inputs: Tensor, features: int, channels: int, kernel: int, dilation: int, condition: int, first: bool
    ) -> None:
        super().__init__()
        self.first, self.dilation, self.taps = first, dilation, kernel // 2
        size, own = len(inputs), groups_of(features, channels)
        rows = self.taps if first else self.taps + 1
        self.vertical = nn.Conv2d(size, 2 * features, (rows, kernel), dilation=dilation, bias=False)
        self.across = nn.Conv2d(2 * features, 2 * features, 1, bias=False)
        self.left = nn.Conv2d(size, 2 * features, (1, self.taps), dilation=dilation, bias=False)
        # With one channel nothing of its own pixel comes before it.
        self.centre = None if first and channels == 1 else Masked(inputs, own.repeat(2), strict=first)
        self.out = Masked(own, own)
        self.condition = nn.Conv2d(condition, 4 * features, 1)

    def forward(self, v: Tensor, h: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Both stacks (B, I, H, W) and the map (B, M, H, W) to both stacks (B, F, H, W)."""
        d, reach = self.dilation, self.taps * self.dilation
        to_v, to_h = self.condition(condition).chunk(2, 1)
        above = F.pad(v, (reach, reach, reach, 0))
        before_gate = self.vertical(above[:, :, :-1] if self.first else above) + to_v
        row = self.left(F.pad(h, (reach, 0, 0, 0))[..., :-d]) + self.across(before_gate) + to_h
        if self.centre is not None:
            row = row + self.centre(h)
        out = self.out(gate(row))
        return gate(before_gate), out if self.first else h + out


class GatedStacks(nn.Module):
    """The logits of every value of y given x and what comes before: (B, C, H, W) and a map to (B, C, levels, H, W).

    Order: rows from above, pixels from the left, channels of a pixel in turn.
    """

    def __init__(self, channels: int, config: PixelCNNConfig) -> None:
        super().__init__()
        c, (first, rest) = config, config.kernels
        self.channels, self.levels, self.features = channels, c.levels, c.features
        colour, own, top = (groups_of(size, channels) for size in (channels, c.features, c.hidden))
        layers = [GatedLayer(colour, c.features, channels, first, 1, c.condition, True)]
        dilations = itertools.islice(itertools.cycle(c.dilations), c.layers - 1)
        layers += [GatedLayer(own, c.features, channels, rest, d, c.condition, False) for d in dilations]
        self.layers = nn.ModuleList(layers)
        self.hidden = Masked(own, top, bias=True)
        self.logits = Masked(top, colour.repeat_interleave(c.levels), bias=True)

    def forward(self, y: Tensor, condition: Tensor) -> Tensor:
        v = h = y
        for layer in self.layers:
            v, h = layer(v, h, condition)
        out = self.logits(F.relu(self.hidden(F.relu(h))))
        return out.unflatten(1, (self.channels, self.levels))


class Condition(nn.Module):
    """The spatial map s = m(x) of section 2.3: (B, C, H, W) to (B, features, H, W).

    A fine path at full size and a coarse one at a quarter of it, to which the mean over the whole field is added. Each pixel
    also knows where in the field it lies.
    """

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        wide = 2 * features
        self.fine = nn.Conv2d(channels + 2, features, 5, padding=2)
        self.down = nn.Conv2d(features, wide, 3, stride=2, padding=1)
        self.deep = nn.Conv2d(wide, wide, 3, stride=2, padding=1)
        self.whole = nn.Linear(wide, wide)
        self.coarse = nn.Conv2d(wide, features, 3, padding=1)
        self.last = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = (torch.linspace(-1, 1, n, device=x.device, dtype=x.dtype) for n in x.shape[-2:])
        position = torch.stack(torch.meshgrid(rows, columns, indexing="ij")).expand(len(x), -1, -1, -1)
        fine = F.gelu(self.fine(torch.cat([x, position], 1)))
        far = F.gelu(self.deep(F.gelu(self.down(fine))))
        far = self.coarse(F.gelu(far + self.whole(far.mean((2, 3)))[:, :, None, None]))
        far = F.interpolate(far, size=x.shape[-2:], mode="bilinear", align_corners=False)
        return F.gelu(self.last(fine) + far)
