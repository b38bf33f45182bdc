"""Choosing among samples, and going only part of the way to them."""

from __future__ import annotations

import contextlib
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zoo.utils.bounds import is_truth
from zoo.utils.errors import RequestError, shown
from zoo.utils.near import Near

MOST_STRENGTH = 1.5
"""Beyond the sample, away from the photo's own field: farther, hardly a field is one that the model could have drawn."""

NEARER = 0.9
"""Samples that are to be near one are, where their mean distance from it is less than so much of that of any samples."""


class Wishes(NamedTuple):
    """How samples are to be; see :meth:`zoo.Loaded.sample`."""

    strength: float = 1.0
    distinct: int | None = None
    size: int | None = None
    near: tuple[Near, ...] = ()


def most_different(fields: Tensor, k: int) -> Tensor:
    """The places (k,) int64 of the k most different of n fields (n, *shape), the most different first.

    The first is the farthest from their mean, and each further one the farthest from those that are chosen already
    (Euclidean). T. F. Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985: no choice has a smallest
    distance more than twice as large, but for the first.

    Examples:
        >>> most_different(torch.tensor([[0.0], [0.1], [4.0], [9.0], [9.1]]), 3)
        tensor([4, 0, 2])
    """
    flat = fields.flatten(1).double()
    distance = (flat - flat.mean(0)).square().sum(1)
    chosen = [int(distance.argmax())]
    distance = torch.full_like(distance, math.inf)
    while len(chosen) < k:
        distance = torch.minimum(distance, (flat - flat[chosen[-1]]).square().sum(1))
        distance[chosen[-1]] = -1  # not even where all are alike
        chosen.append(int(distance.argmax()))
    return torch.tensor(chosen)


def not_nearer(fields: Tensor, pool: Tensor, index: int) -> str:
    """A sentence where fields (n, *shape), which are to be near one of a pool (m, *shape), hardly are; else "".

    Examples:
        >>> pool = torch.tensor([[0.0], [1.0], [2.0]])
        >>> not_nearer(pool[:1] + 0.1, pool, 0), bool(not_nearer(pool[1:], pool, 0))
        ('', True)
    """
    one = pool[index].flatten()
    near, any_ = ((part.flatten(1) - one).norm(dim=1).sum() for part in (fields, pool))
    if len(pool) < 2 or near / len(fields) <= NEARER * any_ / (len(pool) - 1):
        return ""
    return "these are hardly more like the chosen one than any others: of this model, samples of like noise are not alike"


def strength_of(value: Any) -> float:
    """``value`` as a strength, 0 for the photo itself and 1 for the sample; a RequestError if it is none.

    Examples:
        >>> strength_of("0.5")
        0.5
        >>> strength_of(2)
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: strength is 2; it must be a number from 0 (the photo itself) to 1.5
    """
    if not is_truth(value):
        with contextlib.suppress(Exception):  # it is foreign, and may raise anything
            if 0 <= (number := float(value)) <= MOST_STRENGTH:
                return number
    raise RequestError(f"strength is {shown(value)}; it must be a number from 0 (the photo itself) to {MOST_STRENGTH}")
