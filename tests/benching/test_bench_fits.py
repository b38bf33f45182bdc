"""Cells that differ in settings that no fit reads, or in what is drawn and scored, alone: they share a fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from toybenches import bench

import zoo

pytestmark = pytest.mark.usefixtures("toys", "no_figures")


@pytest.fixture
def fits(toys: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of each fit that was made, the layers of its model. Its setting of sampling came later, too."""
    from toy_zoo import Toy

    monkeypatch.setattr(Toy.Config.__dataclass_fields__["spread"], "metadata", {"added": True, "sampling": True})

    made: list[int] = []
    own = Toy.fit
    monkeypatch.setattr(Toy, "fit", lambda self, *args, **more: (made.append(self.config.layers), own(self, *args, **more))[1])
    return made


def swept(out: Path, spreads: tuple[float, ...], **more: Any) -> zoo.BenchResult:
    return bench(out, models=["toy-wide"], seeds=1, n=3, items=2, sweep={"spread": spreads}, **more)


def of(out: Path, row: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record of a cell and its metrics."""
    folder = out / "cells" / "toy-shade" / f"{row}-s0"
    return json.loads((folder / "run.json").read_text()), json.loads((folder / "metrics.json").read_text())["metrics"]


def test_rows_that_differ_in_sampling_share_a_fit_and_have_the_numbers_of_their_own(tmp_path: Path, fits: list[int]) -> None:
    assert not swept(tmp_path / "a", (0.1, 0.4)).failed
    assert fits == [2]
    assert not swept(tmp_path / "b", (0.4,)).failed
    assert fits == [2, 2]
    (first, scores), (second, others), (alone, same) = (
        of(tmp_path / "a", "spread=0.1"),
        of(tmp_path / "a", "spread=0.4"),
        of(tmp_path / "b", "spread=0.4"),
    )
    assert others == same != scores
    assert second["model"]["config"] == alone["model"]["config"] != first["model"]["config"]
    assert (second["history"], second["curves"]) == (alone["history"], alone["curves"])
    assert second["seconds"]["fit"] == first["seconds"]["fit"]
    weights, own = (load_file(tmp_path / f / "cells/toy-shade/spread=0.4-s0/checkpoint/model.safetensors") for f in "ab")
    assert all((weights[name] == own[name]).all() for name in ("mean", "bank"))
    assert zoo.load(f"dir:{tmp_path / 'a/cells/toy-shade/spread=0.4-s0/checkpoint'}").model.config.spread == 0.4


def test_a_row_that_is_fitted_otherwise_has_a_fit_of_its_own(tmp_path: Path, fits: list[int]) -> None:
    assert not bench(tmp_path / "a", models=["toy-wide"], seeds=1, n=3, items=2, sweep={"layers": [1, 2]}).failed
    assert fits == [1, 2]


@pytest.mark.parametrize(
    "more",
    [{"n": 4}, {"items": 3}, {"settings": {"spread": 0.2}}, {"metrics": ["toy-best"]}],
    ids=lambda more: min(more),
)
def test_a_cell_that_is_done_again_keeps_its_fit_where_nothing_of_that_has_changed(
    tmp_path: Path, fits: list[int], capsys: pytest.CaptureFixture[str], more: dict[str, Any]
) -> None:
    given: dict[str, Any] = {"models": ["toy-wide"], "seeds": 1, "n": 3, "items": 2}
    first = bench(tmp_path / "a", **given)
    again = bench(tmp_path / "a", **{**given, **more, "progress": True})
    assert (first.failed, again.failed, again.reused, fits) == ([], [], 0, [2])
    assert "done again, with the fit that is there, because" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "a/cells/toy-shade").iterdir()} == {"toy-wide-s0"}
    bench(tmp_path / "a", **{**given, **more, "settings": {"layers": 3}})
    assert fits == [2, 3]


def test_a_fit_that_cannot_be_taken_is_made(tmp_path: Path, fits: list[int]) -> None:
    given: dict[str, Any] = {"models": ["toy-wide"], "seeds": 1, "n": 3, "items": 2}
    bench(tmp_path / "a", **given)
    (tmp_path / "a/cells/toy-shade/toy-wide-s0/checkpoint/model.safetensors").write_bytes(b"no weights")
    assert not bench(tmp_path / "a", **{**given, "n": 4}).failed
    assert fits == [2, 2]


def test_a_bench_that_was_killed_between_goes_on_with_the_fit(tmp_path: Path, fits: list[int]) -> None:
    given: dict[str, Any] = {"models": ["toy-wide"], "seeds": 1, "n": 3, "items": 2}
    bench(tmp_path / "a", **given)
    cell = tmp_path / "a/cells/toy-shade/toy-wide-s0"
    cell.rename(cell.with_name("toy-wide-s0.before"))
    assert not bench(tmp_path / "a", **{**given, "n": 4}).failed
    assert fits == [2]
    assert not cell.with_name("toy-wide-s0.before").exists()
