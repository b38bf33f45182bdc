"""Training that is stopped, by whatever: the state of its last whole step is on disk, and never that of half a step."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from fits import fit, model, pairs, same

from zoo import Model, ZooError
from zoo.fitting.state import TrainingState
from zoo.utils.errors import Terminated, terminable

STEPS = 30


def at(m: Model, step: int, do: Callable[[], Any], *, late: bool = False) -> Model:
    """The model, which in this step does something before its losses, or after all of its turns."""
    turns = m.turns

    def changed(batch: Any, now: Any) -> Any:
        if now.index == step and not late:
            do()
        yield from turns(batch, now)
        if now.index == step and late:
            do()

    m.turns = changed  # type: ignore[method-assign]
    return m


def fails() -> None:
    raise RuntimeError("out of memory")


def resumed(folder: Path, whole: Model) -> int:
    """Go on from what is in the folder: at which step, and the weights are right."""
    m = model()
    history = fit(m, pairs(), steps=STEPS, resume=folder)
    assert same(whole, m)
    return history.resumed_at


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """Ctrl-C is heeded, also where the tests run behind an ``&`` of a script, whose processes ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def whole() -> Model:
    m = model()
    fit(m, pairs(), steps=STEPS)
    return m


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_waits_for_the_end_of_its_step(tmp_path: Path, whole: Model, number: int, kind: type[BaseException]) -> None:
    before = signal.getsignal(number)
    with terminable(), pytest.raises(kind):
        fit(at(model(), 7, lambda: os.kill(os.getpid(), number)), pairs(), steps=STEPS, resume=tmp_path)
    assert signal.getsignal(number) is before
    assert resumed(tmp_path, whole) == 8


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_who_asks_twice_does_not_wait(tmp_path: Path, whole: Model) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("it went on")

    with pytest.raises(KeyboardInterrupt):
        fit(at(model(), 7, twice), pairs(), steps=STEPS, resume=tmp_path)
    assert resumed(tmp_path, whole) == 7


def test_a_signal_in_the_last_step_loses_nothing(tmp_path: Path, whole: Model) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(at(model(), STEPS - 1, lambda: signal.raise_signal(signal.SIGINT)), pairs(), steps=STEPS, resume=tmp_path)
    assert resumed(tmp_path, whole) == STEPS


def test_an_error_before_anything_has_changed_keeps_the_steps_before(tmp_path: Path, whole: Model) -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(at(model(), 11, fails), pairs(), steps=STEPS, resume=tmp_path)
    assert resumed(tmp_path, whole) == 11


@pytest.mark.parametrize("how", ["stepped", "a buffer", "another buffer"])
def test_half_a_step_is_never_kept(tmp_path: Path, whole: Model, how: str) -> None:
    m = model()

    def half() -> None:
        name, buffer = next((n, b) for n, b in m.named_buffers() if b.is_floating_point())
        if how == "a buffer":
            buffer.add_(1)
        elif how == "another buffer":
            owner = m.get_submodule(name.rpartition(".")[0])
            setattr(owner, name.rpartition(".")[2], buffer + 1)
        fails()

    if how != "stepped" and not any(b.is_floating_point() for b in m.buffers()):
        m.register_buffer("more", torch.zeros(3))
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(at(m, 11, fails if how == "stepped" else half, late=how == "stepped"), pairs(), steps=STEPS, resume=tmp_path)
    assert not list(tmp_path.iterdir())
    assert resumed(tmp_path, whole) == 0


def test_where_the_state_cannot_be_written_the_first_error_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise ZooError("No space left on device")

    monkeypatch.setattr(TrainingState, "write", full)
    with pytest.raises(RuntimeError, match="out of memory") as caught:
        fit(at(model(), 11, fails), pairs(), steps=STEPS, resume=tmp_path)
    if hasattr(caught.value, "__notes__"):
        assert caught.value.__notes__ == ["the last steps could not be kept: No space left on device"]
