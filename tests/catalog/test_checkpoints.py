"""Checkpoint names: found, checked, and refused with the file and the key that are wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from installed import distribution

from zoo import registry
from zoo.catalog import checkpoints, suites
from zoo.catalog.recommended import another, meant
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import sha256_of

SHA = "0" * 64
PUBLISHED = "paper = 'p'\nsource = 's'\ndata = 'd'\ntask = 't'\nmodel = 'm'\nn = 1\nmetrics = { nll = 1.0 }\n"

pytestmark = pytest.mark.usefixtures("toy_plugin")


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "registry.toml"))
    return tmp_path / "registry.toml"


def entry(name: str, source: str, sha256: str = SHA) -> str:
    return f'[checkpoints."{name}"]\nmodel = "toy"\ntask = "toy-shade"\nsource = "{source}"\nsha256 = "{sha256}"\n'


def test_the_paper_is_on_record() -> None:
    relight = {one.model: one for one in suites.published("relight") if "error_of_best@3" in one.metrics}
    assert relight["nn"].metrics["error_of_best@3"] == 0.0304
    assert relight["cdvae-mdn12"].metrics["variance"] == 0.0174
    assert relight["cdvae-gauss"].metrics["error_of_best@100"] == 0.0116
    assert len(relight) == 9
    resaturate = {one.model: one.metrics for one in suites.published("resaturate") if one.source == "Table 3"}
    assert resaturate["cgan"]["error_of_best@10"] == 0.062
    nll = {one.model: one.metrics["nll"] for one in suites.published("resaturate") if "nll" in one.metrics}
    assert nll == {"cdvae-shallow": 1593, "cdvae-gauss": 1284, "cdvae-mdn4": 1105, "cdvae-mdn12": 1078}
    for one in [*relight.values()]:
        best = [one.metrics[f"error_of_best@{n}"] for n in (3, 10, 30, 60, 100)]
        assert best == sorted(best, reverse=True), "more samples never do worse"


def test_a_user_and_a_plugin_add_names(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    user.write_text("schema = 1\n" + entry("mine/one", "dir:weights"))
    known = checkpoints.known()
    assert known.named["mine/one"][0].owner == "the user"
    assert known.named["toy/hub"][0].owner == "toy-zoo"
    assert not known.broken
    with pytest.raises(RequestError, match="did you mean 'mine/one'"):
        checkpoints.find("mine/on")
    with pytest.raises(ZooError, match="hf:toys/toy@main is not in the cache, and HF_HUB_OFFLINE is set") as caught:
        checkpoints.folder_of(checkpoints.find("toy/hub"))
    assert caught.value.exit_code == 1


def test_weights_are_checked_against_their_sha256(user: Path) -> None:
    weights = user.parent / "weights" / "model.safetensors"
    user.write_text("schema = 1\n" + entry("mine/one", "dir:weights"))
    with pytest.raises(RequestError, match="is missing"):
        checkpoints.folder_of(checkpoints.find("mine/one"))
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    with pytest.raises(RequestError, match="sha256"):
        checkpoints.folder_of(checkpoints.find("mine/one"))
    user.write_text("schema = 1\n" + entry("mine/one", "dir:weights", sha256_of(weights).upper()) + "\n")
    assert checkpoints.folder_of(checkpoints.find("mine/one")) == weights.parent


def test_a_name_of_the_package_cannot_be_taken(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user.write_text("schema = 1\n" + entry("mine/one", "dir:weights"))
    monkeypatch.setattr(checkpoints, "_own", lambda: list(checkpoints._read(user, registry.OWN)))
    with pytest.raises(RequestError, match="package's own"):
        checkpoints.known()


def test_two_plugins_with_one_name_are_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = "[zoo.checkpoints]\nother = other_weights\nlost = nowhere_at_all\n"
    text = "schema = 1\n" + entry("toy/hub", "dir:x") + entry("other/good", "dir:x")
    distribution(tmp_path, "other", points, {"other_weights/registry.toml": text}, version="2.0")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.forget()
    with pytest.raises(RequestError, match="other and toy-zoo"):
        checkpoints.find("toy/hub")
    assert checkpoints.find("other/good").model == "toy"
    assert "nowhere_at_all" in checkpoints.known().broken["other 2.0"]
    monkeypatch.setenv("ZOO_PLUGINS", "")
    assert not {"toy/hub", "other/good"} & checkpoints.known().named.keys()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema = 2", "upgrade cond-zoo"),
        ("", "lacks 'schema'"),
        ("schema = 0", "schema is 0; it must be 1"),
        ("schema = 1\nmore = 2", "unknown key 'more'"),
        ("schema = 1\n[checkpoints", "cannot be read as TOML"),
        ("schema = 1\n" + entry("One", "dir:x"), "family/task"),
        ("schema = 1\n" + entry("a/b", "dir:x", "12ab"), "64 hexadecimal"),
        ("schema = 1\n" + entry("a/b", "package:../secret"), "package:DIR, dir:PATH or hf:"),
        ("schema = 1\n" + entry("a/b", "package:/etc"), "package:DIR"),
        ("schema = 1\n" + entry("a/b", "hf:org/repo"), "hf:ORG/REPO@REVISION"),
        ("schema = 1\n" + entry("a/b", "https://x"), "source is"),
        ("schema = 1\n" + entry("a/b", "dir:x") + "license = 'MIT'", "did you mean 'licence'"),
        ("schema = 1\n" + entry("a/b", "dir:x") + "scores = { nll = 'low' }", "must be a number"),
        ("schema = 1\n" + entry("a/b", "dir:x").replace('"toy"', "3"), "checkpoints 'a/b' model is 3; it must be text"),
        ("schema = 1\n[checkpoints.\"a/b\"]\nmodel = 'toy'", "lacks 'task'"),
        ("schema = 1\n" + entry("a/b", "dir:x") + "scores = { nll = inf }", "scores 'nll' is inf; it must be a number"),
        ("schema = 1\ncheckpoints = 3", "checkpoints is 3; it must be a table of keys and values"),
        ("schema = 1\n[suites.mine]", "suites/NAME.toml"),
        ("schema = 1\n[[published]]\npaper = 'p'", "zoo.suites"),
        ("schema = 1\na = " + "[" * 100_000, "nested too deeply"),
        ("schema = 1\n#" + " " * 1_000_000, "at most 1,000,000"),
    ],
)
def test_a_wrong_file_is_answered_with_what_is_wrong(user: Path, text: str, message: str) -> None:
    user.write_text(text)
    with pytest.raises(RequestError, match=re.escape(message)) as caught:
        checkpoints.known()
    assert str(user) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_line_of_a_mistake_is_named(user: Path) -> None:
    good = "schema = 1\n\n# ours\n" + entry("a/b", "dir:x")
    cases = {
        "sise = 3": (9, "unknown key 'sise'"),
        'scores = { "nll" = "low" }': (9, "scores 'nll'"),
        'scores.nll = "low"': (9, "scores 'nll'"),
        '[checkpoints."a/b".scores]\nvariance = 1\nnll = "low"': (11, "scores 'nll'"),
        '[checkpoints."e/f"]\nmodel = """\nm"""\ntask = "t"\nsource = "https://x"\nsha256 = "' + SHA + '"': (13, "source is"),
        "[checkpoints.\"c/d\"]\nmodel = 'm'": (9, "lacks 'task'"),
        "x = = 3": (9, "cannot be read as TOML"),
    }
    of_suites = {
        "models = [\n  'nn',\n  3,\n]": (3, "models entry 2"),
        "[quick]\nseed = 1": (4, "unknown key 'seed'"),
        "[[published]]\n" + PUBLISHED + "[[published]]\n" + PUBLISHED.replace("n = 1", "n = 'one'"): (17, "published entry 2"),
    }
    suite = user.parent / "suites" / "mine.toml"
    suite.parent.mkdir()
    for path, look, begin, mistakes in (
        (user, checkpoints.known, good, cases),
        (suite, suites.known, "schema = 1\ntitle = 'a'\n", of_suites),
    ):
        for text, (line, message) in mistakes.items():
            path.write_text(begin + text + "\n")
            with pytest.raises(RequestError) as caught:
                look()
            said = str(caught.value)
            assert said.startswith(f"{path}:{line}:") or f"line {line}," in said, said
            assert message in said


def test_a_named_registry_that_is_absent_is_an_error(user: Path) -> None:
    with pytest.raises(RequestError, match="cannot read"):
        checkpoints.known()


def test_a_task_alone_means_its_recommended_checkpoint(user: Path) -> None:
    user.write_text("schema = 1\n")
    assert (meant("relight"), meant("resaturate"), meant("dir:relight")) == ("flow/relight", "flow/resaturate", "dir:relight")
    with pytest.raises(RequestError, match="'translate' has no checkpoint; make one with zoo run --model flow --task tr"):
        meant("translate")
    with pytest.raises(RequestError, match="zoo run --model flow --task denoise3d --out runs/denoise3d and then"):
        meant("denoise3d")
    own = [entry(f"mine/{i}", "dir:weights").replace('"toy-shade"', '"relight"') for i in (1, 2)]
    user.write_text("schema = 1\n" + "".join(own) + "recommended = true\n")
    assert meant("relight") == "mine/2", "the user's own before the package's"
    user.write_text("schema = 1\n" + "".join(own).replace("relight", "denoise3d"))
    with pytest.raises(RequestError, match="'denoise3d' has several checkpoints, name one: mine/1, mine/2"):
        meant("denoise3d")
    user.write_text("schema = 1\n" + "".join(own).replace("relight", "denoise3d") + "note = 'to measure'\n")
    assert meant("denoise3d") == "mine/1"


def test_a_run_of_one_model_is_told_of_a_better_one(user: Path) -> None:
    own = entry("mine/1", "dir:weights").replace('"toy-shade"', '"denoise3d"') + "recommended = true\n"
    user.write_text("schema = 1\n" + own)
    assert not another("denoise3d", "nn"), "in what it is better is not said"
    user.write_text("schema = 1\n" + own + 'why = "it is sharp"\n')
    best = checkpoints.known().named["mine/1"][0].model
    wanted = f"{best} does better on denoise3d, it is sharp: zoo run --model {best} --task denoise3d"
    assert another("denoise3d", "other") == wanted
    assert not another("denoise3d", best)


def test_of_the_package_one_is_recommended_for_each_task_and_some_are_to_measure() -> None:
    own = [one for (one,) in checkpoints.known().named.values() if one.owner == registry.OWN]
    assert {(one.task, one.name) for one in own if one.recommended} == {
        (task, f"flow/{task}") for task in ("relight", "resaturate", "colorize", "motion")
    }
    measuring = {one.name for one in own if one.note.startswith("for measurement only")}
    assert {name.split("/")[0] for name in measuring} == {"cgan", "cpixel"}
    assert {one.name for one in own if one.note} - measuring == {"flow/complete", "flow/attributes"}
    for one in own:
        assert (checkpoints.folder_of(one) / "README.md").read_text().count("For measurement only") == (one.name in measuring)
