"""The registry: other people's packages, broken ones among them, cost nobody else anything."""

from __future__ import annotations

import importlib.metadata
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import installed
import pytest

from zoo import registry
from zoo.contracts import make
from zoo.utils.errors import RequestError, ZooError


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path for made-up distributions."""
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.forget()
    yield tmp_path
    registry.forget()


def distribution(site: Path, name: str, points: str, code: str = "", requires: Sequence[str] = ()) -> None:
    """A distribution ``name`` with entry points ``points`` in zoo.models and a module of its name."""
    installed.distribution(site, name, f"[zoo.models]\n{points}\n", {f"{name}.py": code}, requires=requires)


def test_ours_are_registered_like_anybody_elses() -> None:
    assert {"cdvae-mdn12", "cdvae-mdn4", "cdvae-noemb", "nn"} <= set(registry.names("models"))
    assert {"relight", "resaturate"} <= set(registry.names("tasks"))
    assert {"error_of_best", "variance", "energy_score", "nll"} <= set(registry.names("metrics"))
    assert {"scenes", "folder", "coco"} <= set(registry.names("data"))
    for kind in registry.GROUPS:
        if kind not in ("checkpoints", "suites"):
            for name in registry.names(kind):
                registry.load(kind, name)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("", "AttributeError"),
    ],
)
def test_a_broken_package_is_named_and_the_others_work(site: Path, code: str, says: str) -> None:
    distribution(site, "zoo_sick", "sick = zoo_sick:Model", code)
    with pytest.raises(ZooError, match=r"model .sick. of zoo_sick 1\.0 is broken") as error:
        registry.load("models", "sick")
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    registry.load("models", "nn")


MADE = "import sys, zoo\nclass Model(zoo.Model):\n    def __init__(self, x{}):\n        {}"
NAMES = ["name", "self", "kind", "x_shape", "y_shape", "model", "args", "config", "__class__", "a b", ""]


@pytest.mark.parametrize(
    ("code", "where"),
    [
        (MADE.format(", y, **config", "len.weight"), ":4 in __init__)"),
        (MADE.format(", y, **config", "sys.exit()"), ":4 in __init__)"),
        (MADE.format("", "pass"), ":3 in __init__)"),
        ("1\n1/0", ":2 in <module>)"),
        ("1\n\ndef", ":3)"),
    ],
)
def test_what_is_broken_is_named_with_file_and_line(site: Path, code: str, where: str) -> None:
    distribution(site, "zoo_ill", "ill = zoo_ill:Model", code)
    with pytest.raises(ZooError, match=r"model .ill. of zoo_ill 1\.0 is broken") as error:
        make.model("ill", (1,), (1,))
    sys.modules.pop("zoo_ill", None)
    assert str(error.value).endswith(f"({site / 'zoo_ill.py'}{where}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_may_be_called_like_a_parameter(name: str) -> None:
    """It is refused as any that there is not, before it becomes an argument of anything."""
    for kind, thing in (("models", "nn"), ("models", "cdvae-mdn12"), ("tasks", "relight")):
        shapes = ((1, 32, 32), (1, 32, 32)) if kind == "models" else ()
        with pytest.raises(RequestError, match=f"has no setting {name!r}"):
            registry.create(kind, thing, *shapes, **{name: 1})
        with pytest.raises(RequestError, match=f"has no setting {name!r}"):
            getattr(make, kind[:-1])(thing, *shapes, **{name: 1})


def test_two_packages_with_one_name_are_both_named(site: Path) -> None:
    for name in ("zoo_one", "zoo_two"):
        distribution(site, name, f"same = {name}:Model", "Model = int")
    with pytest.raises(RequestError, match=r"zoo_one 1\.0 and zoo_two 1\.0; uninstall one"):
        registry.entry("models", "same")
    said = [registry.clash(claim) for claim in registry.entries("models")["same"]]
    assert sorted(said) == [f"unusable: two packages bring it, and one is {name} 1.0" for name in ("zoo_one", "zoo_two")]


def test_ours_cannot_be_shadowed(site: Path) -> None:
    distribution(site, "zoo_thief", "nn = zoo_thief:Model", "Model = int")
    assert registry.entry("models", "nn").distribution == registry.OWN


def test_others_can_be_turned_off(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(site, "zoo_extra", "extra = zoo_extra:Model")
    assert "extra" in registry.names("models")
    monkeypatch.setenv("ZOO_PLUGINS", "")
    assert "extra" not in registry.names("models")
    assert "nn" in registry.names("models")


def test_a_wrong_name_is_answered_with_the_near_ones() -> None:
    with pytest.raises(RequestError, match="no model is called 'cdvae-mdn21': did you mean 'cdvae-mdn12'"):
        registry.entry("models", "cdvae-mdn21")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("zoo_odd", "it must be module:object"),
        ("zoo_odd:", "it must be module:object"),
        ("zoo odd:Model", "it must be module:object"),
        ("zoo_no_such_module.inner:Model", "there is no module 'zoo_no_such_module'"),
        ("zoo_odd:Model", ""),
        ("zoo_odd.inner : Model.deep [extra]", ""),
    ],
)
def test_what_metadata_shows_is_told_without_an_import(site: Path, value: str, says: str) -> None:
    distribution(site, "zoo_odd", f"odd = {value}", "raise SystemExit('imported')")
    entry = registry.entry("models", "odd")
    assert says in registry.trouble(entry)
    assert bool(says) == bool(registry.trouble(entry))
    assert "zoo_odd" not in sys.modules


@pytest.mark.parametrize("name", ["a/b", "../x", "..", ".x", "a\\b", "a:b", "-x", "a b", "a\tb", "x" * 101])
def test_a_name_that_would_be_no_folders_is_refused(name: str) -> None:
    entry = registry.Entry("models", name, "json:loads", "other", "1")
    with pytest.raises(ZooError, match="is broken: its name must be letters"):
        entry.load()
    assert registry.trouble(entry._replace(name="näme-1.2_x+y")) == ""


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("METADATA", b"", "METADATA has no Name"),
        ("METADATA", b"Name: zoo_bad\n\nVersion: 1.0\n", "METADATA has no Version"),
        ("METADATA", b"Name: zoo_bad\xff\n", "METADATA is no UTF-8 text"),
        ("METADATA", None, "there is no METADATA"),
        ("entry_points.txt", b"[zoo.models]\nbad\n", "has the line 'bad'; it must be NAME = VALUE"),
        ("entry_points.txt", b"[zoo.models]\nbad = \xff\n", "entry_points.txt is no UTF-8 text"),
    ],
)
def test_metadata_that_cannot_be_read_is_named_with_its_folder(
    site: Path, file: str, content: bytes | None, says: str
) -> None:
    distribution(site, "zoo_bad", "bad = zoo_bad:Model")
    path = site / "zoo_bad-1.0.dist-info" / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    (bad,) = (plugin for plugin in registry.plugins() if plugin.name == "zoo_bad")
    assert bad.trouble == f"its metadata in {path.parent} cannot be read: {bad.trouble.partition('read: ')[2]}"
    assert says in bad.trouble
    assert "nn" in registry.names("models")
    assert "bad" not in registry.names("models")


def test_the_same_is_found_as_by_importlib(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where distributions may lie elsewhere than in folders, importlib.metadata is asked; else its files are read here."""
    distribution(site, "zoo_same", "# a comment\nsame = zoo_same:Model [extra]\n; another\nother=zoo_same.deep:Model")

    def points() -> dict[str, set[tuple[str, str, str]]]:
        registry.forget()
        return {plugin.name: set(plugin.points) for plugin in registry.plugins()}

    own = points()
    (site / "empty.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    monkeypatch.syspath_prepend(str(site / "empty.zip"))
    assert points() == own
    assert {("zoo.models", "same", "zoo_same:Model [extra]"), ("zoo.models", "other", "zoo_same.deep:Model")} <= own[
        "zoo_same"
    ]
    by_importlib = {(one.group, one.name, one.value) for one in importlib.metadata.distribution(registry.OWN).entry_points}
    assert own[registry.OWN] == by_importlib


def test_a_print_at_import_leaves_stdout_alone(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    distribution(site, "zoo_chatty", "chatty = zoo_chatty:Model", "print('hello')\nModel = int")
    registry.load("models", "chatty")
    assert capsys.readouterr() == ("", "hello\n")


def test_a_required_distribution_that_is_not_there_is_named(site: Path) -> None:
    from zoo.probing.probe import lacking

    needs = ["torch>=1000", "zoo-no-such-thing>2 ; python_version > '3'", "zoo-nothing; extra == 'dev'", "numpy", "a b c"]
    distribution(site, "zoo_needy", "needy = zoo_needy:Model", requires=needs)
    (needy,) = (plugin for plugin in registry.plugins() if plugin.name == "zoo_needy")
    first, second, third = lacking(needy)
    assert first.startswith("it requires torch>=1000, and ")
    assert second == "it requires zoo-no-such-thing>2, which is not installed"
    assert third == "its requirement 'a b c' cannot be read"


def test_an_outcome_is_kept_until_something_changes(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.probing import outcome

    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    distribution(site, "zoo_kept", "kept = zoo_kept:Model", "Model = int")

    def plugin() -> registry.Installed:
        registry.forget()
        return next(one for one in registry.plugins() if one.name == "zoo_kept")

    sound = {("models", "kept"): outcome.Tried(seconds=0.5, effects=("the environment",))}
    outcome.keep(plugin(), sound)
    assert outcome.kept(plugin()) == sound
    (site / "zoo_kept.py").write_text("Model = float  # longer")
    assert outcome.kept(plugin()) is None
    outcome.keep(plugin(), sound)
    distribution(site, "zoo_neighbour", "neighbour = zoo_neighbour:Model")
    assert outcome.kept(plugin()) is None, "what else is installed may be what was missing"
    broken = {("models", "kept"): outcome.Tried("it is broken")}
    outcome.keep(plugin(), broken)
    assert outcome.kept(plugin()) == broken
    now = time.time()
    monkeypatch.setattr(outcome.time, "time", lambda: now + outcome.AGAIN + 1)
    assert outcome.kept(plugin()) is None, "the cause may have been a passing one"
    (file,) = (tmp_path / "cache" / "plugins").iterdir()
    file.write_text('{"schema": 1')
    assert outcome.kept(plugin()) is None


def test_where_there_is_no_fork_new_processes_try(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.probing.children import Child, Ended

    distribution(site, "zoo_dying", "dying = zoo_dying:Model", "import os\nos._exit(3)")
    with Child("zoo.probing.watch", "alone") as child:
        child.tell({"path": sys.path, "entries": [registry.entry("models", "dying")]})
        assert child.hear(120) == ["models", "dying"]
        with pytest.raises(Ended) as end:
            child.hear(120)
        assert end.value.code == 3
