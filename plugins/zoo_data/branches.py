"""``branches``: numbers with two right answers each, cGML's toy example; needs no files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo import Image, Records, RequestError, Split
from zoo_data.kinds import GeneratedData
from zoo_data.scene_levels import truth_of

if TYPE_CHECKING:
    from zoo import Truth

VERSION = "1"
"""Of the points: to be raised whenever the same seed gives other ones."""
_STREAM = 0x6272616E
_BLOCK = 20
"""Draws of a pool that come from one stream of random numbers, so that those of a small pool are the first of a large one."""


class BranchRecords(Records):
    """Points on the branches, each on one of them: x (N, 1) in [-1, 1], y (N, 3). The first K are the same for every N."""

    def __init__(self, split: Split, seed: int, count: int) -> None:
        self._seed = [_STREAM, int(split == "test"), seed & (2**64 - 1)]
        drawn = np.random.default_rng([*self._seed, 0]).random((count, 2))
        self.x = (2 * drawn[:, :1] - 1).astype(np.float32)
        self.y = np.where(drawn[:, 1:] < 0.5, 1, -1).astype(np.float32) * upper_branch(self.x)
        self.names = [f"x = {x:+.6f}" for x in self.x[:, 0]]
        self.digest = hashlib.sha256(f"branches {VERSION} {split} {seed} {count}".encode()).hexdigest()

    def array(self, name: str) -> NDArray[np.generic] | None:
        return {"x": self.x, "y": self.y}.get(name)

    def pool(self, name: str, draws: int, *, size: int = 32) -> NDArray[np.float32] | None:
        """``draws`` true draws of ``y`` for each x, (N, draws, 3); ``size`` changes nothing."""
        if name != "y":
            return None
        return (2 * self._uppers(draws) - 1)[..., None].astype(np.float32) * upper_branch(self.x)[:, None]

    def truth(self, name: str, draws: int, *, size: int = 32) -> Truth | None:
        """Of ``y``: the modes 0 for the lower branch and 1 for the upper one, each as probable."""
        if name != "y":
            return None
        own = (self.y[:, :1] * self.x > 0).astype(np.int64)
        return truth_of(self._uppers(draws), own, np.full((len(self), 2), 0.5))

    def _uppers(self, draws: int) -> NDArray[np.int64]:
        """1 for each draw (N, draws) on the upper branch, else 0."""
        streams = (np.random.SeedSequence([*self._seed, 1], spawn_key=(b,) if b else ()) for b in range(-(-draws // _BLOCK)))
        signs = [np.random.default_rng(numbers).integers(0, 2, (len(self), _BLOCK, 1)) for numbers in streams]
        return np.concatenate(signs, 1)[:, :draws, 0]

    def image(self, index: int) -> Image:
        others = "tasks on pictures take scenes, digits, folder:DIR and the like"
        raise RequestError(f"branches are numbers, which show no picture; {others}")


class Branches(GeneratedData):
    """cGML's toy (Ramasinghe et al. 2021, section 4): y = +4 (x, x^2, x^3) or -4 (x, x^2, x^3), x uniform in [-1, 1].

    ``branches:N`` asks for N training points instead of 4096. There are always 512 test points. The paper names the
    function and not how x is drawn, nor that both signs are equally likely, as they are here.
    """

    kind = "branches"
    items = "N training points"
    sizes = (4096, 512)
    each = 200
    generate = BranchRecords


def upper_branch(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """4 (x, x^2, x^3), (N, 3), of x (N, 1)."""
    return np.float32(4) * np.concatenate([x, x**2, x**3], 1)
