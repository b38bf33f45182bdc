"""Proper scores, against the sums that define them and on pools whose fault is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from zoo.contracts.metric import NotApplicable, Score
from zoo.measuring.evaluate import bootstrap
from zoo.testing.subjects.metric import world
from zoo_metrics import proper
from zoo_metrics.pool import EnergyScore
from zoo_metrics.proper import ExcessEnergy, RankedProbability, crps, excess


def far(a: Tensor, b: Tensor, *, within: bool = False) -> float:
    """The mean distance of vectors (n, D) and (m, D), or of the different ones among the same."""
    distance = np.sqrt(((a.double().numpy()[:, None] - b.double().numpy()) ** 2).sum(-1))
    return distance.sum() / (len(a) * (len(b) - 1)) if within else distance.mean()


@pytest.mark.parametrize("fair", [True, False])
@pytest.mark.parametrize("n", [1, 2, 25])
def test_crps_is_its_double_sum(n: int, fair: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proper, "AT_ONCE", 6 * n)  # two numbers of the three items at once
    g = torch.Generator().manual_seed(0)
    samples, y = torch.rand(3, n, 1, 3, 3, generator=g), torch.rand(3, 1, 3, 3, generator=g)
    x, true = samples.double().numpy().reshape(3, n, 9), y.double().numpy().reshape(3, 9)
    pairs = np.abs(x[:, :, None] - x[:, None]).sum((1, 2)) / max(1, n * (n - 1) if fair else n * n)
    want = (np.abs(x - true[:, None]).mean(1) - pairs / 2).mean(1)
    np.testing.assert_allclose(crps(samples.flatten(2), y.flatten(1), fair=fair), want, rtol=0, atol=1e-6)
    if fair:
        np.testing.assert_allclose(RankedProbability()(samples, y)[""], want, rtol=0, atol=1e-6)


def test_they_are_those_of_scoringrules() -> None:
    """Gneiting's, by Allen and others (2024), which count a pair of a sample and itself; the fair forms do not."""
    rules = pytest.importorskip("scoringrules", reason="needs scoringrules, of the extra dev")
    g = torch.Generator().manual_seed(1)
    n, size = 30, 12
    samples, y = torch.rand(4, n, size, generator=g), torch.rand(4, size, generator=g)
    ours, theirs = samples.double().numpy(), y.double().numpy()
    whole = rules.crps_ensemble(theirs, ours, m_axis=1, estimator="nrg").mean(1)
    fair = rules.crps_ensemble(theirs, ours, m_axis=1, estimator="fair").mean(1)
    np.testing.assert_allclose(crps(samples, y, fair=False), whole, rtol=0, atol=1e-6)
    np.testing.assert_allclose(RankedProbability()(samples, y)[""], fair, rtol=0, atol=1e-6)
    among = torch.tensor([far(each, each, within=True) for each in samples])
    energy = torch.from_numpy(rules.es_ensemble(theirs, ours, m_axis=1, v_axis=2, estimator="nrg")) - among / (2 * n)
    np.testing.assert_allclose(EnergyScore()(samples, y)[""], energy / size**0.5, rtol=0, atol=1e-6)


def test_crps_of_samples_that_are_all_alike_is_their_distance() -> None:
    y = torch.tensor([[500.0, -3.0]])
    assert crps(torch.full((1, 40, 2), 497.0), y).item() == pytest.approx((3 + 500) / 2, abs=1e-9)


@pytest.mark.parametrize("n", [2, 3, 30])
def test_excess_energy_is_what_its_sums_are(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proper, "AT_ONCE", 2 * n)  # a few rows at once
    g = torch.Generator().manual_seed(0)
    samples, y, pool = (torch.rand(*shape, 1, 3, 3, generator=g) for shape in ((2, n), (2,), (2, 3)))
    metric = ExcessEnergy()
    metric.prepare(world((6,), (4,), "numbers"))
    value = metric(samples, y, pool=pool)[""]
    for b in range(2):
        ours, true = samples[b].flatten(1), torch.cat([y[b][None], pool[b]]).flatten(1)
        want = (far(ours, true) - far(ours, ours, within=True) / 2 - far(true, true, within=True) / 2) / 3
        assert value[b].item() == pytest.approx(want, abs=1e-6)
    with pytest.raises(NotApplicable, match="one sample of each item"):
        metric(samples[:, :1], y, pool=pool)


def test_excess_energy_needs_true_draws() -> None:
    fitted = world((6,), (4,), "numbers")
    assert fitted.pairs.pool is not None
    for pool in (None, fitted.pairs.pool[:, :0]):
        with pytest.raises(NotApplicable, match="true answers"):
            ExcessEnergy().prepare(replace(fitted, pairs=replace(fitted.pairs, pool=pool, truth=None)))


ITEMS, N, DRAWS, SIZE = 300, 40, 20, 9


def score(kind: str) -> Score:
    """The score of samples with this fault of an arc beside a single answer, in nine numbers, where x says where they lie."""
    g = torch.Generator().manual_seed(3)
    middle = torch.rand(ITEMS, 1, SIZE, generator=g)

    def draw(n: int, share: float = 0.5) -> Tensor:
        arc = (torch.rand(ITEMS, n, 1, generator=g) < share) * torch.randn(ITEMS, n, SIZE, generator=g) / 4
        return middle + arc

    true = draw(1 + DRAWS)
    samples = draw(N, {"arc alone": 1.0, "answer alone": 0.0, "other weights": 0.7}.get(kind, 0.5))
    if kind in ("narrow", "wide"):
        samples = middle + {"narrow": 0.6, "wide": 1.5}[kind] * (samples - middle)
    if kind == "ignores x":
        samples = samples.roll(1, 0)
    samples = samples + {"biased": 0.05}.get(kind, 0)
    return bootstrap({"": excess(samples, true[:, 0], true[:, 1:])}, ExcessEnergy())[""]


def test_the_excess_energy_of_true_draws_is_zero_and_that_of_every_fault_above() -> None:
    right = score("oracle")
    assert right.low < 0 < right.high
    for kind in ("narrow", "wide", "biased", "arc alone", "answer alone", "other weights", "ignores x"):
        assert score(kind).low > max(0, right.value), kind
