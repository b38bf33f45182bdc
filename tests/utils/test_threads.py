"""How threads of the arithmetic wait, and how many there are beside busy neighbours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

import zoo
from zoo.fitting import loop
from zoo.fitting.state import FILE, kept_threads
from zoo.utils import threads


@pytest.mark.parametrize(
    ("first", "given", "then"),
    [
        ("", {}, threads.SPINS),
        ("", {"GOMP_SPINCOUNT": "7"}, "7"),
        ("", {"OMP_WAIT_POLICY": "active"}, "None"),
        ("import sys; sys.modules['torch'] = sys\n", {}, "None"),
    ],
    ids=["by itself", "what the user says of spinning", "what the user says of waiting", "torch was first"],
)
def test_threads_are_told_to_wait_without_spinning_long(first: str, given: dict[str, str], then: str) -> None:
    own = {key: value for key, value in os.environ.items() if not key.startswith(("GOMP_", "OMP_"))}
    code = f"{first}import zoo, os; print(os.environ.get('GOMP_SPINCOUNT'))"
    told = subprocess.run([sys.executable, "-c", code], env=own | given, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == then


@pytest.mark.parametrize(
    ("most", "taken", "then"),
    [
        (4, (0.1, 0.0, 0.2), 4),
        (4, (1.0, 1.1, 0.9), 3),
        (4, (4.0, 4.1, 0.2), 4),  # a peak is no neighbour
        (4, (9.0, 9.0, 9.0), 1),
        (1, (0.0, 0.0, 0.0), 1),
    ],
)
def test_threads_are_as_many_as_have_a_core(
    most: int, taken: tuple[float, ...], then: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter(taken)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: most)
    monkeypatch.setattr(psutil, "cpu_count", lambda: 4)
    monkeypatch.setattr(threads, "_taken", lambda: next(looks))
    assert threads.free_threads() == then


@pytest.mark.parametrize("said", ["OMP_NUM_THREADS", "MKL_NUM_THREADS"])
def test_as_many_threads_as_the_user_says_stay(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv(said, "4")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr(threads, "_taken", lambda: 9.0)
    assert threads.free_threads() == 4


def test_what_others_take_is_more_than_nothing_and_not_ours() -> None:
    assert -0.5 < threads._taken() < (os.cpu_count() or 1) + 0.5


class Mean(zoo.Model):
    Config = zoo.Recipe

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: object) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.mean = torch.nn.Parameter(torch.zeros(y_shape))
        self.seen: list[int] = []

    def losses(self, batch: zoo.Batch, step: zoo.Step) -> dict[str, torch.Tensor]:
        self.seen.append(torch.get_num_threads())
        if len(self.seen) == 3:
            raise KeyboardInterrupt
        return {"total": (batch.y - self.mean).square().mean()}


def test_a_fit_goes_on_with_as_many_threads_as_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, before = zoo.Pairs(torch.zeros(4, 1), torch.ones(4, 1)), torch.get_num_threads()
    monkeypatch.setattr(loop, "LONG", 1)
    monkeypatch.setattr(loop, "free_threads", lambda: 2)
    model = Mean((1,), (1,), steps=6)
    with pytest.raises(KeyboardInterrupt):
        model.fit(pairs, device="cpu", progress=False, resume=tmp_path)
    assert kept_threads(tmp_path) == 2
    monkeypatch.setattr(loop, "free_threads", lambda: 1)
    model.seen.append(0)
    history = model.fit(pairs, device="cpu", progress=False, resume=tmp_path)
    assert (model.seen, history.threads, history.resumed_at) == ([2, 2, 2, 0, 2, 2, 2, 2], 2, 2)
    assert model.fit(pairs, device="cpu", progress=False, threads=3).threads == 3
    assert torch.get_num_threads() == before
    (tmp_path / FILE).write_bytes(b"nothing")
    assert kept_threads(tmp_path) is None
