"""Settings chosen on a part of the training pairs, the same seconds for all, and what of it goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from toybenches import bench

import zoo
from zoo import Pairs, ZooError
from zoo.data.holding import apart
from zoo.fitting import steps

pytestmark = pytest.mark.usefixtures("toys", "no_figures")


@pytest.fixture(scope="module")
def tuned(toys: None, tmp_path_factory: pytest.TempPathFactory) -> zoo.BenchResult:
    return again(tmp_path_factory.mktemp("tuned") / "out")


def again(out: Path, **more: object) -> zoo.BenchResult:
    return bench(out, models=["random", "weak"], seeds=2, n=3, **{"tune": 4, "fair": 5.0, "tune_by": "toy-best", **more})


def stamps(out: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(out.rglob("*/*.json")) if path.parent != out}


def test_each_model_has_the_settings_that_are_best_on_held_out_training_pairs(tuned: zoo.BenchResult) -> None:
    trials = tuned.bench["trials"]
    assert [(trial["model"], trial["seed"], trial["number"]) for trial in trials] == [("weak", 0, i) for i in range(4)], (
        "random has no settings, and both seeds have the same training pairs"
    )
    assert trials[0]["settings"] == {}, "the model as it is"
    assert len({json.dumps(trial["settings"], sort_keys=True) for trial in trials}) == 4
    best = min(trials, key=lambda trial: trial["score"]["value"])
    assert [trial["chosen"] for trial in trials] == [trial is best for trial in trials]
    for cell in tuned.bench["cells"]:
        assert cell["chosen"] == (best["settings"] if cell["model"] == "weak" else {})
        assert cell["chosen"].items() <= cell["config"]["model"].items()
    record = json.loads((tuned.out / trials[0]["folder"] / "trial.json").read_text())
    assert (record["items"], list(record["metrics"])) == ({"fit": 10, "held_out": 2}, ["toy-best@3"])
    assert record["request"]["digests"].keys() == {"train"}, "the test items decide nothing"
    assert {"fair": 5.0, "tune": 4}.items() <= tuned.bench.items()
    assert "--fair 5.0 --tune 4 --tune-by toy-best" in tuned.bench["command"]


def test_what_is_done_is_not_done_again(tuned: zoo.BenchResult, toys: None) -> None:
    before = stamps(tuned.out)
    assert again(tuned.out).bench["cells"] == tuned.bench["cells"]
    assert stamps(tuned.out) == before
    folder = tuned.out / tuned.bench["trials"][2]["folder"]
    old = json.loads((folder / "trial.json").read_text())
    (folder / "trial.json").write_text("{}")
    assert again(tuned.out).reused == 4
    changed = {path for path, stamp in stamps(tuned.out).items() if before[path] != stamp}
    assert changed == {str(folder / "trial.json")}
    assert json.loads((folder / "trial.json").read_text())["metrics"] == old["metrics"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tune": -1}, "tune is -1"),
        ({"fair": 0.0}, "fair is 0.0"),
        ({"tune": 0}, "say among how many"),
        ({"tune_by": "toy-bets"}, "did you mean 'toy-best'"),
        ({"settings": {"training.steps": 3}}, "leave out training.steps"),
    ],
)
def test_a_wrong_request_is_refused(tmp_path: Path, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(zoo.RequestError, match=message):
        again(tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


def test_a_model_of_steps_has_as_many_as_its_seconds_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of which each look takes a millisecond."""
    now = iter(range(10**9))
    monkeypatch.setattr(steps.Clock, "_now", lambda clock: next(now) / 1000)
    own = {"width": 4, "task.size": 8}
    given = {"models": ["l1"], "seeds": 1, "n": 3, "settings": own}
    (cell,) = bench(tmp_path / "a", fair=0.02, **given).bench["cells"]
    assert cell["status"] == "done"
    assert "training.steps=" in cell["command"]
    assert cell["pairs"] == 12 * cell["steps"]
    (same,) = bench(tmp_path / "b", **given | {"settings": own | {"training.steps": cell["steps"]}}).bench["cells"]
    assert same["metrics"] == cell["metrics"]


def test_held_out_pairs_share_no_group_with_the_others() -> None:
    names = [f"video {i % 7}" for i in range(50)]
    pairs = Pairs(torch.arange(50.0)[:, None], torch.zeros(50, 1), groups=names)
    for seed in range(3):
        rest, held = apart(pairs, 0.2, seed, "")
        assert not {*rest.groups} & {*held.groups}
        assert sorted([*rest.x[:, 0].tolist(), *held.x[:, 0].tolist()]) == list(range(50))
        assert 5 < len(held) < 16
    with pytest.raises(ZooError, match="tune 0 times"):
        apart(Pairs(pairs.x, pairs.y, groups=["one"] * 50), 0.2, 0, "tune 0 times")
    uneven = Pairs(pairs.x, pairs.y, groups=["long"] * 40 + list("aabbccddee"))
    assert {len(apart(uneven, 0.2, seed, "")[1]) for seed in range(9)} == {10}, "four fifths of the pairs were held out"
