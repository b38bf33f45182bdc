"""The curves of a fit in a tracker of accelerate's, and what is said where there is none."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, GeneralTracker
from fits import fit, model, pairs

import zoo
from zoo.fitting import tracking
from zoo.running.plan import Request


class Stub(GeneralTracker):
    """A tracker as accelerate has them, whose run is called 7."""

    name, requires_logging_directory = "stub", True

    def __init__(self, run: str, **more: Any) -> None:
        super().__init__()
        self.calls: list[Any] = [(run, more)]

    @property
    def tracker(self) -> Any:
        return SimpleNamespace(id="7", info=SimpleNamespace(run_id="7"), name="7", finish=lambda **how: self.calls.append(how))

    def start(self) -> None:
        self.calls.append("start")

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        self.calls.append(values)

    def log(self, values: dict[str, Any], step: int | None = None, **more: Any) -> None:
        self.calls.append((step, values))

    def finish(self) -> None:
        self.calls.append("finish")


@pytest.mark.parametrize(
    ("name", "begin", "again", "failed"),
    [
        ("tensorboard", lambda folder: ("a", {"logging_dir": folder}), {}, "finish"),
        ("wandb", lambda folder: ("zoo", {"name": "a"}), {"id": "7", "resume": "allow"}, {"exit_code": 1}),
        ("mlflow", lambda folder: ("zoo", {"run_name": "a", "run_id": None}), {"run_id": "7"}, "FAILED"),
        ("trackio", lambda folder: ("zoo", {"name": "a"}), {"resume": "allow"}, "finish"),
    ],
)
def test_a_tracker_sees_what_is_on_record_and_a_fit_that_goes_on_goes_on_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, begin: Any, again: Any, failed: Any
) -> None:
    monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, name, Stub)
    monkeypatch.setattr(tracking, "find_spec", lambda name: SimpleNamespace(origin="there"))
    with tracking.Tracker(name, tmp_path, "a", {"components": 2, "widths": (1, 2)}) as tracker:
        if name == "tensorboard":
            history = fit(model(), pairs(), steps=20, validation=0.2, callback=tracker)
            expected = {**history.losses[0], **history.checks[0]}
            assert {"total", "validation", "lr"} <= expected.keys()
        else:
            tracker(20, {"total": 1.0}, 0.5)
            expected = {"step": 20, "total": 1.0, "lr": 0.5}
    first, start, settings, (step, values), end = tracker.log.calls
    assert (first, start, settings, end) == (begin(tmp_path), "start", {"components": 2}, "finish")
    assert {"step": step, **values} == expected
    if name != "tensorboard":
        monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(end_run=lambda how: later.log.calls.append(how)))
        later = tracking.Tracker(name, tmp_path, "a", {})
        later(40, {"total": 0.5}, 0.5)
        later.__exit__(ValueError, ValueError("it diverged"), None)
        assert later.log.calls == [("zoo", {**begin(tmp_path)[1], **again}), "start", (40, {"total": 0.5, "lr": 0.5}), failed]


@pytest.mark.skipif(
    find_spec("tensorboard") is None, reason="tensorboard is not installed: pip install 'cond-zoo[tensorboard]'"
)
def test_tensorboard_reads_it_back(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with tracking.Tracker("tensorboard", tmp_path, "a", {"seed": 3}) as tracker:
        tracker(20, {"total": 0.5}, 0.25)
        tracker(40, {"total": 0.25}, 0.125)
    found = EventAccumulator(str(tmp_path / "a")).Reload()
    assert [(event.step, event.value) for event in found.Scalars("total")] == [(20, 0.5), (40, 0.25)]
    assert [event.value for event in found.Scalars("lr")] == [0.25, 0.125]


def test_what_is_wrong_with_a_tracker_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda name: SimpleNamespace(origin=None))  # a folder of that name
    for name, message in {
        "wandb": r"tracker wandb needs a package that is not installed: pip install 'cond-zoo\[wandb\]'",
        "wandv": "there is no tracker 'wandv': did you mean 'wandb'",
    }.items():
        with pytest.raises(zoo.RequestError, match=message):
            Request("toy", "toy-shade", track=name)
