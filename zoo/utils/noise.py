"""The randomness of sampling: a stream of its own for every x, never the global state."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from zoo.utils.bounds import whole
from zoo.utils.errors import RequestError

CELLS, ROUNDING = 16, 0.02
FURTHEST = 2**127
"""Seeds are whole numbers from its negative to below it."""
Law = Literal["normal", "uniform", "choice"]
"""Of numbers that are drawn; a choice is a uniform number that says which of several, and near numbers say nothing alike."""
_LAWS: dict[Law, Callable[..., Tensor]] = {"normal": torch.randn, "uniform": torch.rand, "choice": torch.rand}


def new_seed(generator: torch.Generator | None = None) -> int:
    """A seed drawn from ``generator``, or from the operating system when there is none.

    Examples:
        >>> new_seed(torch.Generator().manual_seed(0)) == new_seed(torch.Generator().manual_seed(0))
        True
    """
    if generator is None:
        return int.from_bytes(os.urandom(7), "little")
    if not isinstance(generator, torch.Generator):
        raise RequestError(f"generator is a {type(generator).__name__}; it must be a torch.Generator")
    return int(torch.randint(2**56, (), generator=generator, device=generator.device))


def noise_seed(seed: object) -> int:
    """``seed`` as a whole number, of either sign; a RequestError where it is none, or too large to be a key."""
    return whole(seed, "seed", -FURTHEST, FURTHEST - 1)


class Noise:
    """Random numbers for the samples of B items, n of them an item.

    Each item has a stream of its own, seeded by ``seed`` and the coarse content of its x: the samples for one x do not depend
    on what else is in the batch or where x stands in it, and other content has independent noise. It is taken coarsely
    (:data:`CELLS` means, rounded to :data:`ROUNDING`), since the last bits of x differ from one machine, device or library
    version to the next, and the samples should not. Numbers are drawn on the CPU, so that every device sees the same ones.

    Args:
        x: (B, ...), the items.
        seed: any integer.

    Raises:
        RequestError: the seed is no whole number, or one of more than 127 bits.

    Examples:
        >>> x = torch.rand(3, 8, 8)
        >>> Noise(x, seed=0).normal(5, 2).shape
        torch.Size([3, 5, 2])
        >>> torch.equal(Noise(x, 0).uniform(5)[2:], Noise(x[2:], 0).uniform(5))
        True
    """

    def __init__(self, x: Tensor, seed: int) -> None:
        flat = x.detach().to("cpu", torch.float64).flatten(1)
        cells = torch.stack([part.mean(1) for part in flat.tensor_split(min(CELLS, flat.shape[1]), dim=1)], dim=1)
        rows, key = (cells / ROUNDING).round().long().numpy(), noise_seed(seed).to_bytes(16, "little", signed=True)
        digests = (hashlib.blake2b(row.tobytes(), digest_size=8, key=key).digest() for row in rows)
        self._streams = [torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1) for digest in digests]
        self.device = x.device

    def normal(self, n: int, *shape: int) -> Tensor:
        """Standard normal numbers, (B, n, *shape)."""
        return self.take("normal", n, *shape)

    def uniform(self, n: int, *shape: int) -> Tensor:
        """Numbers uniform in [0, 1), (B, n, *shape)."""
        return self.take("uniform", n, *shape)

    def take(self, law: Law, n: int, *shape: int) -> Tensor:
        """Numbers of this law, (B, n, *shape): what all others come from."""
        size = (n, *shape)
        each = [_LAWS[law](*size, generator=stream, dtype=torch.float32, device="cpu") for stream in self._streams]
        return torch.stack(each).to(self.device)

    def categorical(self, probabilities: Tensor) -> Tensor:
        """One draw from each row of ``probabilities`` (B, n, K): (B, n) int64, by inversion of the cumulative sum."""
        steps = probabilities.cumsum(-1)
        u = self.take("choice", probabilities.shape[1], 1) * steps[..., -1:]
        return (steps <= u).sum(-1).clamp_max(probabilities.shape[-1] - 1)
