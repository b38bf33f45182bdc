"""The training loop: reproducible, resumable after a kill, the same in two processes, loud when it diverges."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import zygote
from fits import SMALL, fit, fit_long, fit_without_noise, model, pairs, same
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from zoo import RequestError, ZooError
from zoo.fitting.steps import share_of_batch

HERE = Path(__file__).parent


def test_epochs_count_passes_over_the_pairs() -> None:
    history = fit(model(), pairs(64), epochs=3)
    assert (history.steps, history.epochs) == (12, 3)


def test_the_loss_falls_and_its_parts_are_on_record() -> None:
    history = fit(model(learning_rate=3e-3, reconstruction=(1.0, 1.0)), pairs(), steps=300)
    assert history.losses[-1]["y_error"] < history.losses[0]["y_error"] - 5
    assert {"step", "total", "x_error", "y_kl", "tie"} <= set(history.losses[-1])


def test_the_moving_average_replaces_the_weights() -> None:
    plain, averaged = model(), model()
    fit(plain, pairs())
    fit(averaged, pairs(), ema=0.9)
    assert not same(plain, averaged)


def test_a_diagnosis_changes_nothing_and_is_not_counted() -> None:
    """It is asked of the moving average, in evaluation mode, and its seconds are none of the fit's."""
    plain, told = model(), model()
    fit(plain, pairs(), ema=0.9, steps=40)
    random = torch.get_rng_state()
    modes = []

    def diagnose(self, pairs):
        modes.append((self.training, torch.is_grad_enabled(), self is told))
        until = time.process_time() + 0.05
        while time.process_time() < until:
            torch.rand(100)
        return {"a": 0.5, "b": float("nan")}

    type(told).diagnose, before = diagnose, type(told).diagnose
    try:
        history = fit(told, pairs(), ema=0.9, steps=40)
    finally:
        type(told).diagnose = before
    assert same(plain, told)
    assert torch.equal(random, torch.get_rng_state())
    assert modes == [(False, False, False)] * 2
    assert history.checks == [{"step": 20, "a": 0.5}, {"step": 40, "a": 0.5}]
    assert history.checking >= 0.1
    assert told.fitted
    assert history.losses[0]["lr"] > 0


@pytest.mark.parametrize("name", SMALL)
def test_a_resumed_run_ends_in_the_same_weights(name: str, tmp_path: Path) -> None:
    whole, parts, stopping = (model(name) for _ in range(3))
    for each in (whole, parts, stopping):
        each.diagnose = lambda pairs: {"seen": len(pairs), "noise": torch.rand(()).item()}  # type: ignore[method-assign]
    unstopped = fit(whole, pairs(), steps=40)
    turns, calls = stopping.turns, iter(range(17))

    def stop(batch, step):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return turns(batch, step)

    stopping.turns = stop  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        fit(stopping, pairs(), steps=40, resume=tmp_path, save_seconds=0.0)
    history = fit(parts, pairs(), steps=40, resume=tmp_path)
    assert history.resumed_at == 17
    assert same(whole, parts)
    assert (history.losses, [point["step"] for point in history.losses]) == (unstopped.losses, [20, 40])
    assert [(point["step"], point["seen"]) for point in history.checks] == [(20, 64), (40, 64)]


def test_killed_at_a_random_moment_and_resumed_it_ends_in_the_same_weights(tmp_path: Path) -> None:
    script = "import fits, pathlib, sys; fits.fit_long(pathlib.Path(sys.argv[1]), slowly=True)"
    env = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    process = zygote.start(script, str(tmp_path / "state"), env=env, folder=HERE)
    while not (tmp_path / "state" / "training.safetensors").exists():
        assert process.poll() is None, "it ended before it wrote its state"
        time.sleep(0.005)
    time.sleep(0.1 + time.time() % 0.3)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    (whole, _), (resumed, history) = fit_long(None), fit_long(tmp_path / "state")
    assert 0 < history.resumed_at < history.steps
    assert same(whole, resumed)


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "training.safetensors").write_bytes(b"\x00" * 50)
    with pytest.raises(ZooError, match="remove it to start anew"):
        fit(model(), pairs(), resume=tmp_path)


def test_divergence_is_an_error_not_a_model() -> None:
    m = model()
    losses = m.losses
    m.losses = lambda batch, step: {k: v * float("nan") for k, v in losses(batch, step).items()}  # type: ignore
    with pytest.raises(ZooError, match="diverged"):
        fit(m, pairs(), steps=40)
    assert not m.fitted


@pytest.mark.parametrize("setting", [{"steps": 0}, {"batch_size": 0}, {"ema": 1.0}, {"precision": "fp8"}, {"stepz": 1}])
def test_wrong_training_settings_are_refused(setting: dict) -> None:
    with pytest.raises(RequestError):
        fit(model(), pairs(), **setting)


def test_two_processes_train_one_model(tmp_path: Path) -> None:
    """As ``accelerate launch`` starts them, by what it sets: both end in the same weights, with one loss and in turns."""
    script = "import os, pathlib, sys, fits; fits.fit_among_several(pathlib.Path(sys.argv[1]), os.environ['RANK'])"
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    place |= {"LOCAL_WORLD_SIZE": "2", "OMP_NUM_THREADS": "1", "ACCELERATE_MIXED_PRECISION": "no"}
    ranks = ({"RANK": rank, "LOCAL_RANK": rank, **place} for rank in "01")
    both = [zygote.start(script, str(tmp_path), env=os.environ | rank, folder=HERE) for rank in ranks]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    for name in SMALL:
        assert (tmp_path / f"{name}0").read_bytes() == (tmp_path / f"{name}1").read_bytes()
        assert all(value.isfinite().all() for value in load_file(tmp_path / f"{name}0").values())
    alone = fit_without_noise().state_dict()
    for rank in "01":
        for key, value in load_file(tmp_path / f"l1{rank}").items():
            assert torch.allclose(value, alone[key], atol=1e-5), f"{key}: one process and two of the same batches"


def test_a_batch_that_is_smaller_than_the_processes_are_many_is_refused() -> None:
    several = SimpleNamespace(num_processes=4, process_index=3)
    assert [share_of_batch(size, 1, several) for size in (4, 6, 7)] == [1, 4 / 6, 4 / 7]
    with pytest.raises(RequestError, match="a batch of 7 pairs is too small for 4 processes that take it in 2 parts"):
        share_of_batch(7, 2, several)


def test_bfloat16_arithmetic_trains_and_keeps_full_weights() -> None:
    m = model(learning_rate=3e-3, reconstruction=(1.0, 1.0))
    history = fit(m, pairs(), steps=100, precision="bf16")
    assert history.losses[-1]["y_error"] < history.losses[0]["y_error"]
    assert {p.dtype for p in m.parameters()} == {torch.float32}


def test_another_clip_precision_or_content_is_another_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(model(), pairs(), resume=tmp_path, steps=2)
    other = pairs()
    other.y[:] = 0.5
    for more, message in (({"clip": 0.5}, "clip was 100.0, now 0.5"), ({"precision": "bf16"}, "precision was auto, now bf16")):
        with pytest.raises(RequestError, match=f"belongs to another run: {message}"):
            fit(model(), pairs(), resume=tmp_path, steps=2, **more)
    with pytest.raises(RequestError, match="belongs to another run: content was"):
        fit(model(), other, resume=tmp_path, steps=2)
    fit(model(), pairs(), resume=tmp_path, steps=2, threads=torch.get_num_threads() + 1)
    assert f"and goes on with {torch.get_num_threads() + 1}: the last digits differ" in capsys.readouterr().err


def test_a_state_from_before_a_setting_of_recipes_is_continued(tmp_path: Path) -> None:
    """Where the setting is what it then was; else it is another run."""
    whole, parts = model(), model()
    fit(whole, pairs())
    fit(model(), pairs(), resume=tmp_path)
    file = tmp_path / "training.safetensors"
    with safe_open(file, "pt") as stored:
        record = json.loads(stored.metadata()["zoo"])
        tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 (not a mapping)
    del record["schema"], record["plain"], record["course"]  # there was no checksum either
    for key in ("accumulate", "validation", "clip", "precision", "content"):
        del record["fingerprint"][key]
    del record["fingerprint"]["config"]["weight_decay"], record["fingerprint"]["config"]["clip"]
    save_file(tensors, file, {"zoo": json.dumps(record)})
    with pytest.raises(RequestError, match="belongs to another run: config was"):
        fit(model(clip=1.0), pairs(), resume=tmp_path)
    with pytest.raises(RequestError, match="belongs to another run: seed was 0, now 1"):
        fit(model(), pairs(), resume=tmp_path, seed=1)
    assert fit(parts, pairs(), resume=tmp_path).resumed_at == 10
    assert same(whole, parts)


def test_a_turn_of_no_optimizer_is_refused() -> None:
    m = model()
    m.turns = lambda batch, step: iter([("every", m.losses(batch, step))])  # type: ignore[method-assign]
    with pytest.raises(RequestError, match="turns of CDVAE yields 'every', its optimizers are all"):
        fit(m, pairs())
