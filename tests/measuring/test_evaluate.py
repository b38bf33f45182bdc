"""Scores: the same in batches of any size, and never something that is no number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch

from zoo.contracts import make
from zoo.contracts.metric import Fitted, Metric, NotApplicable
from zoo.contracts.model import Model
from zoo.data.pairs import Pairs
from zoo.measuring import evaluate as module
from zoo.measuring.evaluate import bootstrap, evaluate
from zoo.measuring.verdict import judge
from zoo.utils.errors import RequestError, ZooError

pytestmark = pytest.mark.usefixtures("toy_plugin")


def fitted(name: str = "toy-wide") -> tuple[Model, Pairs]:
    x = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    model = make.model(name, (1, 4, 4), (1, 4, 4))
    model.fit(Pairs(x, 1 - x))
    return model, Pairs(x, 1 - x)


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pairs = fitted()
    metrics = {name: make.metric(name) for name in ("toy-best", "toy-density")}
    whole = evaluate(model, pairs, metrics, 9, seed=3)
    monkeypatch.setattr(module, "NUMBERS", 3 * 9 * 16)
    parts = evaluate(model, pairs, metrics, 9, seed=3)
    assert parts.scores == whole.scores
    assert list(whole.scores) == ["toy-best@1", "toy-best@3", "toy-best@9", "toy-density"]
    samples = model.sample(pairs.x, 9, seed=3)
    best = ((samples - pairs.y[:, None]) ** 2).flatten(2).mean(2).amin(1).mean().item()
    score = whole.scores["toy-best@9"]
    assert score.value == pytest.approx(best, rel=1e-5)
    assert score.low < score.value < score.high
    assert list(whole.values) == list(whole.scores)
    for name, value in whole.values.items():
        assert (tuple(value.shape), value.dtype) == ((20,), torch.float64)
        assert value.mean().item() == whole.scores[name].value
        torch.testing.assert_close(parts.values[name], value, rtol=0, atol=0)


def test_what_cannot_be_measured_is_left_out_or_refused() -> None:
    model, pairs = fitted("toy")
    measured = evaluate(model, pairs, {"toy-density": make.metric("toy-density")}, 2)
    assert measured.scores == {}
    assert "toy" in measured.skipped["toy-density"]
    with pytest.raises(RequestError, match="at least one"):
        evaluate(model, pairs.subset(torch.arange(0)), {}, 2)


def test_one_sample_of_true_draws_is_not_called_wrong() -> None:
    """It does not tell how samples vary, and what would take it for no variance is left out."""
    draw = torch.Generator().manual_seed(0)
    model, pairs = fitted()
    many = torch.randn(400, 12, 1, 4, 4, generator=draw)
    pairs = Pairs(torch.rand(400, 1, 4, 4, generator=draw), many[:, 0], pool=many[:, 1:11])
    model.sample = lambda x, n, seed: many[-len(x) :, 11:]  # type: ignore[method-assign, misc, assignment]
    names = ("energy_score", "excess_energy", "spread_skill", "rank_histogram")
    metrics = {name: make.metric(name) for name in names}
    run = Fitted(model, make.task("toy-shade"), None, pairs, 0)  # type: ignore[arg-type]
    measured = evaluate(model, pairs, metrics, 1, fitted=run)
    assert measured.skipped.keys() == {"excess_energy", "spread_skill"}
    assert all("it takes two and more (-n)" in why for why in measured.skipped.values())
    assert judge(measured, metrics, n=1).word != "wrong"


@pytest.mark.parametrize(("values", "message"), [(float("nan"), "finite"), (float("inf"), "finite"), (None, "shape")])
def test_a_metric_that_gives_no_number_is_named(values: float | None, message: str) -> None:
    class Broken(Metric):
        unit, better, source = "none", "lower", "nowhere"

        def __call__(self, samples: torch.Tensor, y: torch.Tensor, **_: object) -> dict[str, torch.Tensor]:  # type: ignore[override]
            return {"": torch.zeros(len(y), 2) if values is None else torch.full((len(y),), values)}

    model, pairs = fitted()
    with pytest.raises(ZooError, match=f"'broken'.*{message}"):
        evaluate(model, pairs, {"broken": Broken()}, 2)


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_a_metric_that_nobody_asked_for_may_fail(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is left out with the reason, also what it gave before, and the others are as they were without it."""

    class Failing(Metric):
        unit, better, source = "none", "lower", "nowhere"
        calls = 0

        def __call__(self, samples: torch.Tensor, y: torch.Tensor, **known: object) -> dict[str, torch.Tensor]:
            self.calls += 1
            if self.calls > 1:
                raise error
            return {"": torch.zeros(len(y))}

    model, pairs = fitted()
    best = {"toy-best": make.metric("toy-best")}
    monkeypatch.setattr(module, "ITEMS", 8)
    spared = evaluate(model, pairs, {**best, "failing": Failing()}, 9, seed=3, optional={"failing"})
    assert spared.scores == evaluate(model, pairs, best, 9, seed=3).scores
    assert list(spared.skipped) == ["failing"]
    assert type(error).__name__ in spared.skipped["failing"]
    with pytest.raises(
        ZooError, match=rf"metric 'failing': it failed: {type(error).__name__}.*test_evaluate\.py:\d+ in __call__"
    ):
        evaluate(model, pairs, {**best, "failing": Failing()}, 9, seed=3)


class Sees(Metric):
    """The number of the item in the run's test pairs, for runs of the toy task only."""

    unit, better, source = "place", "lower", "nowhere"
    needs = "fitted"

    def prepare(self, fitted: Fitted) -> None:
        if fitted.seed:
            raise NotApplicable(f"seed {fitted.seed} is not 0")
        self.names = list(fitted.pairs.names)

    def __call__(  # type: ignore[override]
        self, samples: torch.Tensor, y: torch.Tensor, *, index: torch.Tensor, **_: object
    ) -> dict[str, torch.Tensor]:
        return {"": torch.tensor([float(self.names[i]) for i in index.tolist()])}


def test_a_metric_may_see_the_run_and_which_items_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    model, plain = fitted()
    pairs = Pairs(plain.x, plain.y, names=[str(i) for i in range(20)])
    monkeypatch.setattr(module, "ITEMS", 8)
    task, data = make.task("toy-shade"), make.data("toy-photos")
    monkeypatch.setattr(task, "y_unit", "metres", raising=False)
    metrics = {"sees": Sees(), "toy-best": make.metric("toy-best")}
    run = Fitted(model, task, data, pairs, 0)
    scores = evaluate(model, pairs, metrics, 3, fitted=run).scores
    assert scores["sees"].value == pytest.approx(9.5)
    assert scores["sees"].unit == "place"
    assert scores["toy-best@3"].unit == "squared error, y in metres"
    other = evaluate(model, pairs, metrics, 3, fitted=Fitted(model, task, data, pairs, 7))
    assert other.skipped == {"sees": "seed 7 is not 0"}
    alone = evaluate(model, pairs, metrics, 3)
    assert alone.skipped == {"sees": "it is measured of whole runs only"}
    assert replace(alone.scores["toy-best@3"], unit="") == replace(scores["toy-best@3"], unit="")


def test_first_samples_are_kept_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pairs = fitted()
    monkeypatch.setattr(module, "ITEMS", 8)
    kept = evaluate(model, pairs, {}, 5, seed=1, keep={0: 5, 9: 2, 19: 3}).kept
    samples = model.sample(pairs.x, 5, seed=1)
    assert {i: len(few) for i, few in kept.items()} == {0: 5, 9: 2, 19: 3}
    for i, few in kept.items():
        torch.testing.assert_close(few, samples[i, : len(few)], rtol=0, atol=0)


def test_a_metric_that_still_says_asked_only_is_told_what_to_rename() -> None:
    old = type("Old", (Sees,), {"asked_only": True})
    assert make.fault("metrics", old) == "its asked_only is called opt_in now: rename it"
    assert not make.fault("metrics", Sees)


class Ratio(Metric):
    """A ratio of means."""

    unit, better, source = "ratio", "lower", "nowhere"

    def __call__(self, samples: torch.Tensor, y: torch.Tensor, **_: object) -> dict[str, torch.Tensor]:  # type: ignore[override]
        return {"@over": samples.flatten(1).mean(1), "@under": 2 * samples.flatten(1).mean(1)}

    def reduce(self, values: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
        return {"": values["@over"].mean(-1) / values["@under"].mean(-1)}


class Departure(Ratio):
    right_at_zero = True

    def reduce(self, values: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
        return {suffix: value.mean(-1) - 1 for suffix, value in values.items()}


def test_a_score_may_be_made_of_the_means_of_the_same_resampled_items() -> None:
    model, pairs = fitted()
    score = evaluate(model, pairs, {"ratio": Ratio()}, 2).scores["ratio"]
    assert (score.value, score.low, score.high) == pytest.approx((0.5, 0.5, 0.5))


def test_departures_are_measured_by_their_size() -> None:
    at_one = 1 + torch.linspace(-1, 1.2, 50)
    near, below = (bootstrap({"": values}, Departure())[""] for values in (at_one, at_one - 3))
    assert near.low == 0 < near.value < near.high
    assert below.value == pytest.approx(2.9)
    assert below.low < below.value < below.high
    signed = bootstrap({"": at_one - 3}, make.metric("toy-best"))[""]  # the mean itself
    assert (below.low, below.high) == pytest.approx((1 - signed.high, 1 - signed.low))


@pytest.mark.parametrize("score", [None, torch.zeros(3, 3), torch.tensor(float("nan")), 1.0])
def test_a_metric_that_makes_no_score_of_its_values_is_named(score: object) -> None:
    broken = type("Broken", (Ratio,), {"reduce": lambda self, values: score if score is None else {"": score}})
    model, pairs = fitted()
    with pytest.raises(ZooError, match="Broken"):
        evaluate(model, pairs, {"broken": broken()}, 2)
    assert list(evaluate(model, pairs, {"broken": broken()}, 2, optional={"broken"}).skipped) == ["broken"]
