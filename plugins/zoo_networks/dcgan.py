"""DCGAN's parts: towers of five convolutions, the decoder of five transposed ones that mirrors them, and rules of the game.

Source: DCGAN (Radford et al. 2016) for kernels, strides and the growth of widths; the CDVAE paper with embedding guidance,
section 5.3, for the number of layers.
Batch normalisation, which DCGAN has, is left out: it would make a sample depend on its batch, and norms within one sample
take away the level and contrast of a field, which is what brightness and saturation are. The first weights keep the variance
from layer to layer instead (He et al. 2015).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from zoo import RequestError

LAYERS, SLOPE, COARSEST = 5, 0.2, 4


def side_of(owner: str, *shapes: tuple[int, ...], powers: bool = False) -> int:
    """The side of square fields (C, s, s), one for all ``shapes``: from 8 to 256, a multiple of 8, or of ``powers`` of two.

    Raises:
        RequestError: they are not square, not equal, or of another side.
    """
    side = shapes[0][-1] if shapes[0] else 0
    right = 8 <= side <= 256 and (side.bit_count() == 1 if powers else side % 8 == 0)
    if not right or any(len(shape) != 3 or shape[0] < 1 or shape[1:] != (side, side) for shape in shapes):
        sides = ": 8, 16, 32, 64, 128 or 256" if powers else ", a multiple of 8 from 8 to 256"
        raise RequestError(
            f"{owner} is for square fields (C, s, s) of one side s{sides}; not for {' -> '.join(map(str, shapes))}"
        )
    return side


def plan(side: int, width: int) -> tuple[int, list[int], list[int]]:
    """The coarsest side, the strides of the five layers, and the channels after each of the first four."""
    strides, channels = [], []
    for _ in range(LAYERS):
        halve = side % 2 == 0 and side // 2 >= COARSEST
        side = side // 2 if halve else side
        strides.append(2 if halve else 1)
        channels.append(width * 2 ** min(3, max(0, sum(s == 2 for s in strides) - 1)))
    return side, strides, channels[:-1]


class _Scaled(nn.Module):
    """A layer that keeps the variance of what follows a leaky rectifier: normal first weights of gain^2 / inputs, no bias."""

    weight: Tensor

    def __init__(self, *sizes: int, gain: float | None = None, bias: bool = True) -> None:
        self.gain = math.sqrt(2 / (1 + SLOPE**2)) if gain is None else gain
        super().__init__(*sizes, bias=bias)

    def reset_parameters(self) -> None:
        inputs = self.weight[0].numel()
        if isinstance(self, nn.ConvTranspose2d):  # a stride spreads them over several outputs
            inputs = self.weight[:, 0].numel() // math.prod(self.stride)
        nn.init.normal_(self.weight, std=self.gain / math.sqrt(inputs))
        if isinstance(self.bias, Tensor):
            nn.init.zeros_(self.bias)


class _Convolution(_Scaled):
    def __init__(self, inputs: int, outputs: int, stride: int, gain: float | None = None, kernel: int | None = None) -> None:
        super().__init__(inputs, outputs, kernel or (4 if stride == 2 else 3), stride, 1, gain=gain)


class Conv(_Convolution, nn.Conv2d):
    """A convolution; one of stride 2 halves the side."""


class Deconv(_Convolution, nn.ConvTranspose2d):
    """The transposed convolution that undoes the shape of :class:`Conv`."""


class Linear(_Scaled, nn.Linear):
    """A linear layer."""

    def __init__(self, inputs: int, outputs: int, gain: float | None = None, bias: bool = True) -> None:
        super().__init__(inputs, outputs, gain=gain, bias=bias)


class _Chain(nn.Module):
    """Layers with leaky rectifiers between them."""

    layers: nn.ModuleList

    def forward(self, value: Tensor) -> Tensor:
        for n, layer in enumerate(self.layers):
            value = layer(value if n == 0 else F.leaky_relu(value, SLOPE))
        return value


class Perceptron(_Chain):
    """Two hidden layers with leaky rectifiers, (B, inputs) -> (B, outputs); for another rectifier where ``gain`` is None."""

    def __init__(self, inputs: int, outputs: int, width: int, gain: float | None = 1.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Linear(inputs, width), Linear(width, width), Linear(width, outputs, gain)])


class Tower(_Chain):
    """Five convolutions with leaky rectifiers between them: (B, inputs, s, s) -> (B, outputs, c, c), c the coarsest ``side``.

    Where ``outputs`` is None, they are as many as of the layer before, for another rectifier.
    """

    def __init__(self, inputs: int, outputs: int | None, side: int, width: int) -> None:
        super().__init__()
        self.side, strides, channels = plan(side, width)
        self.outputs = channels[-1] if outputs is None else outputs
        ends = zip((inputs, *channels), (*channels, self.outputs), strides, strict=True)
        gains = [None] * (LAYERS - 1) + [None if outputs is None else 1.0]
        self.layers = nn.ModuleList(Conv(*end, gain) for end, gain in zip(ends, gains, strict=True))


class Decoder(_Chain):
    """The mirror image of a :class:`Tower`: (B, inputs, c, c) -> (B, outputs, s, s), linear at its end.

    Where ``inputs`` is None, they are as many as the first layer's outputs. ``rows`` at once take some tens of megabytes.
    """

    def __init__(self, inputs: int | None, outputs: int, side: int, width: int) -> None:
        super().__init__()
        coarsest, strides, channels = plan(side, width)
        strides, channels = strides[::-1], channels[::-1]
        self.inputs = (channels[0] if inputs is None else inputs, coarsest, coarsest)
        ends = zip((self.inputs[0], *channels), (*channels, outputs), strides, strict=True)
        self.layers = nn.ModuleList(Deconv(i, o, s, 0.5 if n == LAYERS - 1 else None) for n, (i, o, s) in enumerate(ends))
        self.rows = max(16, 2**24 // (side**2 * max(outputs, width // 2)))


def conv_with(conv: nn.Module, y: Tensor, x: Tensor) -> Tensor:
    """``conv``, a :class:`Conv`, of y (B, C, s, s) and x as further channels: maps (B, K, s, s), or a vector (B, K) tiled.

    Tiled vectors differ in their result only at the rim of the field. It is computed on the smallest field that has all of
    it, whose middle row and column are then repeated: the same numbers, at a small part of the cost of s x s with tens or
    hundreds of attributes.
    """
    if x.ndim == 4:
        return conv(torch.cat([y, x], 1))
    assert isinstance(conv, nn.Conv2d)
    of_y, of_x = conv.weight.split([y.shape[1], x.shape[1]], 1)
    stride = conv.stride[0]
    rim = F.conv2d(x[:, :, None, None].expand(-1, -1, 3 * stride, 3 * stride), of_x, stride=stride, padding=1)
    for axis in (2, 3):
        first, middle, last = rim.split(1, axis)
        rim = torch.cat([first, middle.repeat_interleave(y.shape[axis] // stride - 2, axis), last], axis)
    return F.conv2d(y, of_y, conv.bias, stride=stride, padding=1) + rim


def held_fixed(module: nn.Module, *arguments: Tensor) -> Any:
    """``module(*arguments)``, through which gradients reach the arguments but none of its parameters."""
    return functional_call(module, {name: p.detach() for name, p in module.named_parameters()}, arguments)


def steepness(judge: Callable[..., Tensor], fields: Tensor, condition: Tensor) -> Tensor:
    """The squared norm of the gradient of each field's score by the field, (B,), in full precision, itself differentiable.

    The scores of ``judge`` are (B,), or (B, patches), whose mean counts, each of its own field alone.
    """
    with torch.autocast(fields.device.type, enabled=False), torch.enable_grad():
        fields = fields.detach().requires_grad_()
        scores = judge(fields, condition)
        (gradient,) = torch.autograd.grad((scores if scores.ndim == 1 else scores.mean(1)).sum(), fields, create_graph=True)
    return gradient.square().flatten(1).sum(1)
