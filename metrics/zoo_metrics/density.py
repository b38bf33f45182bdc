"""What a model's own density says of the ground truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor

from zoo import Metric, Needs, RequestError


class NegativeLogLikelihood(Metric):
    """The model's upper bound on -log p(x, y), the joint density of conditioning and generated field."""

    unit: ClassVar[str] = "nats a pair"
    better: ClassVar[Literal["lower", "higher"]] = "lower"
    source: ClassVar[str] = "paper 1 (tied models), section 6.3 and Table 1"
    needs: ClassVar[Needs] = "joint_log_prob"

    def __call__(
        self, samples: Tensor, y: Tensor, *, joint_log_prob: Tensor | None = None, **known: Tensor | None
    ) -> Mapping[str, Tensor]:
        if joint_log_prob is None:
            raise RequestError("nll needs a model that has a joint density; this one has none")
        return {"": -joint_log_prob}
