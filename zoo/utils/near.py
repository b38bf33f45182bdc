"""Noise near that of one sample: so that a model makes more like this one, whatever it makes of noise.

All the numbers that a model draws for n samples are kept, each sample has its own rows of them, and new samples are made
of rows in part like those of the chosen one and in part fresh. Where fresh rows follow the law of the noise, so do these:
on the sphere, (cos a, sin a) of two independent normal numbers are one again; a uniform number goes there and back by the
normal distribution; and a choice among several is kept or drawn again, since what stands next to it is nothing like it.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from zoo.utils.bounds import is_truth, whole
from zoo.utils.errors import RequestError, shown
from zoo.utils.noise import Law, Noise

AMOUNT = 0.3
"""How far from the chosen sample those are that are more like it, unless it is said."""
MOST = 8192
"""Samples at most of which one may be the one that others are to be near; as many are drawn at once."""


class Near(NamedTuple):
    """More like the sample at a place of a pool: an amount of 0 is that sample itself, and 1 is nothing of it."""

    place: int
    amount: float


class Drawn(NamedTuple):
    """The numbers (B, n, *shape) that one call drew for n samples, and their law."""

    law: Law
    numbers: Tensor

    @property
    def n(self) -> int:
        return self.numbers.shape[1]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.numbers.shape[2:])


def steps_of(near: Any, n: int) -> tuple[Near, ...]:
    """``near`` as steps, each from a pool of n samples to the pool of those near one of it.

    Args:
        near: (place, amount), or several of them: (4, 0.3) and then (0, 0.1) is near the first of those near the fifth.

    Raises:
        RequestError: it is neither, a place is not from 0 to n - 1, an amount is not from 0 to 1, or n is above :data:`MOST`.

    Examples:
        >>> steps_of((4, 0.3), 20), steps_of([(4, 0.3), (0, 0.1)], 20)
        ((Near(place=4, amount=0.3),), (Near(place=4, amount=0.3), Near(place=0, amount=0.1)))
    """
    wrong = f"near is {shown(near)}; it must be (place, amount), or a list of such"
    if not isinstance(near, (tuple, list)):
        raise RequestError(wrong)
    steps = list(near) if near and all(isinstance(step, (tuple, list)) for step in near) else [near] if near else []
    if any(len(step) != 2 for step in steps):
        raise RequestError(wrong)
    if steps and n > MOST:
        raise RequestError(f"n is {n}; of samples that are to be near one there may be {MOST} at most")
    return tuple(Near(whole(place, "the place of near", 0, n - 1), _amount(amount)) for place, amount in steps)


def _amount(value: Any) -> float:
    if not is_truth(value):
        with contextlib.suppress(Exception):  # it is foreign, and may raise anything
            if 0 <= (number := float(value)) <= 1:
                return number
    raise RequestError(f"the amount of near is {shown(value)}; it must be a number from 0 (the sample itself) to 1")


def noise_near(x: Tensor, seed: int, n: int, steps: Sequence[Near], draw: Callable[[Noise], Any]) -> Noise:
    """Noise for samples near one of a pool of n.

    Args:
        x: (B, ...), the items.
        seed: of the pool that the first step starts from.
        steps: from :func:`steps_of`.
        draw: draws n samples with the noise that it is given.

    Raises:
        RequestError: the draws cannot be told apart into those of each sample.
    """
    noise: Noise = _Kept(x, seed)
    draw(noise)
    drawn = noise.drawn if isinstance(noise, _Kept) else []
    for i, step in enumerate(steps):
        if i:  # the same draws in the same order, of the noise of the step before
            drawn = [Drawn(law, noise.take(law, of.shape[1], *of.shape[2:])) for law, of in drawn]
        # Not of the amount: the same noise, farther away, is the same change, made larger.
        key = hashlib.blake2b(repr((seed, [step.place for step in steps[: i + 1]])).encode(), digest_size=15).digest()
        noise = _Mixed(x, int.from_bytes(key, "little"), rows_of(drawn, n, step.place), step.amount)
    return noise


def rows_of(drawn: Sequence[Drawn], n: int, place: int) -> list[tuple[Law, Tensor]]:
    """Of all that was drawn for n samples the numbers (B, *shape) of one of them, in the order in which they were drawn.

    A model draws for all samples at once, or for so many after so many; each time it draws the same for each of them.

    Raises:
        RequestError: it draws in another way, or nothing at all.
    """
    calls, rest = divmod(sum(one.n for one in drawn), n)
    blocks = [drawn[i : i + calls] for i in range(0, len(drawn), calls)] if calls and not rest else []
    alike = {tuple((one.law, one.shape) for one in block) for block in blocks}
    if len(alike) != 1 or any(one.n != block[0].n for block in blocks for one in block):
        raise RequestError("this model draws no numbers for each sample of its own, so none can be near another")
    for block in blocks:
        if place < block[0].n:
            return [(one.law, one.numbers[:, place]) for one in block]
        place -= block[0].n
    raise RequestError("this model draws for fewer samples than it gives, so none can be near another")


class _Kept(Noise):
    """Noise that keeps what it gave."""

    def __init__(self, x: Tensor, seed: int) -> None:
        super().__init__(x, seed)
        self.drawn: list[Drawn] = []

    def take(self, law: Law, n: int, *shape: int) -> Tensor:
        self.drawn.append(Drawn(law, super().take(law, n, *shape)))
        return self.drawn[-1].numbers


class _Mixed(Noise):
    """Noise of which so much is fresh, and the rest is the own noise of one sample, drawn again and again."""

    def __init__(self, x: Tensor, seed: int, own: Sequence[tuple[Law, Tensor]], amount: float) -> None:
        super().__init__(x, seed)
        self.own, self.amount, self.taken = own, amount, 0

    def take(self, law: Law, n: int, *shape: int) -> Tensor:
        wanted, own = self.own[self.taken % len(self.own)]
        self.taken += 1
        if (wanted, tuple(own.shape[1:])) != (law, shape):
            raise RequestError("this model draws otherwise from time to time, so that no sample can be near another")
        own = own[:, None].expand(-1, n, *shape)
        keep = super().take(law, n, *shape) if law == "choice" else None
        return near_numbers(law, own, super().take(law, n, *shape), self.amount, keep)


def near_numbers(law: Law, own: Tensor, fresh: Tensor, amount: float, keep: Tensor | None = None) -> Tensor:
    """Numbers of this law: ``own`` where the amount is 0, ``fresh`` where it is 1; for a choice ``keep`` says which.

    Examples:
        >>> own, fresh = torch.tensor([3.0]), torch.tensor([4.0])
        >>> near_numbers("normal", own, fresh, 0.0), near_numbers("normal", own, fresh, 1.0).round()
        (tensor([3.]), tensor([4.]))
    """
    if amount == 0:
        return own.clone()
    if keep is not None:
        return torch.where(keep < 1 - amount, own, fresh)
    angle = amount * math.pi / 2
    if law == "normal":
        return math.cos(angle) * own + math.sin(angle) * fresh
    inner = 2.0**-25  # half of what a float in [0, 1) goes by: 0 has no finite place on the normal line
    a, b = (torch.special.ndtri(part.double().clamp(inner, 1 - inner)) for part in (own, fresh))
    mixed: Tensor = torch.special.ndtr(math.cos(angle) * a + math.sin(angle) * b)
    return mixed.float().clamp_max(1 - 2.0**-24)
