"""Metrics of whole runs: evidence, cost, codes, recognised attributes, and the overlap of shapes."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo.contracts import make
from zoo.contracts.metric import Fitted, NotApplicable
from zoo.data.pairs import Pairs
from zoo.testing.subjects.metric import WorldModel, world
from zoo_metrics.model import CodeDivergence, DownstreamAccuracy, Operations, Parameters, ReconstructionError, Seconds
from zoo_metrics.recognised import AttributeAccuracy, recogniser
from zoo_metrics.shapes import ShapeOverlap

PHOTO = ((1, 16, 16), (1, 16, 16), "photo")
FACES = ((2,), (3, 16, 16), "attributes")


class Plain(WorldModel):
    """It has no abilities beyond sampling."""

    def features(self, x: Tensor) -> None:  # type: ignore[override]
        return None

    def evidence(self, y: Tensor, x: Tensor, *, seed: int = 0) -> None:  # type: ignore[override]
        return None


class Layers(WorldModel):
    """Two layers draw; a third is for training alone."""

    training_only = ("teacher",)

    def __init__(self) -> None:
        super().__init__((3,), (4,))
        del self.scale
        self.body, self.head, self.teacher = nn.Linear(3, 5), nn.Linear(5, 4), nn.Linear(100, 100)

    def encode(self, x: Tensor) -> Tensor:
        return self.body(x)

    def draw(self, code: Tensor, n: int, noise: Any) -> Tensor:
        return self.head(code)[:, None].expand(-1, n, -1)


def of_layers() -> Fitted:
    fitted = world((6,), (4,), "numbers")
    return replace(fitted, model=Layers(), pairs=replace(fitted.pairs, x=fitted.pairs.x[:, :3]))


def test_evidence_is_what_the_model_says_of_each_pair() -> None:
    fitted = world(*PHOTO)
    part = fitted.pairs.subset(torch.tensor([3, 1]))
    terms = fitted.model.evidence(part.y, part.x)
    for metric, term in ((ReconstructionError(), "mse"), (CodeDivergence(), "kl")):
        metric.prepare(fitted)
        assert torch.equal(metric(part.y[:, None], part.y, x=part.x)[""], terms[term])
        with pytest.raises(NotApplicable, match="no evidence bound"):
            metric.prepare(replace(fitted, model=Plain(*PHOTO[:2])))


def test_parameters_are_those_that_sampling_uses() -> None:
    metric, fitted = Parameters(), of_layers()
    metric.prepare(fitted)
    assert metric(torch.zeros(2, 1, 4), torch.zeros(2, 4))[""].tolist() == [3 * 5 + 5 + 5 * 4 + 4] * 2
    fitted.model.drop_training_parts()
    metric.prepare(fitted)
    assert metric.cost == 44


def test_multiply_adds_are_those_of_encode_and_one_draw() -> None:
    metric = Operations()
    metric.prepare(of_layers())
    assert metric.cost == 3 * 5 + 5 * 4


def test_seconds_are_those_of_one_sample_of_twenty() -> None:
    fitted, drawn, metric = of_layers(), [], Seconds()
    fitted.model.sample = lambda x, n, **seed: drawn.append((*x.shape, n))  # type: ignore[method-assign]
    metric.prepare(fitted)
    assert drawn == [(1, 3, 20)] * 6
    assert 0 < metric.cost < 1


def test_a_linear_classifier_of_the_code_finds_the_class() -> None:
    fitted = world(*PHOTO)
    metric = DownstreamAccuracy()
    metric.prepare(fitted)
    found = metric(torch.zeros(3, 1, 1), torch.zeros(3, 1), index=torch.tensor([0, 5, 9]))[""]
    assert found.tolist() == [1, 1, 1]

    class Blind(WorldModel):
        def features(self, x: Tensor) -> Tensor:
            return torch.zeros(len(x), 2)

    metric.prepare(replace(fitted, model=Blind(*PHOTO[:2])))
    assert metric.right.mean() == 0.5, "half of the items are of either class, and it always says the same"


def test_classes_follow_the_names_of_the_pairs() -> None:
    fitted = world(*PHOTO)
    order = torch.randperm(len(fitted.pairs), generator=torch.Generator().manual_seed(0))
    metric = DownstreamAccuracy()
    metric.prepare(replace(fitted, pairs=fitted.pairs.subset(order[:7])))
    assert metric.right.tolist() == [1] * 7


def test_without_a_code_or_classes_there_is_no_downstream_accuracy() -> None:
    fitted = world(*PHOTO)
    for lacking, words in (
        (replace(fitted, model=Plain(*PHOTO[:2])), "no features"),
        (replace(fitted, data=make.data("scenes:64")), "has no classes"),
        (replace(fitted, pairs=replace(fitted.pairs, names=())), "do not bear the names"),
    ):
        with pytest.raises(NotApplicable, match=words):
            DownstreamAccuracy().prepare(lacking)


def test_attributes_are_recognised_where_the_samples_show_them() -> None:
    """Right pictures have 1, pictures of the opposite 0, and those that heed nothing 0.5, by attribute and on average."""
    fitted = world(*FACES)
    metric = AttributeAccuracy()
    metric.prepare(fitted)
    test = fitted.pairs
    light = torch.full((len(test), 2, *test.y_shape), 0.9)
    dark = torch.full_like(light, 0.1)
    asked = test.x[:, 0].view(-1, 1, 1, 1, 1) > 0.5
    for samples, want in ((torch.where(asked, light, dark), 1), (torch.where(asked, dark, light), 0), (light, 0.5)):
        found = metric(samples, test.y, x=test.x)
        assert list(found) == ["", "@real", "@light", "@dark", "@real.light", "@real.dark"]
        for suffix in ("", "@light", "@dark"):
            assert found[suffix].mean() == pytest.approx(want), suffix


def test_a_recogniser_is_kept_for_the_pictures_that_it_learnt() -> None:
    """A task may cut others of the same photos, whose digest is the same."""
    pairs = replace(world(*FACES).pairs, digest="photos")
    chosen, device = torch.tensor([0]), torch.device("cpu")
    first = recogniser(pairs, chosen, 0, device)
    assert recogniser(pairs, chosen, 0, device) is first
    assert recogniser(replace(pairs, y=1 - pairs.y), chosen, 0, device) is not first


def test_values_are_weighted_so_that_a_rare_attribute_counts_as_much() -> None:
    fitted = world(*FACES)
    few = fitted.pairs.subset(torch.tensor([0, 1, 3, 5, 7, 9]))  # one light item of six
    metric = AttributeAccuracy()
    metric.prepare(replace(fitted, pairs=few))
    dark = torch.full((6, 1, 3, 16, 16), 0.1)
    assert metric(dark, few.y, x=few.x)["@light"].mean() == pytest.approx(0.5)


def test_attributes_are_those_of_x_and_of_pictures() -> None:
    for shapes, words in ((PHOTO, "no vector of attributes"), (((2,), (4,), "attributes"), "no picture")):
        with pytest.raises(NotApplicable, match=words):
            AttributeAccuracy().prepare(world(*shapes))
    fitted = world(*FACES)
    light = replace(fitted, pairs=fitted.pairs.subset(torch.tensor([0, 2, 4])))
    with pytest.raises(NotApplicable, match="no attribute divides"):
        AttributeAccuracy().prepare(light)


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
