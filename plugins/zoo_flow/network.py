"""The networks of a flow: one of x, whose outputs all samples share, and a small one of y in between noise and data.

Source: ADM (Dhariwal and Nichol 2021) for residual blocks with adaptive group normalisation in a U-Net.
That x has a network of its own, which is not called again from step to step and from sample to sample, is done here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LARGEST, COARSEST = 32, 4
"""Places a side: at most at the finest level, and at least at the coarsest."""
FREQUENCIES, FASTEST = 16, 60.0
"""Of the sines in which a time in [0, 1] is seen."""

Code = tuple[Tensor, ...]
"""Of B x: one vector each (B, embedding), then what each block of the other network is given, (B, channels, h, w)."""


def rows_of(code: Code, item: Tensor) -> Code:
    """The code of the items (R,)."""
    return tuple(part[item] for part in code)


def places(side: int, patch: int) -> tuple[int, list[int]]:
    """The side of a patch, and the sides of the levels, the finest first."""
    while side // patch > LARGEST and side % (2 * patch) == 0:
        patch *= 2
    sides = [side // patch]
    while sides[-1] % 2 == 0 and sides[-1] // 2 >= COARSEST:
        sides.append(sides[-1] // 2)
    return patch, sides


class Scaled(nn.Conv2d):
    """A convolution with smaller first weights, of ``gain`` times the usual size; its bias is 0 at first."""

    def __init__(self, inputs: int, outputs: int, kernel: int, gain: float) -> None:
        self.gain = gain
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        with torch.no_grad():
            self.weight.mul_(self.gain)
            if self.bias is not None:
                self.bias.zero_()


class Norm(nn.GroupNorm):
    """A group norm in single precision: on a CPU that of half precision takes several times as long, channels last."""

    def forward(self, value: Tensor) -> Tensor:
        return super().forward(value.float()).to(value.dtype)


def norm(channels: int, affine: bool = True) -> Norm:
    """Of at most eight groups, of eight channels at least, so that a channel can keep its level."""
    groups = next(g for g in range(8, 0, -1) if channels % g == 0 and (channels // g >= 8 or g == 1))
    return Norm(groups, channels, affine=affine)


class Block(nn.Module):
    """A residual block of two convolutions; an embedding (B, E), if there is one, scales and shifts between them."""

    def __init__(self, inputs: int, outputs: int, embedding: int = 0) -> None:
        super().__init__()
        self.norm, self.second_norm = norm(inputs), norm(outputs, affine=not embedding)
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = Scaled(outputs, outputs, 3, 0.3)
        self.adapt = nn.Linear(embedding, 2 * outputs) if embedding else None
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, value: Tensor, embedding: Tensor | None = None) -> Tensor:
        inner = self.second_norm(self.convolution(F.silu(self.norm(value))))
        if self.adapt is not None and embedding is not None:
            scale, shift = self.adapt(embedding)[:, :, None, None].chunk(2, 1)
            inner = inner * (1 + scale) + shift
        return self.skip(value) + self.second(F.silu(inner))


class ContextNet(nn.Module):
    """x (B, C, s, s) or (B, K) to its :data:`Code`: a U-Net, with a 1 x 1 convolution for each block that is given a part.

    A vector's numbers are each a channel, the same everywhere. Every place knows where it is, by two coordinates.
    """

    def __init__(
        self, channels: int, vector: bool, side: int, patch: int, widths: Sequence[int], embedding: int, parts: int
    ) -> None:
        super().__init__()
        self.patch, self.sides = places(side, patch)
        self.vector = vector
        each = level_widths(widths, len(self.sides))
        self.first = nn.Conv2d(channels * (1 if vector else self.patch**2) + 2, each[0], 3, padding=1)
        self.down = nn.ModuleList(Block(i, o) for i, o in zip((each[0], *each[:-1]), each, strict=True))
        self.up = nn.ModuleList(Block(o + i, i) for o, i in zip(each[1:], each[:-1], strict=True))
        self.middle = Block(each[-1], each[-1])
        self.whole = nn.Linear(each[-1], embedding)
        self.given: Any = nn.ModuleList(nn.ModuleList(nn.Conv2d(w, w, 1) for w in each) for _ in range(parts))

    def forward(self, x: Tensor) -> Code:
        side = self.sides[0]
        value = x[:, :, None, None].expand(-1, -1, side, side) if self.vector else F.pixel_unshuffle(x, self.patch)
        line = torch.linspace(-1, 1, side, device=x.device).to(value)
        where = torch.stack(torch.meshgrid(line, line, indexing="ij")).expand(len(x), -1, -1, -1)
        value = self.first(torch.cat([value, where], 1).contiguous(memory_format=torch.channels_last))
        seen = []
        for level, block in enumerate(self.down):
            value = block(F.avg_pool2d(value, 2) if level else value)
            seen.append(value)
        value = self.middle(value)
        whole, out = self.whole(F.silu(value.mean((2, 3)))), [value]
        for level in range(len(self.up) - 1, -1, -1):
            value = self.up[level](torch.cat([F.interpolate(value, scale_factor=2.0), seen[level]], 1))
            out.insert(0, value)
        parts = [layer(part) for layers in self.given for layer, part in zip(layers, out, strict=True)]
        return (whole, *parts)


class Time(nn.Module):
    """Times (B,) in [0, 1] as vectors (B, embedding): sines and cosines, and a perceptron."""

    def __init__(self, embedding: int) -> None:
        super().__init__()
        self.hidden, self.last = nn.Linear(2 * FREQUENCIES, embedding), nn.Linear(embedding, embedding)

    def forward(self, t: Tensor) -> Tensor:
        fast = torch.arange(FREQUENCIES, device=t.device, dtype=t.dtype) * (math.log(FASTEST) / (FREQUENCIES - 1))
        angle = t[:, None] * fast.exp()
        return self.last(F.silu(self.hidden(torch.cat([angle.sin(), angle.cos()], 1))))


class FieldNet(nn.Module):
    """y (B, C, s, s), a time of each (B,) and the :data:`Code` of x to a field of the shape of y: a small U-Net."""

    PARTS = 2
    """What of x each level is given: on the way down, and on the way up."""

    def __init__(self, channels: int, side: int, patch: int, widths: Sequence[int], embedding: int) -> None:
        super().__init__()
        self.patch, sides = places(side, patch)
        each = level_widths(widths, len(sides))
        inner = channels * self.patch**2
        self.time = Time(embedding)
        self.first = nn.Conv2d(inner, each[0], 3, padding=1)
        self.down = nn.ModuleList(Block(width, width, embedding) for width in each)
        self.up = nn.ModuleList(Block(width, width, embedding) for width in each)
        self.narrow = nn.ModuleList(nn.Conv2d(i, o, 1) for i, o in itertools.pairwise(each))
        self.widen = nn.ModuleList(nn.Conv2d(o, i, 1) for i, o in itertools.pairwise(each))
        self.last = Scaled(each[0], inner, 3, 0.1)

    def forward(self, y: Tensor, t: Tensor, code: Code) -> Tensor:
        levels, embedding = len(self.down), F.silu(self.time(t) + code[0])
        value, seen = self.first(F.pixel_unshuffle(y, self.patch).contiguous(memory_format=torch.channels_last)), []
        for level, block in enumerate(self.down):
            if level:
                value = self.narrow[level - 1](F.avg_pool2d(value, 2))
            value = block(value + code[1 + level], embedding)
            seen.append(value)
        for level in range(levels - 1, -1, -1):
            if level < levels - 1:
                value = F.interpolate(self.widen[level](value), scale_factor=2.0) + seen[level]
            value = self.up[level](value + code[1 + levels + level], embedding)
        return F.pixel_shuffle(self.last(F.silu(value)), self.patch)


class FieldMaker(nn.Module):
    """Codes (B, codes) and the :data:`Code` of x to fields (B, C, s, s): the way up of a U-Net, modulated by both."""

    PARTS = 1
    """What of x each level is given."""

    def __init__(self, codes: int, channels: int, side: int, patch: int, widths: Sequence[int], embedding: int) -> None:
        super().__init__()
        self.patch, sides = places(side, patch)
        each = level_widths(widths, len(sides))
        self.hidden, self.known = nn.Linear(codes, embedding), nn.Linear(embedding, embedding)
        self.first = nn.Linear(embedding, each[-1])
        self.up = nn.ModuleList(Block(width, width, embedding) for width in each)
        self.widen = nn.ModuleList(nn.Conv2d(o, i, 1) for i, o in itertools.pairwise(each))
        self.norm, self.last = norm(each[0]), Scaled(each[0], channels * self.patch**2, 3, 0.1)

    def forward(self, z: Tensor, code: Code) -> Tensor:
        embedding = F.silu(self.known(F.silu(self.hidden(z) + code[0])))
        value = self.first(embedding)[:, :, None, None]
        for level in range(len(self.up) - 1, -1, -1):
            if level < len(self.up) - 1:
                value = F.interpolate(self.widen[level](value), scale_factor=2.0)
            value = self.up[level](value + code[1 + level], embedding)
        return F.pixel_shuffle(self.last(F.silu(self.norm(value))), self.patch)


class VectorContext(nn.Module):
    """x of any shape, flattened, to the :data:`Code` that a :class:`VectorNet` takes: one vector each."""

    def __init__(self, inputs: int, embedding: int) -> None:
        super().__init__()
        self.hidden, self.last = nn.Linear(inputs, 2 * embedding), nn.Linear(2 * embedding, embedding)

    def forward(self, x: Tensor) -> Code:
        return (self.last(F.silu(self.hidden(x.flatten(1)))),)


class VectorNet(nn.Module):
    """y (B, D), a time of each (B,) and the :data:`Code` of x to a vector like y: a perceptron with residual layers."""

    def __init__(self, numbers: int, embedding: int, layers: int = 3) -> None:
        super().__init__()
        self.time, self.first = Time(embedding), nn.Linear(numbers, embedding)
        self.inner = nn.ModuleList(nn.Linear(2 * embedding, 2 * embedding) for _ in range(layers))
        self.outer = nn.ModuleList(nn.Linear(2 * embedding, embedding) for _ in range(layers))
        self.last = nn.Linear(embedding, numbers)

    def forward(self, y: Tensor, t: Tensor, code: Code) -> Tensor:
        value, known = self.first(y), F.silu(self.time(t) + code[0])
        for inner, outer in zip(self.inner, self.outer, strict=True):
            value = value + outer(F.silu(inner(torch.cat([F.silu(value), known], 1))))
        return self.last(F.silu(value))


class VectorMaker(nn.Module):
    """Codes (B, codes) and the :data:`Code` of x to vectors (B, D): a perceptron with residual layers."""

    def __init__(self, codes: int, numbers: int, embedding: int, layers: int = 3) -> None:
        super().__init__()
        self.first = nn.Linear(codes, embedding)
        self.inner = nn.ModuleList(nn.Linear(embedding, 2 * embedding) for _ in range(layers))
        self.outer = nn.ModuleList(nn.Linear(2 * embedding, embedding) for _ in range(layers))
        self.last = nn.Linear(embedding, numbers)

    def forward(self, z: Tensor, code: Code) -> Tensor:
        value = self.first(z) + code[0]
        for inner, outer in zip(self.inner, self.outer, strict=True):
            value = value + outer(F.silu(inner(F.silu(value))))
        return self.last(F.silu(value))


def level_widths(widths: Sequence[int], levels: int) -> list[int]:
    """Channels of so many levels: the last of ``widths`` again where there are more."""
    return [widths[min(level, len(widths) - 1)] for level in range(levels)]
