"""Sampling from the gated stacks: each pixel computes one column of the network, everything else is remembered.

Rows of samples are the last, contiguous dimension of every tensor, features the first: a group of features, half a gate, or
the taps of a filter are then slices without a copy, and every layer is a product of a small matrix of weights with a
matrix (features, rows).
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor

from zoo_cpixel.network import GatedLayer, GatedStacks, Masked

HALF_STEP = 2.0**-25
"""Half the distance of two neighbouring uniform numbers: no dyadic probability is ever hit exactly."""


def bounds_of(size: int, channels: int) -> list[int]:
    """Where the groups of :func:`zoo_cpixel.network.groups_of` begin, and their end: ``channels + 1`` numbers."""
    return [-(-size * k // channels) for k in range(channels + 1)]


def pick(logits: Tensor, uniform: Tensor) -> Tensor:
    """One level a row by inversion of the cumulative sum: (levels, R) and (R,) to (R,) int64."""
    steps = (logits - logits.amax(0)).exp_().cumsum(0)
    return (steps <= uniform * steps[-1]).sum(0).clamp_max_(len(logits) - 1)


def value_of(level: Tensor, levels: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """A level as the network sees it: the middle of its bin when the range is (-1, 1)."""
    return (2 * level.to(dtype) + 1) / levels - 1


class _Weights:
    """The matrices of one layer, arranged for products from the left.

    tanh(a) is 2 sigmoid(2a) - 1, so that a gate is twice (sigmoid(2a) - 1/2) sigmoid(b): the doublings go into the weights,
    and one sigmoid serves both halves. Features before a gate are ordered by group, tanh before sigmoid within each.
    """

    def __init__(self, layer: GatedLayer, channels: int) -> None:
        size = layer.out.weight.shape[0]
        self.first, self.taps, self.dilation, self.size = layer.first, layer.taps, layer.dilation, size
        ends = bounds_of(size, channels)
        ranges = [torch.arange(a, b) for a, b in pairwise(ends)]
        order = torch.cat([part + half * size for part in ranges for half in (0, 1)]).to(layer.out.weight.device)
        double = 1 + (order < size).to(layer.out.weight.dtype)[:, None]
        plain = 1 + (torch.arange(2 * size, device=order.device) < size).to(double)[:, None]
        came = 1.0 if layer.first else 2.0
        self.vertical = came * plain * layer.vertical.weight.permute(0, 2, 3, 1).flatten(1)
        self.across = double * (layer.across.weight.flatten(1) / plain.T)[order]
        self.left = double * layer.left.weight.permute(0, 2, 3, 1).flatten(1)[order]
        self.centre = None if layer.centre is None else double * layer.centre.masked.flatten(1)[order]
        self.out = 2 * layer.out.masked.flatten(1)
        weight = layer.condition.weight.flatten(1)
        bias = cast(Tensor, layer.condition.bias)[:, None]
        self.to_v, self.bias_v = plain * weight[: 2 * size], plain * bias[: 2 * size]
        self.to_h, self.bias_h = double * weight[2 * size :][order], double * bias[2 * size :][order]


class CachedSampler:
    """Draws from stacks in float64 R = items * n rows at once, n for each x, in place, in memory that is made once."""

    def __init__(self, stacks: GatedStacks, size: tuple[int, int], items: int, n: int, temperature: float = 1.0) -> None:
        self.channels, self.levels, self.size, self.items, self.n = stacks.channels, stacks.levels, size, items, n
        c, rows, (height, width) = self.channels, items * n, size
        self.weights = [_Weights(cast(GatedLayer, layer), c) for layer in stacks.layers]
        self.hidden, self.hidden_bias = _matrix(stacks.hidden)
        logits, bias = _matrix(stacks.logits)
        self.logits, self.logits_bias = logits / temperature, bias / temperature
        self.ends, self.tops = bounds_of(stacks.features, c), bounds_of(len(self.hidden), c)
        like = self.hidden
        features, layers = stacks.features, len(self.weights)
        reach = self.reach = self.weights[0].taps
        self.seen = like.new_zeros(c, height + reach, width + 2 * reach, rows)
        sides = [w.taps * w.dilation for w in self.weights[1:]]
        self.above = [like.new_zeros(side + 1, features, width + 2 * side, rows) for side in sides]
        self.patch = like.new_empty(max(w.vertical.shape[1] for w in self.weights) * width * rows)
        self.gates = like.new_empty(2 * features, width, items, n)
        self.base = like.new_empty(layers, 2 * features, width, rows)
        self.row = like.new_zeros(layers, width, features, rows)
        self.column = like.new_empty(layers, 2 * features, rows)
        self.gated = like.new_empty(layers, features, rows)
        self.top = like.new_empty(len(self.hidden), rows)

    @property
    def bytes(self) -> int:
        """The memory of the remembered activations of all rows."""
        own = (self.seen, *self.above, self.patch, self.gates, self.base, self.row, self.column, self.gated, self.top)
        return sum(tensor.numel() * tensor.element_size() for tensor in own)

    def __call__(self, condition: Tensor, uniform: Tensor) -> Tensor:
        """``condition`` (items, M, H, W) float64 and ``uniform`` (items, n, H * W * C) to levels (items, n, C, H, W) int64."""
        height, width = self.size
        rows = self.items * self.n
        self.seen.zero_()
        for ring in self.above:
            ring.zero_()
        condition = condition.permute(2, 1, 3, 0).contiguous()
        uniform = uniform.view(rows, height, width, self.channels).permute(1, 2, 3, 0).to(condition) + HALF_STEP
        level = torch.empty(self.channels, height, width, rows, dtype=torch.int16, device=condition.device)
        for r in range(height):
            self._vertical(r, condition[r])
            for c in range(width):
                for k in range(self.channels):
                    drawn = pick(self._column(r, c, k), uniform[r, c, k])
                    level[k, r, c] = drawn
                    self.seen[k, r + self.reach, c + self.reach] = value_of(drawn, self.levels)
        return level.permute(3, 0, 1, 2).unflatten(0, (self.items, self.n)).long()

    def _vertical(self, r: int, condition: Tensor) -> None:
        """The vertical stack of all layers in row r, and what it and x, (M, W, items), give the horizontal stack there."""
        width, flat = self.size[1], condition.flatten(1)
        for i, w in enumerate(self.weights):
            reach, d = w.taps * w.dilation, w.dilation
            if w.first:
                lines = [self.seen[:, r + t] for t in range(w.taps)]
            else:
                ring = self.above[i - 1]
                lines = [ring[(r - reach + t * d) % len(ring)] for t in range(w.taps + 1)]
            parts = [line[:, t * d : t * d + width].flatten(1) for line in lines for t in range(2 * w.taps + 1)]
            patch = self.patch[: w.vertical.shape[1] * parts[0].shape[1]].view(w.vertical.shape[1], -1)
            torch.cat(parts, out=patch)
            gates = self.gates.flatten(1)
            self.gates.copy_(torch.addmm(w.bias_v, w.to_v, flat).view(-1, width, self.items, 1).expand_as(self.gates))
            gates.addmm_(w.vertical, patch)
            base = self.base[i]
            said = torch.addmm(w.bias_h, w.to_h, flat).view(-1, width, self.items, 1)
            base.view_as(self.gates).copy_(said.expand_as(self.gates))
            base.flatten(1).addmm_(w.across, gates)
            if i + 1 < len(self.weights):
                following, f = self.weights[i + 1], w.size
                side = following.taps * following.dilation
                ring = self.above[i]
                gates.sigmoid_()
                row = ring[r % len(ring)][:, side : side + width].flatten(1)
                torch.sub(gates[:f], 0.5, out=row)
                row.mul_(gates[f:])

    def _column(self, r: int, c: int, k: int) -> Tensor:
        """The horizontal stack of all layers at one pixel, for channel k alone: its logits (levels, R)."""
        a, b = self.ends[k], self.ends[k + 1]
        for i, w in enumerate(self.weights):
            column, h = self.column[i], self.seen[:, r + self.reach, c + self.reach] if w.first else self.row[i - 1, c]
            if k == 0:
                columns = [c + (t - w.taps) * w.dilation for t in range(w.taps)]
                if w.first:
                    parts = [self.seen[:, r + self.reach, at + self.reach] for at in columns]
                    torch.addmm(self.base[i, :, c], w.left, torch.cat(parts), out=column)
                else:
                    column.copy_(self.base[i, :, c])
                    for t, at in enumerate(columns):
                        if at >= 0:
                            column.addmm_(w.left[:, t * w.size : (t + 1) * w.size], self.row[i - 1, at])
            part = column[2 * a : 2 * b]
            before = k if w.first else b
            if w.centre is not None and before:
                part.addmm_(w.centre[2 * a : 2 * b, :before], h[:before])
            part.sigmoid_()
            gated, out = self.gated[i], self.row[i, c, a:b]
            torch.sub(part[: b - a], 0.5, out=gated[a:b])
            gated[a:b].mul_(part[b - a :])
            if w.first:
                torch.mm(w.out[a:b, :b], gated[:b], out=out)
            else:
                torch.addmm(h[a:b], w.out[a:b, :b], gated[:b], out=out)
        s, e = self.tops[k], self.tops[k + 1]
        top = self.row[-1, c, :b].relu()
        torch.addmm(self.hidden_bias[s:e], self.hidden[s:e, :b], top, out=self.top[s:e]).relu_()
        mine = slice(k * self.levels, (k + 1) * self.levels)
        return torch.addmm(self.logits_bias[mine], self.logits[mine, :e], self.top[:e])


def _matrix(layer: Masked) -> tuple[Tensor, Tensor]:
    return layer.masked.flatten(1), cast(Tensor, layer.bias)[:, None]
