"""What x is worth to a model, and scores of items that hang together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from zoo.contracts.metric import Metric
from zoo.contracts.model import Model
from zoo.data.pairs import Pairs
from zoo.measuring import evaluate as module
from zoo.measuring.compare import paired
from zoo.measuring.evaluate import Evaluation, evaluate
from zoo.measuring.gain import partners
from zoo.measuring.scores import bootstrap, influence
from zoo.utils.noise import Noise
from zoo_metrics.calibration import SpreadSkill
from zoo_metrics.pool import EnergyScore, ErrorOfBest, GridVariance

ITEMS = 60
METRICS: dict[str, Metric] = {"error_of_best": ErrorOfBest(), "variance": GridVariance(), "energy_score": EnergyScore()}


class Sampler(Model):
    """Noise of the right spread, around x or around nothing."""

    heeds = True

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        around = code[:, None] if self.heeds else torch.zeros_like(code[:, None])
        return around + (0.3 if self.heeds else 1.05) * noise.normal(n, *self.y_shape)


class Deaf(Sampler):
    heeds = False


def measure(kind: type[Sampler], groups: list[str], items: int = ITEMS) -> Evaluation:
    """The gains of a sampler; groups share most of their y."""
    g = torch.Generator().manual_seed(1)
    x = torch.randn(items, 3, generator=g)
    model = kind((3,), (3,))
    model.fitted = True
    pairs = Pairs(x, x + 0.3 * torch.randn(items, 3, generator=g), groups=groups)
    return evaluate(model, pairs, METRICS, 12, seed=2)


def test_a_model_gains_from_x_what_it_heeds_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = measure(Sampler, [])
    names = ["x_gain@error_of_best@10", "x_gain@energy_score"]
    assert [name for name in alone.scores if name.startswith("x_gain")] == names
    deaf = measure(Deaf, [])
    for name in names:
        heard, unheard = alone.scores[name], deaf.scores[name]
        assert (heard.better, heard.p) == ("higher", pytest.approx(0.5e-4, rel=0.1)), "the least there is of 10,000"
        assert heard.low > 0.3
        assert unheard.p is not None
        assert unheard.p > 0.02
        assert unheard.low < 0 < unheard.high
        assert alone.values[name].mean().item() == pytest.approx(heard.value)
    monkeypatch.setattr(module, "ITEMS", 7)
    parts = measure(Sampler, [])
    assert parts.scores == alone.scores, "the partners do not depend on the batches"
    without = bootstrap({"": alone.values["energy_score"]}, EnergyScore())[""]
    assert replace(alone.scores["energy_score"], unit="") == replace(without, unit="")


def test_where_there_is_no_other_x_nothing_is_gained() -> None:
    for groups, items, why in ((["a"] * 5, 5, "of one video, scene or photo"), ([], 1, "one test item only")):
        found = measure(Sampler, groups, items)
        assert list(found.skipped) == ["x_gain"]
        assert why in found.skipped["x_gain"]
        assert "energy_score" in found.scores


@pytest.mark.parametrize("sizes", [[1] * 9, [2, 2, 2], [1, 7], [4, 1, 3, 2], [5, 5]])
def test_partners_are_of_other_groups(sizes: list[int]) -> None:
    codes = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))[torch.randperm(sum(sizes))]
    found = partners(codes, 3)
    assert (codes[found] != codes).all()
    if len(set(sizes)) == 1:
        assert sorted(found.tolist()) == list(range(sum(sizes)))
    assert found.tolist() == partners(codes, 3).tolist()


class Known(EnergyScore):
    zero_at_least = True


def test_items_of_one_group_are_drawn_together() -> None:
    g = torch.Generator().manual_seed(0)
    codes = torch.arange(12).repeat_interleave(5)
    values = torch.randn(12, generator=g).double()[codes] + 0.01 * torch.randn(60, generator=g)
    single, together = (bootstrap({"": values}, Known(), groups=groups)[""] for groups in (None, codes))
    assert together.value == single.value
    assert together.high - together.low > 1.8 * (single.high - single.low)
    assert single.p is not None
    assert together.p is not None
    assert min(together.p, 1 - together.p) > min(single.p, 1 - single.p)
    want = paired(values, torch.zeros(60), groups=codes)
    assert (together.low, together.high) == pytest.approx((want.low, want.high))
    assert bootstrap({"": values}, Known(), groups=torch.zeros(60))[""] == single, "of one group nothing else is known"


def departing(factor: float, groups: Tensor | None = None) -> float:
    """p of samples that vary so many times as much as they should."""
    g = torch.Generator().manual_seed(0)
    samples, y = factor * torch.randn(50, 20, 4, generator=g), torch.randn(50, 4, generator=g)
    score = bootstrap(SpreadSkill()(samples, y), SpreadSkill(), groups=groups)[""]
    assert score.p is not None
    assert score.low <= score.value <= score.high
    return score.p


def test_what_departs_from_right_has_a_small_p() -> None:
    for groups in (None, torch.arange(50) // 3):
        assert departing(1.0, groups) > 0.01
        assert departing(1.5, groups) < 0.001
    assert departing(1.5, torch.arange(50) // 25) == 0.5, "of two groups"


class Square(EnergyScore):
    """The square of the mean, whose pseudo-values are known."""

    def reduce(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {"": values[""].mean(-1).square()}


def test_what_an_item_adds_to_a_score_is_what_it_misses_without_it() -> None:
    values = torch.tensor([1.0, 2.0, 4.0, 5.0, 3.0, 0.0], dtype=torch.float64)
    codes = torch.tensor([0, 1, 0, 2, 2, 2])
    found = influence({"": values}, Square(), codes)[""]
    for code in range(3):
        share = len(values) / int((codes == code).sum())
        want = share * values.mean() ** 2 - (share - 1) * values[codes != code].mean() ** 2
        torch.testing.assert_close(found[codes == code], want.expand(int((codes == code).sum())))
    assert influence({"": values}, Known())[""] is values
