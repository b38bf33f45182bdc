"""The overlap of shapes: 1 for the truth, the ratio of volumes for a shape inside another, and of real spectral maps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from zoo.contracts import make
from zoo.contracts.metric import NotApplicable
from zoo.data.pairs import Pairs
from zoo_metrics.shapes import ShapeOverlap


def run(solids: Any, y: torch.Tensor) -> Any:
    return SimpleNamespace(task=SimpleNamespace(solids=solids, y_name="map"), pairs=Pairs(y, y))


def bars(y: torch.Tensor) -> torch.Tensor:
    """Voxels (B, 8, 1, 1), filled up to the height y (B, 1)."""
    return (torch.arange(8) < y).view(-1, 8, 1, 1)


def test_it_is_the_ratio_of_volumes_of_a_shape_inside_another() -> None:
    metric, y = ShapeOverlap(), torch.tensor([[8.0], [4.0], [0.0]])
    metric.prepare(run(bars, y))
    samples = torch.tensor([[[2.0], [8.0]], [[8.0], [8.0]], [[0.0], [1.0]]])
    found = metric(samples, y)
    assert found[""].tolist() == [0.625, 0.5, 0.5]
    assert found["@best"].tolist() == [1.0, 0.5, 1.0]


def test_fields_that_stand_for_no_shape_are_left_out() -> None:
    with pytest.raises(NotApplicable, match="stands for no shape"):
        ShapeOverlap().prepare(run(lambda y: None, torch.zeros(2, 1)))


def test_a_spectral_map_is_its_own_shape_and_another_is_less() -> None:
    task = make.task("denoise3d")
    pairs = task.pairs(make.data("solids"), "test").subset(torch.arange(6))
    metric = ShapeOverlap()
    metric.prepare(SimpleNamespace(task=task, pairs=pairs))  # type: ignore[arg-type]
    samples = torch.stack([pairs.y, pairs.y.roll(1, 0)], 1)
    found = metric(samples, pairs.y)
    assert torch.equal(found["@best"], torch.ones(6, dtype=torch.float64))
    assert found[""].max() < 1
    assert task.solids(pairs.y).shape == (6, 48, 48, 48)  # type: ignore[union-attr]
