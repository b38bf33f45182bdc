"""Units in which networks see fields, and the pieces in which they make them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

LEAST_SPREAD = 1e-4
GRAM_COLUMNS = 4096
"""Of fields whose products are summed at once, which bounds memory."""


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


def fidelity(fields: Tensor, rebuilt: Tensor) -> dict[str, float]:
    """How much of ``fields`` (N, *shape) comes back as ``rebuilt``, of the same shape, from codes of them.

    Returns:
        ``explained``, 1 - the squared error over the variance of each number over the fields: 1 if they come back as they are,
        0 if all come back as their mean; and ``rank``, the exponential of the entropy of the singular values of what came
        back less its mean, each a share of their sum: in about so many directions, N - 1 at most, do the rebuilt fields
        differ. Codes that have collapsed show in both. Nothing where the fields are all alike.

    Examples:
        >>> fields = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> fidelity(fields, fields)
        {'explained': 1.0, 'rank': 2.0}
        >>> fidelity(fields, fields * torch.tensor([1.0, 0.0]))
        {'explained': 0.5, 'rank': 1.0}
    """
    truth, again = (value.flatten(1).float().cpu() for value in (fields, rebuilt))
    error, total = (part.square().sum(dtype=torch.float64).item() for part in (again - truth, truth - truth.mean(0)))
    if not total:
        return {}
    again, gram = again - again.mean(0), torch.zeros(len(again), len(again), dtype=torch.float64)
    for part in again.split(GRAM_COLUMNS, 1):
        gram += part.double() @ part.double().T
    singular = torch.linalg.eigvalsh(gram).clamp_min(0).sqrt()
    entropy = torch.special.entr(singular / singular.sum()).sum()  # not a number where they all came back alike
    return {"explained": 1 - error / total, "rank": entropy.exp().nan_to_num(0.0).item()}


def in_pieces(items: int, rows: int, make: Callable[[slice], Tensor]) -> Tensor:
    """``make`` of so many items, in pieces of ``rows``, which bound its memory: (items, ...) from (rows, ...)."""
    first = make(slice(0, rows))
    out = first.new_empty(items, *first.shape[1:])
    out[:rows] = first
    for i in range(rows, items, rows):
        out[i : i + rows] = make(slice(i, i + rows))
    return out
