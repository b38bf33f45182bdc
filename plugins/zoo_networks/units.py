"""Units in which networks see fields, and the pieces in which they make them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

LEAST_SPREAD = 1e-4


def safe_scale(spread: Tensor) -> Tensor:
    """Spreads to divide by: 1 where nothing varies."""
    return torch.where(spread > LEAST_SPREAD, spread, torch.ones_like(spread))


def channel_units(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel of (N, C, H, W), (C, 1, 1) both, or of each number of (N, K), (K,)."""
    over = [d for d in range(values.ndim) if d != 1]
    spread, mean = torch.std_mean(values.float(), over, correction=0, keepdim=True)
    return mean[0], safe_scale(spread[0])


def pixel_units(values: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of each number of (N, *shape), (*shape), and one deviation from it for all, ()."""
    values = values.float()
    mean = values.mean(0)
    return mean, safe_scale((values - mean).square().mean().sqrt())


def limits_of(values: Tensor) -> Tensor:
    """The least and the largest of all numbers, (2,)."""
    return torch.stack([values.min(), values.max()]).float()


def in_pieces(items: int, rows: int, make: Callable[[slice], Tensor]) -> Tensor:
    """``make`` of so many items, in pieces of ``rows``, which bound its memory: (items, ...) from (rows, ...)."""
    first = make(slice(0, rows))
    out = first.new_empty(items, *first.shape[1:])
    out[:rows] = first
    for i in range(rows, items, rows):
        out[i : i + rows] = make(slice(i, i + rows))
    return out
