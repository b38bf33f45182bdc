"""The modes of generated scenes: as they are by default, and as hard as somebody wants them (``scenes:modes=3,skew=2``).

In scenes of a level, each thing that is left open (the light, the saturations, the motions, and where they are painted the
colours) lies at a place t in [0, 1] of a curve that is cut into K cells, the modes. A draw is of the mode k with probability
w(k) proportional to exp(decides cos(2 pi (s - (k + 1/2) / K))) skew^-k, where s in [0, 1], spread evenly over scenes, follows
from the values of the two wall panels, which every picture of the scene shows. Of a mode that is a point, t is (k + 1/2) / K
but for a tenth of the cell; of one that is an arc, t is anywhere in the cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo_data.scene_world import Draws, Ints, World, pick, softmax, velocities

if TYPE_CHECKING:
    from zoo import Truth

WORDS = "modes=1..12, decides=0..20, skew=1..100, arcs=0..modes, or paint"
_GOLDEN = 0.61803398875
"""How far along their curve two neighbouring materials or movers are apart, so that no two go together."""
_FASTEST = np.array([0.45, 1.1, 1.1, 0.9, 0.9])


@dataclass(frozen=True)
class Level:
    """How hard scenes are.

    Attributes:
        modes: K, how many modes p(y | x) has.
        decides: how strongly what x shows decides among them; 0 for not at all, 10 for nearly always.
        skew: how many times as probable each mode is as the next one, whatever x shows.
        arcs: how many of the modes, the first ones, are arcs and not points.
        paint: whether scenes are coloured with their lightness kept, and their colours left open.
    """

    modes: int = 4
    decides: float = 1.0
    skew: float = 1.0
    arcs: int = 0
    paint: bool = False

    @classmethod
    def of(cls, words: list[str]) -> Level | None:
        """The level that these words ask for, ``modes=3`` or ``paint``; None where one of them is no such word."""
        given: dict[str, float | bool] = {}
        for word in words:
            name, equals, number = word.partition("=")
            known = name in {field.name for field in fields(cls)} and name not in given
            if not known or (name == "paint") == bool(equals):
                return None
            try:
                given[name] = name == "paint" or (int(number) if name in ("modes", "arcs") else float(number))
            except ValueError:
                return None
        level = cls(**given)  # type: ignore[arg-type]
        right = 1 <= level.modes <= 12 and 0 <= level.arcs <= level.modes and 0 <= level.decides <= 20
        return level if right and 1 <= level.skew <= 100 else None

    def __str__(self) -> str:
        numbers = [f"{field.name}={getattr(self, field.name):g}" for field in fields(self) if field.name != "paint"]
        return ",".join(numbers + ["paint"] * self.paint)

    def probabilities(self, world: World) -> NDArray[np.float64]:
        """p(mode | scene), (N, K), of everything that is left open."""
        middles = (np.arange(self.modes) + 0.5) / self.modes
        logits = self.decides * np.cos(2 * math.pi * (said(world)[:, None] - middles))
        return softmax(logits - np.arange(self.modes) * math.log(self.skew))

    def drawer(self, name: str) -> Callable[[World, int, np.random.Generator], Draws]:
        """The function that draws what is left open behind the field of that name."""

        def draw(world: World, draws: int, rng: np.random.Generator) -> Draws:
            u = rng.random((len(world), draws, 14))
            mode = pick(self.probabilities(world)[:, None], u[..., 0])
            inside = np.where(mode < self.arcs, u[..., 1], 0.5 + 0.1 * (u[..., 1] - 0.5))
            return Draws(mode, _VALUES[name](world, (mode + inside) / self.modes, u[..., 2:]).astype(np.float32))

        return draw


def said(world: World) -> NDArray[np.float64]:
    """s in [0, 1], (N,), of which the probabilities are made: the rank of the right panel's value less the left one's.

    The difference of two panels of 0.35 to 0.95 is distributed as a triangle, and its rank among all scenes evenly.
    """
    left, right = world.panels[:, 1:3].astype(np.float64).T
    share = np.clip((right - left) / 1.2 + 0.5, 0, 1)
    return np.where(share < 0.5, 2 * share**2, 1 - 2 * (1 - share) ** 2)


def _light(world: World, t: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
    """From the left (t = 0) by the front to the right; (N, M, 5), as that of :func:`zoo_data.scene_world.draw_light`."""
    towards = np.stack([-np.cos(math.pi * t), np.full_like(t, 0.55), -0.9 * np.sin(math.pi * t)], -1)
    towards /= np.sqrt((towards**2).sum(-1, keepdims=True))
    return np.concatenate([towards, np.array([0.2, 0.5]) + np.array([0.13, 0.17]) * u[..., :2]], -1)


def _turn(t: NDArray[np.float64], parts: int) -> NDArray[np.float64]:
    return t[..., None] + _GOLDEN * np.arange(parts)


def _saturation(world: World, t: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each material, (N, M, 6): a wave of t, each material's behind the one before it."""
    return 0.475 + 0.4 * np.cos(2 * math.pi * _turn(t, 6)) + 0.07 * (2 * u[..., :6] - 1)


def _motion(world: World, t: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each mover, (N, M, 5, 3), in metres per second: waves of t along the ways that they go by default."""
    speed = _FASTEST * np.cos(2 * math.pi * _turn(t, 5)) * (0.9 + 0.2 * u[..., :5])
    return velocities(world, speed)


def _colours(world: World, t: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each material, (N, M, 6, 2): the hue in turns, of the palette that is turned by t, and the share of most chroma."""
    hue = _turn(t, 6) + 0.02 * (2 * u[..., :6] - 1)
    return np.stack([hue % 1, 0.6 + 0.3 * u[..., 6:]], -1)


_VALUES = {"shading": _light, "saturation": _saturation, "flow": _motion, "colours": _colours}


def joint(modes: Ints, probabilities: NDArray[np.float64], seen: NDArray[np.bool_]) -> tuple[Ints, NDArray[np.float64]]:
    """The modes (N, M, P) of P independent parts as one number, (N, M), and the probability of each number, (N, 3^P).

    ``probabilities`` is (N, P, 3). A part that is not ``seen`` (N, P) changes no pixel, and its mode counts as 0.
    """
    number, weights = np.zeros(modes.shape[:2], np.int64), np.ones((len(modes), 1))
    for part in range(modes.shape[2]):
        number = 3 * number + modes[..., part] * seen[:, None, part]
        own = np.where(seen[:, part, None], probabilities[:, part], np.array([1.0, 0, 0]))
        weights = (weights[:, :, None] * own[:, None]).reshape(len(modes), -1)
    return number, weights


def truth_of(pool: Ints, own: Ints, weights: NDArray[np.float64]) -> Truth:
    """The truth of modes of draws (N, M), of the items themselves (N, 1), and of weights (N, K)."""
    import torch

    from zoo import Truth

    return Truth.of(torch.from_numpy(pool), torch.from_numpy(own[:, 0]), torch.from_numpy(weights))
