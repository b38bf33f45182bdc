"""Settings searched by Optuna: on held-out training pairs alone, as many fits for each model, on from where it was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.searching import space
from zoo.searching.study import Study
from zoo.searching.tunes import TuneRequest
from zoo.utils.errors import RequestError, ZooError

ASKED: dict[str, Any] = {"n": 3, "by": "toy-best", "workers": 0, "device": "cpu", "progress": False, "seconds": 5.0}
pytestmark = pytest.mark.usefixtures("toys")


def search(out: Path, models: str = "weak", **more: Any) -> zoo.TuneResult:
    return zoo.tune(models, "toy-shade", "toy-photos", out=out, **{**ASKED, "fits": 2, **more})


@pytest.fixture(scope="module")
def found(toys: None, tmp_path_factory: pytest.TempPathFactory) -> zoo.TuneResult:
    pytest.importorskip("optuna", reason="optuna is not installed: pip install -e '.[dev]'")
    import toy_zoo

    with pytest.MonkeyPatch.context() as patch:
        read = toy_zoo.Photos.read

        def training_alone(self: Any, split: str, *, seed: int = 0) -> Any:
            assert split == "train", "test items were read"
            return read(self, split, seed=seed)

        patch.setattr(toy_zoo.Photos, "read", training_alone)
        return search(tmp_path_factory.mktemp("found") / "out", "weak,random")


def test_each_model_has_its_fits_and_its_best_settings_as_words(found: zoo.TuneResult) -> None:
    trials = found.tune["trials"]
    own = [trial for trial in trials if trial["model"] == "weak"]
    assert len(own) == 2
    assert [trial["value"] for trial in own] == sorted(trial["value"] for trial in own)
    first = next(trial for trial in own if trial["number"] == 0)
    assert first["words"] == "spread=0.1 layers=1", "the model as it is"
    assert len({trial["words"] for trial in own}) == 2
    assert [trial["words"] for trial in trials if trial["model"] == "random"] == [""], "it has no settings"
    best = {key: value for key, value in own[0]["settings"].items() if (key, value) not in (("spread", 0.1), ("layers", 1))}
    assert found.best == {"weak": best, "random": {}}
    assert found.commands["weak"].startswith("zoo run --model weak --task toy-shade --data toy-photos")
    assert all(f"--set {key}={value}" in found.commands["weak"] for key, value in best.items())
    assert repr(found) == f"TuneResult({str(found.out)!r}: 3 fits of weak, random)"
    assert found.commands["weak"] in (found.out / "tune.md").read_text()


def test_a_search_goes_on_and_another_one_is_refused(found: zoo.TuneResult) -> None:
    before = {path: path.stat().st_mtime_ns for path in found.out.rglob("trial.json")}
    again = search(found.out, "weak,random", fits=3)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())
    assert len([trial for trial in again.tune["trials"] if trial["model"] == "weak"]) == 3
    alone = search(found.out.with_name("alone"), fits=3)
    words = [[one["words"] for one in each.tune["trials"] if one["model"] == "weak"] for each in (again, alone)]
    assert words[0] == words[1], "what is asked for does not hang on when it was stopped"
    with pytest.raises(RequestError, match="holds another search: seconds was"):
        search(found.out, seconds=6.0)


def test_a_fit_that_fails_costs_no_other(weak: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="optuna is not installed: pip install -e '.[dev]'")
    weak.write_text("fail")
    lost = search(tmp_path / "a", fits=1)
    assert [trial["reason"] for trial in lost.tune["trials"]] == ["the weak model diverged"]
    assert lost.best == {}


def test_what_is_searched_are_values_and_ranges() -> None:
    over = space.checked({"spread": "0.01..0.5", "weak.layers": [1, "2"], "random.spread": [1]})
    found, usual = space.space_of("weak", (), over)
    assert found == {"spread": space.Range(0.01, 0.5), "layers": [1, 2]}
    assert (found["spread"].log, usual) == (True, {"spread": 0.1, "layers": 1})
    assert space.space_of("weak", ("spread",), {})[0] == {"layers": [1, 2]}
    assert space.space_of("weak", (), {"weak.spread": [0.3], "spread": [0.1]})[0]["spread"] == [0.3], "of this model alone"
    for wrong in ({"spread": "1..0"}, {"spread": "a..b"}, {"spread": []}):
        with pytest.raises(RequestError, match="over spread is"):
            space.checked(wrong)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"over": {"spreat": [1]}}, "none of the models has a setting 'spreat'"),
        ({"over": {"spread": ["wide"]}}, "it must be a finite number"),
        ({"settings": {"training.steps": 3}}, "leave out training.steps"),
        ({"settings": {"spread": 0.1}, "over": {"spread": [0.2]}}, "spread is set and searched over"),
        ({"settings": {"weak.spread": 0.1}, "over": {"spread": [0.2]}}, "spread is set for weak, and searched over"),
        ({"settings": {"spread": 0.1}, "over": {"weak.spread": [0.2]}}, "weak.spread is set for weak, and searched over"),
        ({"seconds": 0}, "they must be a number above 0"),
        ({"by": "variance"}, "of which neither way is better"),
        ({"models": "wek"}, "did you mean 'weak'"),
    ],
)
def test_a_wrong_search_is_refused(tmp_path: Path, more: dict[str, Any], says: str) -> None:
    pytest.importorskip("optuna", reason="optuna is not installed: pip install -e '.[dev]'")
    with pytest.raises(RequestError, match=says):
        search(tmp_path / "a", **more)
    assert not (tmp_path / "a").exists()


def test_a_file_system_without_links_has_a_journal_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("optuna", reason="optuna is not installed: pip install -e '.[dev]'")

    def refused(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.symlink", refused)
    study = Study(tmp_path / "a.journal", "a", {"spread": [0.1]}, {"spread": 0.1}, 0)
    assert study.ask() == (0, {"spread": 0.1})
    study.tell(0, 1.0)
    assert Study(tmp_path / "a.journal", "a", {"spread": [0.1]}, {"spread": 0.1}, 0).asked == [(0, {"spread": 0.1}, True)]


def test_without_optuna_one_line_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(ZooError, match=r"zoo tune needs optuna \(pip install 'cond-zoo\[tune\]'\)"):
        search(tmp_path / "a")


def test_a_search_is_one_command() -> None:
    request = TuneRequest(("weak",), "toy-shade", over={"spread": "0.1..0.5", "layers": [1, 2]}, settings={"a": None}, n=5)
    words = "zoo tune --models weak --task toy-shade --over spread=0.1..0.5 --over layers=1,2 --set a=none -n 5"
    assert sorted(request.command().split()) == sorted(words.split())
