"""Runs that are stopped, killed or fail, and the folder that they share with nobody: nothing is lost, nothing is mixed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from calls import call_here
from PIL import Image
from safetensors.torch import load_file
from toyruns import ASKED, LEFT, run

import zoo
from zoo.fitting.steps import Fit
from zoo.measuring.values import VALUES
from zoo.running.plan import Request, make_plan
from zoo.utils.errors import RequestError, ZooError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> zoo.RunResult:
    return run(tmp_path_factory.mktemp("whole") / "a")


@pytest.fixture
def finished(whole: zoo.RunResult, tmp_path: Path) -> Path:
    """The folder of a finished run of one's own."""
    return Path(shutil.copytree(whole.out, tmp_path / "a"))


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Do something else where the toy is fitted."""
    from toy_zoo import Toy

    def instead(do: Callable[[], object]) -> None:
        own = Toy.fit
        monkeypatch.setattr(Toy, "fit", lambda *args, **more: (do(), own(*args, **more))[1])

    return instead


def same(a: Path, b: Path) -> bool:
    """Two runs left the same: the weights but for the toy's helper, whose first ones come from nowhere, facts and scores."""
    one, other = (load_file(out / "checkpoint" / "model.safetensors") for out in (a, b))
    files = ("checkpoint/config.json", "checkpoint/README.md", "checkpoint/golden.safetensors", "metrics.json", VALUES)
    bytes_ = all((a / name).read_bytes() == (b / name).read_bytes() for name in files)
    return bytes_ and all(torch.equal(one[name], other[name]) for name in one if not name.startswith("helper"))


def raises(error: BaseException) -> Callable[..., Any]:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    return fails


def notes(error: BaseException) -> str:
    return "; ".join(getattr(error, "__notes__", ["no notes before Python 3.11"]))


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "a b"
    monkeypatch.setenv("TOY_DIES", "1")
    with pytest.raises(KeyboardInterrupt) as caught:
        run(out)
    assert "go on with --resume --out" in notes(caught.value) or sys.version_info < (3, 11)
    monkeypatch.delenv("TOY_DIES")
    assert (out / "training" / "state" / "state").exists()
    assert not (out / "metrics.json").exists()
    for more, message in (({}, "go on with --resume"), ({"resume": True, "seed": 1}, "seed 0, not 1")):
        with pytest.raises(RequestError, match=message):
            run(out, **more)
    request = out / "training" / "request.json"
    asked = json.loads(request.read_text())
    layers = asked["config"].pop("layers")  # stopped before there was such a setting, of which toy-wide is not the default
    request.write_text(json.dumps(asked))
    with pytest.raises(RequestError, match="config"):
        run(out, resume=True)
    asked["config"]["layers"] = layers
    assert asked["task_config"].pop("size") == 4, "the default"
    request.write_text(json.dumps(asked))
    assert run(out, resume=True).scores
    assert not (out / "training").exists()
    log = (out / "log.txt").read_text()
    assert log.count("# zoo, ") == 2
    assert "KeyboardInterrupt" in log


@pytest.mark.parametrize(("error", "left"), [(ZooError("diverged"), ["log.txt"]), (RequestError("no"), None)])
def test_what_failed_before_it_could_be_resumed_leaves_its_log_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: ZooError, left: list[str] | None
) -> None:
    from toy_zoo import Toy

    with monkeypatch.context() as patch:
        patch.setattr(Toy, "fit", raises(error))
        with pytest.raises(ZooError, match=str(error)):
            run(tmp_path / "a")
    assert (tmp_path / "a").exists() == (left is not None)
    if left:
        assert [path.name for path in (tmp_path / "a").iterdir()] == left
        log = (tmp_path / "a" / "log.txt").read_text()
        assert "Traceback" in log
        assert log.endswith("ZooError: diverged\n")
    assert run(tmp_path / "a").scores, "that is no run that is in the way"


@pytest.mark.parametrize("what", ["evaluate", "take_pictures", "write_report", "add_scores"])
def test_what_fails_after_the_fit_costs_nothing_of_it(
    whole: zoo.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fit: Any, what: str
) -> None:
    where = "zoo.reporting.report" if what == "write_report" else "zoo.running.run"
    with monkeypatch.context() as patch:
        patch.setattr(f"{where}.{what}", raises(UnicodeEncodeError("utf-8", "\udcdf", 0, 1, "surrogates not allowed")))
        with pytest.raises(UnicodeEncodeError) as caught:
            run(tmp_path / "a")
    if sys.version_info >= (3, 11):
        assert notes(caught.value) == (
            f"what was fitted is kept in {tmp_path / 'a' / 'checkpoint'}: go on with --resume --out {tmp_path / 'a'}"
        )
    assert "UnicodeEncodeError" in (tmp_path / "a" / "log.txt").read_text()
    zoo.Model.load(tmp_path / "a" / "checkpoint")
    fit(raises(AssertionError("it is fitted again")))
    again = run(tmp_path / "a", resume=True)
    assert again.metrics == whole.metrics
    assert again.history == whole.history
    assert json.loads((tmp_path / "a" / "run.json").read_text())["curves"] == {"losses": whole.history["losses"]}
    assert "Was there more to learn?" in (tmp_path / "a" / "report.html").read_text()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == LEFT
    assert same(tmp_path / "a", whole.out)


@pytest.mark.parametrize("name", ["checkpoint/model.safetensors", "training/fit.json"])
def test_a_fitted_model_that_is_damaged_is_named(finished: Path, name: str) -> None:
    (finished / "training").mkdir()
    weights = make_plan(Request(**ASKED)).weights
    (finished / "training" / "request.json").write_text(json.dumps(weights))
    (finished / "run.json").unlink()
    (finished / name).write_bytes(b"\0" * 30)
    with pytest.raises(ZooError, match=r"cannot go on from .*checkpoint, remove it to fit again"):
        run(finished, resume=True)
    shutil.rmtree(finished / "checkpoint")
    assert run(finished, resume=True).scores


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("sent", "code", "says"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "stopped")])
def test_a_command_that_is_told_to_end_keeps_the_state_of_training(
    sent: signal.Signals, code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, step, seen = tmp_path / "a", Fit.step, list[int]()  # long before the state would have been saved by itself
    words = "run --model cvae --task relight --data scenes:16 --set width=8 --set codes=4 --set steps=8 -n 2 --items 2"

    def noticed(self: Fit, index: int, *more: Any) -> Any:
        seen.append(index)
        if seen == [0, 1, 2]:
            os.kill(os.getpid(), sent)
        return step(self, index, *more)

    monkeypatch.setattr(Fit, "step", noticed)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs do not hear
    told = call_here(*words.split(), "--out", str(out))
    signal.signal(signal.SIGINT, before)
    assert (told.code, seen) == (code, [0, 1, 2])
    assert told.err.splitlines()[-1].startswith(f"zoo: {says}")
    assert [(out / name).exists() for name in ("training/state/training.safetensors", ".lock")] == [True, False]
    assert ("Terminated" if sent == signal.SIGTERM else "KeyboardInterrupt") in (out / "log.txt").read_text()
    assert call_here(*words.split(), "--out", str(out), "--resume").code == 0
    assert seen == [0, 1, 2, 3, 4, 5, 6, 7], "the step in which it was told is done, and none is done twice"


def test_a_finished_run_that_is_gone_on_with_says_so(
    whole: zoo.RunResult, finished: Path, capsys: pytest.CaptureFixture[str], fit: Any
) -> None:
    """Also where it was killed before what it does not need any more was removed."""
    (finished / "training" / "state").mkdir(parents=True)
    (finished / "training" / "state" / "state").touch()
    (finished / "training" / "request.json").write_text("{}")
    fit(raises(AssertionError("it is fitted again")))
    result = run(finished, resume=True, progress=True)
    assert f"{finished} holds this run, finished: there is nothing left to do" in capsys.readouterr().err
    assert (result.metrics, result.scores, result.seconds) == (whole.metrics, whole.scores, whole.seconds)
    assert {name: value.tolist() for name, value in result.values.items()} == {k: v.tolist() for k, v in whole.values.items()}
    assert result.model.fitted
    assert sorted(path.name for path in finished.iterdir()) == LEFT
    for more, message in (
        ({}, "holds a finished run; name another folder"),
        ({"resume": True, "seed": 1}, "seed 0, not 1"),
        ({"resume": True, "split_seed": 3}, "split_seed 0, not 3"),
        ({"resume": True, "n": 3}, "n 9, not 3"),
        ({"resume": True, "items": 3}, "items None, not 3"),
        ({"resume": True, "metrics": ["toy-best"]}, "metrics"),
        ({"resume": True, "settings": {"spread": 0.3}}, "config"),
    ):
        with pytest.raises(RequestError, match=message):
            run(finished, **more)


@pytest.mark.parametrize("name", ["run.json", "metrics.json", VALUES, "training/request.json"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b"[1]", b'{"config": [], "model": 3, "metrics": [1]}'])
def test_a_damaged_record_is_one_line(finished: Path, name: str, content: bytes) -> None:
    if name.startswith("training"):
        (finished / "training").mkdir()
        (finished / "run.json").unlink()
    (finished / name).write_bytes(content)
    with pytest.raises(ZooError) as caught:
        run(finished, resume=True)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert (finished / "checkpoint" / "model.safetensors").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_no_record_is_waited_for(finished: Path) -> None:
    (finished / "run.json").unlink()
    os.mkfifo(finished / "run.json")
    with pytest.raises(ZooError, match="named pipe"):
        run(finished, resume=True)


def test_two_runs_never_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fit: Any) -> None:
    """Another one is asked for while the first fits, in the same folder, and without one in the same second."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda *_: "20260101-000000")
    others: list[zoo.RunResult] = []
    first = iter([True])

    def another() -> None:
        if not next(first, False):
            return
        with pytest.raises(RequestError, match=rf"another run works in .*a \(process {os.getpid()}\); wait for it"):
            run(tmp_path / "a", resume=True)
        with pytest.raises(RequestError, match="another run works in"):
            run(tmp_path / "a")
        others.append(run(None, seed=3))
        others.append(run(None, seed=4))

    fit(another)
    assert run(tmp_path / "a").scores
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == LEFT
    third, fourth = (result.out for result in others)
    assert (third.as_posix(), fourth.as_posix()) == (f"runs/{third.name}", f"runs/{third.name}-2")
    for folder, seed in ((third, 3), (fourth, 4)):
        seeds = [json.loads((folder / name).read_text())["seed"] for name in ("run.json", "checkpoint/config.json")]
        assert seeds == [seed, seed]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="copies of this process")
def test_killed_at_any_act_it_goes_on_or_says_that_it_is_finished(
    whole: zoo.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """tools/kills.py does this with a model that is trained, and by time too."""
    monkeypatch.setattr("zoo.reporting.report.sheet", lambda *_: Image.new("L", (1, 1)))

    def acts(out: Path, kill: int) -> int:
        """So many acts of a run in its folder, killed before one of them."""
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:
            done = 0

            def hook(name: str, given: tuple[Any, ...]) -> None:
                nonlocal done
                if name in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir") and str(given[0]).startswith(str(out)):
                    done += 1
                    os.write(writer, b"x")
                    if done == kill:
                        os.kill(os.getpid(), signal.SIGKILL)

            try:
                sys.addaudithook(hook)
                run(out)
            finally:
                os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        with os.fdopen(reader, "rb") as pipe:
            return len(pipe.read())

    total = acts(tmp_path / "all", 0)
    moments = [*random.Random(0).sample(range(1, total - 12), 5), *range(total - 9, total, 4)]
    capsys.readouterr()
    for kill in moments:
        out = tmp_path / f"{kill}"
        acts(out, kill)
        there = (out / "run.json").exists()
        result = run(out, resume=True, progress=True)
        assert ("nothing left to do" in capsys.readouterr().err) == there, kill
        assert result.metrics == whole.metrics
        assert sorted(path.name for path in out.iterdir()) == LEFT, kill
        assert same(out, whole.out), kill
