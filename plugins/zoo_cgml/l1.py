"""The same encoder and generator without a latent code, fitted by the absolute error: one answer for each x.

Source: the L1 baseline of cGML (sections 4 and 5.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from zoo import Batch, Noise, Step
from zoo_cgml.base import Regression
from zoo_cgml.config import L1Config
from zoo_cgml.nets import G


class L1(Regression):
    """y = G(H(x)), the median answer; all samples of one x are the same. See :class:`zoo.Model`.

    Raises:
        RequestError: the shapes are neither two fields of one side, nor two vectors, nor a vector and a field.
    """

    Config: ClassVar[type] = L1Config
    check_settings: ClassVar[Mapping[str, Any]] = {"width": 8}
    expected_failures: ClassVar[Mapping[str, str]] = {
        "another_seed_gives_other_samples": "it gives one answer for each x",
        "without_a_seed_every_call_is_new": "it gives one answer for each x",
        "a_pool_has_spread": "it gives one answer for each x",
    }
    config: L1Config

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.g = G(self.h, 0, self.y_shape, self.config.width)

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """The absolute error in deviations of y, and the task's penalty."""
        made = self.inner_y(self.h(self.inner_x(batch.x)), None)
        return {"total": self.cost(made, self.true_y(batch.y), batch.penalty).mean()}

    def draw(self, code: list[Tensor], n: int, noise: Noise) -> Tensor:
        """The one answer, n times."""
        return self.generate(code, 1, None)[:, None].expand(-1, n, *[-1] * len(self.y_shape)).clone()
