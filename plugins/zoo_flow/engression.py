"""Engression: y in one pass from x and a code, trained by the energy score of a few draws.

Sources: engression (Shen and Meinshausen 2024) for the energy score as a loss; CRPS-LAM (Larsson et al. 2025) and FGN (Alet et
al. 2025), forecasters of fields, for a code that enters by adaptive norms; Ferro 2014 for the fair score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import Batch, Step
from zoo_flow.base import Drawn
from zoo_flow.config import EngressionConfig
from zoo_flow.network import Code, FieldMaker, VectorMaker, rows_of

LEAST = 1e-6
"""Added to a mean square before its root: the gradient of a root at 0 is not finite."""
FINEST = 4
"""Pixels a side of the smallest tile."""


class Engression(Drawn):
    """p(y | x) as the law of a network's output on x and a standard normal code, one call a sample.

    Shapes are those of a :class:`Drawn`. There is no density. A sample is clipped to the range of the training fields. See
    :class:`zoo.Model` for what the methods take and give.

    Raises:
        RequestError: the shapes are others.
    """

    cites: ClassVar[tuple[str, ...]] = ("shen2024engression",)
    Config: ClassVar[type] = EngressionConfig
    check_settings: ClassVar[Mapping[str, Any]] = {
        "widths": (8, 8),
        "embedding": 16,
        "codes": 8,
        "learning_rate": 1e-2,
        "ema": 0.95,
    }
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "learning_rate": (2e-3, 1e-3, 4e-3),
        "temperature": (1.0, 0.9, 0.8),
        "draws": (3, 2, 5),
        "codes": (32, 8),
    }
    config: EngressionConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        sizes = self.build("an engression", FieldMaker.PARTS)
        self.net: nn.Module = (FieldMaker if len(sizes) > 1 else VectorMaker)(self.config.codes, self.y_shape[0], *sizes)

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """The fair energy score over tiles of several sizes, in deviations of y (``"total"``), and its two terms."""
        many, items = self.config.draws, len(batch.y)
        z = torch.randn(items * many, self.config.codes, generator=step.generator).to(batch.y.device)
        item = torch.arange(items, device=z.device).repeat_interleave(many)
        made = self.net(z, rows_of(self.encode(batch.x), item)).float().unflatten(0, (items, many))
        error, spread = energy_terms(made, self.units(batch.y))
        return {"total": error - spread / 2, "error": error, "spread": spread}

    def make(self, code: Code, noise: Tensor) -> Tensor:
        """The output of the network for codes (R, codes), times the temperature."""
        made: Tensor = self.net(self.config.temperature * noise, code)
        return made.float()

    def noise_shape(self) -> tuple[int, ...]:
        return (self.config.codes,)


def energy_terms(made: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """How far draws (B, m, ...) are from y (B, ...), and from each other: means of the distances of tiles.

    The distance of two tiles is the root of the mean square of their difference. Tiles are the whole field, its quarters,
    theirs, and so on to some pixels a side; each size counts as much as another.
    """
    many = made.shape[1]
    i, j = torch.triu_indices(many, many, 1, device=made.device)
    return distance(made - y[:, None]), distance(made[:, i] - made[:, j])


def distance(difference: Tensor) -> Tensor:
    """The mean over items, tiles and sizes of the root of the mean square, of differences (B, m, ...)."""
    if difference.ndim == 3:  # of vectors
        return (difference.square().mean(2) + LEAST).sqrt().mean()
    square = difference.square().mean(2).flatten(0, 1)[:, None]
    sizes, side = [], square.shape[-1]
    if side > FINEST and side % FINEST == 0:
        square, side = F.avg_pool2d(square, FINEST), side // FINEST
    while True:
        sizes.append((square + LEAST).sqrt().mean())
        if side % 2:
            break
        square, side = F.avg_pool2d(square, 2), side // 2
    if side > 1:
        sizes.append((square.mean((2, 3)) + LEAST).sqrt().mean())
    return torch.stack(sizes).mean()
