"""x on its way to the map: a vector made a field, and all of it in float64 where samples and densities are exact."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn


def field_of(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """x as it is where it is a field, (B, C, H, W); a vector (B, K) in every place of a field of this size, (B, K, *size)."""
    return x if x.ndim == 4 else x[:, :, None, None].expand(-1, -1, *size)


class Conditions:
    """From x to its map, (B, M, H, W), in float64.

    Args:
        network: the map, of which a copy is taken.
        mean, deviation: of each channel of x, (Cx, 1, 1).
        size: (H, W) of the fields.
        device: where to compute; it must have float64.
    """

    def __init__(
        self, network: nn.Module, mean: Tensor, deviation: Tensor, size: tuple[int, ...], device: torch.device
    ) -> None:
        self.network: Callable[[Tensor], Tensor] = copy.deepcopy(network).to(device).double()
        self.mean, self.deviation = (v.to(device).double() for v in (mean, deviation))
        self.size = size

    def __call__(self, x: Tensor) -> Tensor:
        return self.network((field_of(x, self.size).to(self.mean) - self.mean) / self.deviation)
