"""The context encoder: a squared error and a discriminator of y; one answer for each x.

Source: Pathak et al. 2016, sections 3.2 and 4, with the networks of cGML, which compares itself with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from zoo import Batch, Noise, Step
from zoo_gans.config import ContextEncoderConfig
from zoo_gans.game import Game

ONE = "it gives one answer for each x"


class ContextEncoder(Game):
    """y = G(H(x)); all samples of one x are the same. See :class:`zoo.Model` for what the methods take and give.

    Raises:
        RequestError: y is no field (C, s, s) of a side that is a power of two from 8 to 256, or x neither such a field of
            the same side nor a vector.
    """

    owner: ClassVar[str] = "a context encoder"
    Config: ClassVar[type] = ContextEncoderConfig
    sees_x: ClassVar[bool] = False
    expected_failures: ClassVar[Mapping[str, str]] = {
        "another_seed_gives_other_samples": ONE,
        "without_a_seed_every_call_is_new": ONE,
        "a_pool_has_spread": ONE,
    }
    config: ContextEncoderConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.make_players(0, None)

    def fakes(self, x: Tensor, y: Tensor, step: Step) -> list[Tensor]:
        """The one answer."""
        return [self.g(self.h(x), None).float()]

    def generator_losses(self, x: Tensor, y: Tensor, batch: Batch, step: Step) -> dict[str, Tensor]:
        """The squared error, the task's penalty, and the adversarial loss, in their weights."""
        c, (made,) = self.config, self.fakes(x, y, step)
        error, fooling = (made - y).square().mean(), self.fooling(made, x)
        total = c.reconstruction * (error + self.charged(made, batch)) + c.adversarial * fooling
        return {"total": total, "error": error, "fooling": fooling}

    def draw(self, code: list[Tensor], n: int, noise: Noise) -> Tensor:
        """The one answer, n times."""
        return self.generate(code, 1, None)[:, None].expand(-1, n, *[-1] * len(self.y_shape)).clone()
