"""The command line: starts light, answers in one line, and leaves with the right code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from calls import call_here

import zoo.cli
from zoo import registry
from zoo.utils.errors import Terminated

HEAVY = ("torch", "timm", "sklearn", "cv2", "numpy", "rich", "pydantic", "zoo_cdvae", "zoo_tasks", "zoo_metrics", "toy_zoo")
pytestmark = pytest.mark.usefixtures("toy_plugin")


@pytest.fixture
def zoo_() -> Any:
    """The command line in this process: words in; exit code, stdout, stderr out."""

    return lambda *words: call_here(*words)[:3]


@pytest.mark.parametrize(
    "words",
    ["--help", "list", "list models", "list plugins", "run --help", "list -h", "list suites", "bench -h"],
)
def test_help_and_list_import_nothing_heavy(words: str) -> None:
    code = "import sys\nfrom zoo.cli import main\ntry:\n    main()\nfinally:\n"
    code += f"    print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *words.split()], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 100
    # Help of a command with typed options may load what typer checks them with.
    loaded = set(json.loads(done.stderr.replace("'", '"'))) - ({"pydantic"} if words.startswith(("run", "bench")) else set())
    assert not loaded


def test_import_zoo_is_light() -> None:
    code = "import sys, zoo\nassert not {'torch', 'numpy'} & set(sys.modules)\nimport zoo.running.run, zoo.catalog.loaded\n"
    code += "assert callable(zoo.run) and callable(zoo.load) and not hasattr(zoo, 'nothing')"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_list_names_where_everything_comes_from(zoo_: Any) -> None:
    code, out, _ = zoo_("list")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["models", "toy", "toy_zoo:Toy", "toy-zoo", "0.1.0"] in lines
    assert any(line[:2] == ["models", "cdvae-mdn12"] and "cond-zoo" in line for line in lines)
    (hub,) = [line for line in lines if line[:1] == ["toy/hub"]]
    assert hub[:6] == ["toy/hub", "toy-shade", "toy", "hf:toys/toy@main", "-", "no"]
    assert hub[-1] == "toy-zoo"
    (ours,) = [line for line in lines if line[:1] == ["cdvae/relight"]]
    assert ours[4:7] == ["5.2", "MB", "yes"]
    assert [line.split()[1] for line in zoo_("list", "data")[1].splitlines()[1:]] == registry.names("data")
    plugins = zoo_("list", "plugins")[1]
    assert "model toy-wide" in plugins
    assert "checkpoints" in plugins


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("toy-wide", ["toy-zoo 0.1.0", "Draws y around the mean", "spread", "0.4", "set by this preset", "layers"]),
        ("toy-shade", ["The negative of a photo.", "gray", "negative", "toy-photos", "size", "4"]),
        ("toy-best", ["squared error", "lower", "nowhere"]),
        ("toy-density", ["joint_log_prob"]),
        ("toy-photos", ["toy-photos:PATH"]),
        ("training", ["patience", "validations in a row without a better score", "int | None", "the model's", "energy_score"]),
        ("l1", ["all samples of one x are the same. See zoo.Model."]),
        ("toy/hub", ["hf:toys/toy@main", "0000", "toy-shade"]),
    ],
)
def test_show(zoo_: Any, name: str, words: list[str]) -> None:
    code, out, _ = zoo_("show", name)
    assert code == 0
    for word in words:
        assert word in out, word


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["list", "modles"], 2, "did you mean 'models'"),
        (["list", "models", "tasks"], 2, "one kind at a time"),
        (["show", "toy-wid"], 2, "did you mean 'toy-wide'"),
        (["run", "--model", "toy", "--task", "toy-shade", "--set", "spread"], 2, "KEY=VALUE"),
        (["run", "--model", "toy", "--task", "toy-shade", "--data", "toy-photos:missing"], 2, "is no folder"),
        (["bench", "cdvae-papr"], 2, "did you mean 'cdvae-paper'"),
        (["bench"], 2, "name a suite (attribute-paper, cdvae-paper, cgml-paper, toy-paper), or models and tasks"),
        (["sample", "no/such", "x.jpg"], 2, "no checkpoint is called"),
        (["sample", "hf:a/b@c", "x.jpg"], 1, "the Hub cannot be reached"),
        *(
            (words, 2, "task 'denoise3d' has no checkpoint; make one with zoo run --model ")
            for words in (
                ["sample", "denoise3d", "x.jpg"],
                ["run", "--checkpoint", "denoise3d"],
                ["verify", "denoise3d"],
                ["pull", "denoise3d"],
                ["push", "denoise3d", "a/b", "--dry-run"],
            )
        ),
        (["cite", "dir:nowhere"], 2, "there is no folder nowhere; name a checkpoint's folder as dir:PATH"),
    ],
)
def test_a_wrong_request_is_one_line(
    zoo_: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    got, out, err = zoo_(*words)
    assert (got, out) == (code, "")
    assert err.startswith("zoo: ")
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", ["nothing", "run --nothing", "run -n many", "sample", "list --nothing"])
def test_usage_errors_leave_with_2(zoo_: Any, words: str) -> None:
    code, _, err = zoo_(*words.split())
    assert code == 2
    assert "Error" in err
    assert "Traceback" not in err


@pytest.fixture
def lists(zoo_: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``zoo list``, in which something is raised."""
    from zoo.cli import looking

    def call(error: BaseException, *words: str) -> Any:
        def raises(*_: object) -> None:
            try:
                {}["the first cause"]
            except KeyError as first:
                raise error from first

        monkeypatch.setattr(looking, "_entries", raises)
        return zoo_(*words, "list")

    return call


def test_other_failures_are_one_line_too(lists: Any) -> None:
    assert lists(OSError(28, "No space left on device", "/data/x")) == (1, "", "zoo: No space left on device: /data/x\n")
    assert lists(MemoryError()) == (1, "", "zoo: there is not enough memory\n")
    stop = KeyboardInterrupt()
    assert lists(stop) == (130, "", "zoo: stopped\n")
    stop.__notes__ = ["go on with --resume"]  # type: ignore[attr-defined, unused-ignore]
    assert lists(stop) == (130, "", "zoo: stopped; go on with --resume\n")
    assert lists(Terminated()) == (143, "", "zoo: terminated\n")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (AssertionError("a mistake\nof ours"), "AssertionError: a mistake of ours"),
        (RecursionError(), "RecursionError: it is nested too deeply"),
        ("é".encode, "UnicodeEncodeError: 'ascii' codec can't encode"),
        (SystemExit(0), "SystemExit: 0 ("),
        (ValueError("\udcff\x1b[2J"), "ValueError: \\xff\\x1b[2J"),
        (Exception(), "Exception: Exception"),
    ],
)
def test_what_nobody_thought_of_is_a_line_with_its_place(lists: Any, error: Any, says: str) -> None:
    if not isinstance(error, BaseException):
        with pytest.raises(UnicodeEncodeError) as caught:
            error("ascii")
        error = caught.value
    code, out, err = lists(error)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"zoo: {says}")
    assert "test_cli.py:" in err
    assert err.endswith("; for the whole traceback write zoo --debug before the command\n")


@pytest.mark.parametrize("way", ["before", "after", "variable"])
def test_a_traceback_is_whole_where_it_is_asked_for(lists: Any, zoo_: Any, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "variable":
        monkeypatch.setenv("ZOO_DEBUG", "1")
    code, out, err = lists(zoo.RequestError("it is wrong"), *(["--debug"] if way == "before" else []))
    if way == "after":
        code, out, err = zoo_("list", "--debug")
    assert (code, out, err.splitlines()[-1]) == (2, "", "zoo: it is wrong")
    assert "KeyError: 'the first cause'" in err
    assert err.count("Traceback (most recent call last)") == 2
    assert ("ZOO_DEBUG" in os.environ) == (way == "variable")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    ("words", "streams", "code"), [("list", "> /dev/full", 1), ("list nothing", "2> /dev/full", 2), ("list", ">&- 2>&-", 0)]
)
def test_streams_that_are_full_or_closed_are_no_other_error(words: str, streams: str, code: int) -> None:
    done = subprocess.run(f"{sys.executable} -m zoo {words} {streams}", shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr in ("", "zoo: No space left on device\n")


def test_run_prints_scores_or_json(zoo_: Any, tmp_path: Path) -> None:
    words = ["run", "--model", "toy", "--task", "toy-shade", "-n", "3", "--metric", "toy-best", "--set", "spread=0.2"]
    code, out, _ = zoo_(*words, "--out", str(tmp_path / "a"))
    assert code == 0
    assert "toy-best@3" in out
    assert f"report: {tmp_path / 'a' / 'report.html'}" in out
    code, out, err = zoo_(*words, "--out", str(tmp_path / "b"), "--json")
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "b" / "metrics.json").read_text())
    assert "report.html" in err


def test_each_command_is_in_the_module_that_is_imported_for_it() -> None:
    from zoo.cli import MODULES, app

    modules = {name: import_module(f"zoo.cli.{module}") for module, names in MODULES.items() for name in names}
    commands = {info.name or info.callback.__name__: info.callback for info in app.registered_commands if info.callback}
    assert {name: command.__module__ for name, command in commands.items()} == {k: m.__name__ for k, m in modules.items()}
