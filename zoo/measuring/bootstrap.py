"""Intervals of means, by resampling."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.contracts.metric import Metric, Score


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
