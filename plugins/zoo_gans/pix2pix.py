"""pix2pix: an absolute error, a discriminator of patches of x and y, and dropout for all the noise, also in samples.

Source: Isola et al. 2017, section 3 and appendix 6, with the networks of cGML, which compares itself with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from zoo import Batch, Noise, Step
from zoo_gans.config import Pix2PixConfig
from zoo_gans.game import Game
from zoo_networks.unet import Drop

BITS = 2**20


class Pix2Pix(Game):
    """y = G(H(x)) with dropout in the generator. See :class:`zoo.Model` for what the methods take and give.

    Raises:
        RequestError: y is no field (C, s, s) of a side that is a power of two from 8 to 256, or x neither such a field of
            the same side nor a vector.
    """

    owner: ClassVar[str] = "pix2pix"
    Config: ClassVar[type] = Pix2PixConfig
    config: Pix2PixConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.make_players(0, self.config.halvings)

    def fakes(self, x: Tensor, y: Tensor, step: Step) -> list[Tensor]:
        """One answer, of random dropout."""
        return [self.g(self.h(x), None, self._dropout([step.generator])).float()]

    def generator_losses(self, x: Tensor, y: Tensor, batch: Batch, step: Step) -> dict[str, Tensor]:
        """The absolute error and the task's penalty in their weight, and the adversarial loss."""
        (made,) = self.fakes(x, y, step)
        error, fooling = (made - y).abs().mean(), self.fooling(made, x)
        total = self.config.reconstruction * (error + self.charged(made, batch)) + fooling
        return {"total": total, "error": error, "fooling": fooling}

    def draw(self, code: list[Tensor], n: int, noise: Noise) -> Tensor:
        """The fields of n random dropouts for each x."""
        digits = (noise.uniform(n, 3).flatten(0, 1) * BITS).long().tolist()
        seeds = [(a * BITS + b) * BITS + c for a, b, c in digits]

        def of(piece: slice) -> Drop:
            return self._dropout([torch.Generator().manual_seed(seed) for seed in seeds[piece]])

        return self.generate(code, n, None, of).unflatten(0, (-1, n))

    def _dropout(self, generators: Sequence[torch.Generator]) -> Drop:
        """Dropout with one generator for all fields, or one for each; its numbers are drawn on the CPU, for every device."""
        keep = 1 - self.config.dropout

        def drop(field: Tensor) -> Tensor:
            if len(generators) == 1:
                drawn = torch.rand(field.shape, generator=generators[0])
            else:
                drawn = torch.stack([torch.rand(field.shape[1:], generator=g) for g in generators])
            return field * (drawn < keep).to(field.device) / keep

        return drop
