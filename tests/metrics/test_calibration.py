"""Calibration, where the right value is known to the last digit, and on pools whose fault is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from zoo.contracts.metric import Metric, NotApplicable, Score
from zoo.measuring.evaluate import bootstrap
from zoo_metrics.calibration import Miscoverage, RankHistogram, SpreadSkill

METRICS = (Miscoverage, SpreadSkill, RankHistogram)
ITEMS, SIZE = 400, 12


def measured(samples: Tensor, y: Tensor, *metrics: type[Metric]) -> dict[str, Score]:
    """The scores, by metric and suffix."""
    made = [metric() for metric in metrics or METRICS]
    return {type(m).__name__ + suffix: score for m in made for suffix, score in bootstrap(m(samples, y), m).items()}


def planted(n: int, spread: float = 1.0, bias: float = 0.0) -> tuple[Tensor, Tensor]:
    """Samples (N, n, D) and y (N, D), normal about the same centres."""
    g = torch.Generator().manual_seed(5)
    centre = 3 * torch.randn(ITEMS, 1, SIZE, generator=g)
    y = centre[:, 0] + torch.randn(ITEMS, SIZE, generator=g)
    return centre + spread * torch.randn(ITEMS, n, SIZE, generator=g) + bias, y


@pytest.mark.parametrize("n", [1, 2, 3, 9, 18, 19, 30, 99])
def test_over_all_ranks_that_y_can_have_every_departure_is_zero(n: int) -> None:
    """The mean over y as each of n + 1 numbers in turn, the others being the samples; two of them may be equal."""
    for numbers in (torch.arange(n + 1.0), torch.arange(n + 1.0).clamp_min(1)):
        y = numbers[:, None]
        samples = torch.stack([torch.cat([numbers[:i], numbers[i + 1 :]]) for i in range(n + 1)])[..., None]
        for metric in (Miscoverage(), RankHistogram()):
            for suffix, value in metric.reduce(metric(samples, y)).items():
                assert value.item() == pytest.approx(0, abs=1e-9), (metric, suffix)


@pytest.mark.parametrize("n", [2, 9, 40])
def test_true_draws_are_calibrated(n: int) -> None:
    for name, score in measured(*planted(n)).items():
        assert score.low == 0, name
        assert score.value < 0.06, name


@pytest.mark.parametrize(("spread", "expected"), [(0.5, (0.24, 0.31, 0.69, 0.77)), (2.0, (0.32, 0.10, 0.69, 0.62))])
def test_samples_that_vary_too_little_or_too_much_are_found(spread: float, expected: tuple[float, ...]) -> None:
    """The numbers are those of docs/metrics.md."""
    scores = measured(*planted(99, spread))
    for name, value in zip(
        ("Miscoverage@p50", "Miscoverage@p90", "SpreadSkill", "RankHistogram@curve"), expected, strict=True
    ):
        assert scores[name].value == pytest.approx(value, abs=0.05), name
        assert scores[name].low > 0.05, name
    assert scores["RankHistogram@slope"].low == 0


def test_samples_that_are_off_are_found() -> None:
    scores = measured(*planted(40, bias=1.0))
    assert scores["RankHistogram@slope"].low > 1
    assert all(scores[name].low > 0.1 for name in ("Miscoverage@p50", "Miscoverage@p90", "SpreadSkill", "RankHistogram@curve"))


def test_known_numbers_and_few_answers_are_calibrated() -> None:
    """y is -1 or 1 with the same probability in half of its numbers, and given in the others."""
    g = torch.Generator().manual_seed(1)
    answers = torch.randint(0, 2, (ITEMS, 11, SIZE), generator=g) * 2.0 - 1
    answers[..., SIZE // 2 :] = torch.rand(ITEMS, 1, SIZE // 2, generator=g)
    assert {name: score.low for name, score in measured(answers[:, 1:], answers[:, 0]).items() if score.low} == {}
    one = measured(answers[:, 1:].clamp_min(0.9), answers[:, 0])
    assert one["Miscoverage@p50"].low > 0.05
    truth = measured(answers[:, :1].expand(-1, 7, -1), answers[:, 0])
    assert [score.high for score in truth.values()] == pytest.approx([0] * 5, abs=1e-9)


def test_spread_and_error_are_those_of_hand() -> None:
    samples, y = torch.tensor([[[1.0], [3.0]], [[0.0], [0.0]]]), torch.tensor([[5.0], [1.0]])
    values = SpreadSkill()(samples, y)
    assert values["@spread"].tolist() == [3, 0]  # variance 2, times 3 / 2
    assert values["@error"].tolist() == [9, 1]
    assert SpreadSkill().reduce(values)[""].item() == pytest.approx(math.log(3 / 10) / 2)


def test_of_one_sample_there_is_no_spread() -> None:
    samples, y = planted(2)
    alike = measured(samples[:, :1].expand_as(samples), y, SpreadSkill)
    assert alike["SpreadSkill"].value == pytest.approx(math.log(1000))
    with pytest.raises(NotApplicable, match="one sample of each item does not tell how samples vary"):
        SpreadSkill()(samples[:, :1], y)
