"""Suites in registry files: the package's, a user's, a plugin's; strictly read."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from calls import call_here
from installed import distribution
from PIL import Image

import zoo
from zoo import registry
from zoo.benching.layout import Settings, plan_cells
from zoo.benching.plan import BenchRequest, resolve
from zoo.catalog import suites
from zoo.utils.errors import RequestError

pytestmark = pytest.mark.usefixtures("toy_plugin")


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own suite ``mine``, not yet written."""
    (tmp_path / "suites").mkdir()
    (tmp_path / "registry.toml").write_text("schema = 1\n")
    monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "registry.toml"))
    return tmp_path / "suites" / "mine.toml"


def test_the_papers_suite() -> None:
    suite = suites.find("cdvae-paper")
    cdvae = [f"cdvae-{tie}" for tie in ("shallow", "noemb", "gauss", "mdn4", "mdn12")]
    assert suite.models == ("random", "nn", "cvae", "cvae-residual", "cgan", "cpixel", *cdvae)
    assert list(suite.tasks) == ["relight", "resaturate", "motion"]
    assert (suite.seeds, suite.n, suite.items, suite.data) == (3, 100, 200, "scenes")
    judging = ("spread_skill", "miscoverage", "rank_histogram")
    assert suite.measured == ("energy_score", "excess_energy", "error_of_best", "variance", *judging, "nll")
    assert (suite.quick.seeds, suite.quick.n, suite.quick.items) == (1, 20, 50)
    for kind, names in (("models", suite.models), ("tasks", suite.tasks), ("metrics", suite.measured)):
        assert set(names) <= set(registry.names(kind))
    assert {kind for kinds in suite.tasks.values() for kind in kinds} <= set(registry.names("data"))


def test_a_user_adds_a_suite_with_what_it_leaves_out(user: Path) -> None:
    user.write_text('schema = 1\ntitle = "Mine"\ntasks = { toy-shade = [] }\nsettings = { layers = 2 }\n')
    suite = suites.find("mine")
    assert (suite.models, suite.metrics, suite.measured, suite.items, suite.scatter) == ((), (), None, None, None)
    assert (suite.seeds, suite.n, suite.owner, suite.settings) == (1, 100, "the user", {"layers": 2})
    with pytest.raises(RequestError, match="did you mean 'mine'"):
        suites.find("mne")
    lines = call_here("list", "suites").out.splitlines()
    assert ["mine", "as", "named", "toy-shade", "Mine", "the", "user"] in [line.split() for line in lines]
    assert "toy-shade (data: every kind)" in call_here("show", "mine").out
    out = call_here("show", "cdvae-paper").out
    for word in ("random, nn, cvae", "motion (data: video, scenes)", "seeds=1, n=20, items=50, training.steps=60"):
        assert word in out


@pytest.mark.parametrize(("name", "message"), [("cdvae-paper", "package's own"), ("My Suite", "lower-case letters")])
def test_a_suites_name_is_one_word_of_its_own(user: Path, name: str, message: str) -> None:
    user.with_stem(name).write_text('schema = 1\ntitle = "Mine"\n')
    with pytest.raises(RequestError, match=message):
        suites.known()


def test_two_plugins_with_one_name_are_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        brings = ("same", name, "plain", f"lost-{name}")
        points = "".join(f"{suite} = {name}_suites\n" for suite in brings)
        files = {f"{name}_suites/{suite}.toml": 'schema = 1\ntitle = "S"\n' for suite in brings[:3]}
        distribution(tmp_path, name, f"[zoo.suites]\n{points}", files)
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.forget()
    with pytest.raises(RequestError, match="one and two; uninstall one"):
        suites.find("same")
    assert suites.find("two").owner == "two"
    assert suites.find("plain").owner == registry.OWN
    assert re.search(r"the suites of one 1\.0 are broken: cannot read .*lost-one\.toml", suites.known().broken["one 1.0"])
    monkeypatch.setenv("ZOO_PLUGINS", "")
    assert not {"same", "one"} & suites.known().named.keys()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks 'title'"),
        ("title = 'a'\nmodel = ['nn']", "unknown key 'model': did you mean 'models'"),
        ("title = 'a'\nmodels = 'nn'", "models is 'nn'; it must be a list"),
        ("title = 'a'\nmodels = ['nn', 'nn']", "has 'nn' twice"),
        ("title = 'a'\ntasks = ['relight']", "tasks is ['relight']; it must be a table"),
        ("title = 'a'\ntasks = { relight = 'scenes' }", "tasks 'relight' is 'scenes'; it must be a list"),
        ("title = 'a'\nseeds = 0", "seeds is 0; it must be a whole number, at least 1"),
        ("title = 'a'\nn = 1.5", "n is 1.5; it must be a whole number"),
        ("title = 'a'\nitems = true", "items is True; it must be a whole number"),
        ("title = 'a'\nscatter = { x = 'v' }", "scatter lacks 'y'"),
        ("title = 'a'\nquick = { seed = 1 }", "quick has the unknown key 'seed': did you mean 'seeds'"),
        ("title = 'a'\nquick = { n = 0 }", "quick n is 0"),
        ("title = 'a'\nsettings = { training.steps = 6 }", "with the quotes"),
    ],
)
def test_a_wrong_suite_is_answered_with_what_is_wrong(user: Path, text: str, message: str) -> None:
    user.write_text(f"schema = 1\n{text}\n")
    with pytest.raises(RequestError, match=re.escape(message)) as caught:
        suites.known()
    assert re.match(rf"{re.escape(str(user))}(:\d)?:? ", str(caught.value))
    assert "\n" not in str(caught.value)


def test_a_model_of_a_suite_that_is_not_made_for_the_fields_is_left_out(user: Path, tmp_path: Path) -> None:
    user.write_text(
        'schema = 1\ntitle = "Mine"\nmodels = ["random", "cgml"]\nmetrics = ["toy-best"]\nn = 3\nitems = 2\n'
        'tasks = { toy-shade = ["toy-photos"] }\ndata = "toy-photos"\nsettings = { "toy-shade.size" = 2 }\n'
    )
    result = zoo.bench("mine", workers=0, out=tmp_path / "out", progress=False, references=False)
    assert result.failed == []
    (left,) = result.bench["left_out"]
    assert (left["task"], left["model"]) == ("toy-shade", "cgml")
    assert "square fields" in left["reason"]
    text = (tmp_path / "out" / "bench.md").read_text()
    assert ["| random |" in text.replace("**", ""), "| cgml" in text, "cgml is left out: " in text] == [True, False, True]
    with pytest.raises(RequestError, match="square fields"):
        zoo.bench("mine", models=["random", "cgml"], workers=0, out=tmp_path / "named", progress=False)


def test_settings_may_be_of_one_task(user: Path, tmp_path: Path) -> None:
    user.write_text('schema = 1\ntitle = "Mine"\nmodels = ["random"]\ntasks = { toy-shade = [], relight = [] }\n')
    settings = {"toy-shade.size": 2, "task.size": 16}
    given = BenchRequest(
        "mine", references=False, seeds=1, n=3, items=2, device="cpu", settings=settings, out=str(tmp_path / "out")
    )
    plan = resolve(given)
    plan_cells(plan)
    assert {cell.task: cell.numbers["task_config"]["size"] for cell in plan.cells} == {"toy-shade": 2, "relight": 16}
    asked = Settings({"task.size": 3, "relight.size": 2}, ["task.size"])
    assert asked.of("random", "relight", {}) == {"task.size": 3}, "the suite's for one task is not what was asked for"
    assert asked.of("random", "relight", {"task.size": 5}) == {"task.size": 5}, "that is what the row is called"
    both = {"toy-wide.spread": 0.1, "spread": 0.2}
    for given_in in (both, dict(reversed(both.items()))):
        assert Settings(given_in, both).of("toy-wide", "relight", {}) == {"spread": 0.1}
    with pytest.raises(RequestError, match="sise"):
        plan_cells(resolve(replace(given, settings={"toy-shade.sise": 2})))


def test_a_task_takes_what_its_data_decides(tmp_path: Path) -> None:
    """The names of the attributes, which are no setting of the command, are those of the data in every cell."""
    for i, path in enumerate(f"{split}/{name}" for split in ("train", "test") for name in ("cat", "dog")):
        (tmp_path / path).mkdir(parents=True)
        for j in range(2):
            Image.new("RGB", (24, 24), (60 * j, 40 * i, 200)).save(tmp_path / path / f"{j}.png")
    result = zoo.bench(
        models=["random"], tasks=["attributes"], data=f"folder:{tmp_path}", seeds=1, n=2, items=2, workers=0,
        out=tmp_path / "out", settings={"task.size": 16}, progress=False, references=False,
    )  # fmt: skip
    assert result.failed == []
    (cell,) = result.bench["cells"]
    assert list(cell["config"]["task"]["names"]) == ["cat", "dog"]
