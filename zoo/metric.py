"""What a metric is: a number for each item's pool of samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor


@dataclass(frozen=True)
class Score:
    """A metric's mean over the test items, with the ends of its 95 % bootstrap interval over items."""

    value: float
    low: float
    high: float
    unit: str
    better: Literal["lower", "higher"]


class Metric(ABC):
    """A metric, registered under ``zoo.metrics``.

    Attributes:
        unit: of the values, in words.
        better: which direction is better.
        source: the paper and equation or section that defines it.
        needs: ``"samples"``, or ``"joint_log_prob"`` for a metric of the model's own density.
        expected_failures: the checks of :mod:`zoo.testing` that it cannot pass by its nature, each with the reason.
    """

    unit: ClassVar[str]
    better: ClassVar[Literal["lower", "higher"]]
    source: ClassVar[str]
    needs: ClassVar[Literal["samples", "joint_log_prob"]] = "samples"
    expected_failures: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def __call__(
        self,
        samples: Tensor,
        y: Tensor,
        *,
        x: Tensor | None = None,
        pool: Tensor | None = None,
        joint_log_prob: Tensor | None = None,
    ) -> Mapping[str, Tensor]:
        """Values of each item. A metric takes by name what it uses, and the rest as ``**known``.

        Args:
            samples: (B, n, *y_shape).
            y: (B, *y_shape), the ground truth.
            x: (B, *x_shape).
            pool: (B, M, *y_shape), true draws of p(y | x).
            joint_log_prob: (B,), a lower bound on log p(x, y) in nats.

        Returns:
            (B,) values under each suffix: ``{"": v}``, or ``{"@3": v, "@10": w}`` for ``error_of_best@3`` and so on.
        """


def bootstrap(values: Tensor, metric: Metric, *, resamples: int = 2000, seed: int = 0) -> Score:
    """The mean of ``values`` (N,) with its percentile bootstrap interval (95 %), resampling items."""
    values = values.double().cpu()
    generator = torch.Generator().manual_seed(seed)
    means = []
    for _ in range(0, resamples, 200):
        index = torch.randint(len(values), (200, len(values)), generator=generator)
        means.append(values[index].mean(1))
    low, high = torch.cat(means).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Score(values.mean().item(), low, high, metric.unit, metric.better)
