"""Runs of a model that answers with true draws: others than those that metrics see, and none where there are none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from toyruns import run

import zoo
from zoo.data.pairs import Pairs
from zoo.running.truth import scored_pairs
from zoo.utils.errors import RequestError


def plan(known: int | None, n: int, needs: bool = True) -> Any:
    """A plan of a task that knows so many true draws of an item, the m-th of which is m."""

    def pairs(data: object, split: str, seed: int, *, pool: int) -> Pairs:
        draws = None if known is None else torch.arange(min(pool, known)).float().expand(3, -1)[..., None]
        return Pairs(torch.zeros(3, 1), torch.zeros(3, 1), pool=draws)

    request = SimpleNamespace(model="all-knowing", data="notes", seed=0, n=n)
    return SimpleNamespace(
        task=SimpleNamespace(pairs=pairs), data="notes", model=SimpleNamespace(needs_truth=needs), request=request
    )


@pytest.mark.parametrize(("known", "n", "metrics"), [(1000, 50, 20), (70, 50, 20), (60, 50, 10), (52, 50, 2)])
def test_metrics_see_other_draws_than_the_model(known: int, n: int, metrics: int) -> None:
    test, truth = scored_pairs(plan(known, n))
    assert truth is not None
    assert test.pool is not None
    seen, given = test.pool[0].flatten().tolist(), truth[0].flatten().tolist()
    assert (len(seen), len(given)) == (metrics, n)
    assert not set(seen) & set(given)


def test_other_models_are_shown_nothing() -> None:
    test, truth = scored_pairs(plan(1000, 50, needs=False))
    assert (truth, test.pool.shape[1] if test.pool is not None else 0) == (None, 20)


def test_too_few_true_draws_and_none_are_refused() -> None:
    with pytest.raises(
        RequestError, match=r"takes n = 50 .* notes has 51, of which 2 are for metrics: take at most 49 \(-n\)"
    ):
        scored_pairs(plan(51, 50))
    with pytest.raises(RequestError, match=r"'all-knowing' answers with true draws .* notes has none for this task"):
        scored_pairs(plan(None, 50))


def test_a_run_shows_the_oracle_the_truth_and_keeps_none_of_it(tmp_path: Path) -> None:
    result = run(tmp_path / "a", model="oracle", metrics=("toy-best",), n=3)  # the toys' true draws are all y itself
    assert {name: score.value for name, score in result.scores.items()} == {"toy-best@1": 0, "toy-best@3": 0}
    kept = tmp_path / "a" / "checkpoint"
    assert sorted(path.name for path in kept.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert result.pairs is not None
    with pytest.raises(RequestError, match="the oracle knows true draws of 0 x"):
        zoo.load(f"dir:{kept}").model.sample(result.pairs.x, 1)
    again = run(tmp_path / "b", model=None, task=None, checkpoint=f"dir:{kept}", metrics=("toy-best",), n=3)
    assert again.scores == result.scores
