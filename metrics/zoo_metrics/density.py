"""The ground truth under a model's own density."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from zoo import Metric, RequestError


class NegativeLogLikelihood(Metric):
    """The model's upper bound on -log p(x, y), the joint density of conditioning and generated field."""

    unit = "nats a pair"
    better = "lower"
    source = "paper 1 (tied models), section 6.3 and Table 1"
    needs = "joint_log_prob"

    def __call__(
        self, samples: Tensor, y: Tensor, *, joint_log_prob: Tensor | None = None, **known: Tensor | None
    ) -> Mapping[str, Tensor]:
        if joint_log_prob is None:
            raise RequestError("nll needs a model that has a joint density; this one has none")
        return {"": -joint_log_prob}
