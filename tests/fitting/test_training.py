"""The training loop: reproducible, resumable after a kill, the same in two processes, loud when it diverges."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from zoo.data.pairs import Pairs
from zoo.fitting.recipe import History
from zoo.utils.errors import RequestError, ZooError
from zoo_cdvae import CDVAE

SMALL = {"codes": (4, 2), "widths": (16, 16), "components": 2}

SCRIPT = """
import sys, torch
from pathlib import Path
from safetensors.torch import save_file
from zoo.contracts import make
from zoo.data.pairs import Pairs

SMALL = {
    "cdvae-mdn12": {"codes": (4, 2), "widths": (16, 16), "components": 2},
    "cgml": {"width": 4, "predictor_width": 8, "latent_steps": 3, "inference_steps": 2},
}
g = torch.Generator().manual_seed(0)
x = torch.rand(96, 1, 8, 8, generator=g)
wide = torch.rand(96, 1, 12, 12, generator=g)
name = sys.argv[4] if len(sys.argv) > 4 else "cdvae-mdn12"
model = make.model(name, (1, 8, 8), (1, 8, 8), **SMALL[name])
resume = Path(sys.argv[2]) if len(sys.argv) > 2 else None
history = model.fit(
    Pairs(x, 1 - x, wide=(wide, wide)), seed=3, device="cpu", steps=int(sys.argv[3]) if len(sys.argv) > 3 else 400,
    batch_size=32, progress=False, resume=resume, save_seconds=0.0 if resume else 30.0, ema=0.9,
)
save_file({k: v.contiguous() for k, v in model.state_dict().items()}, sys.argv[1])
print("resumed at", history.resumed_at)
"""


def pairs(items: int = 64) -> Pairs:
    g = torch.Generator().manual_seed(0)
    x = torch.rand(items, 1, 8, 8, generator=g)
    return Pairs(x, 1 - x)


def model(**config: object) -> CDVAE:
    return CDVAE((1, 8, 8), (1, 8, 8), **{**SMALL, **config})


def fit(m: CDVAE, p: Pairs, **more: object) -> History:
    return m.fit(p, **{"seed": 0, "device": "cpu", "steps": 10, "batch_size": 16, "progress": False, **more})


def same(a: CDVAE, b: CDVAE) -> bool:
    return all(torch.equal(u, v) for u, v in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_everything_follows_from_the_seed_and_the_global_state_stays() -> None:
    a, b, c = model(), model(), model()
    before = torch.random.get_rng_state()
    fit(a, pairs())
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(5)
    fit(b, pairs())
    fit(c, pairs(), seed=1)
    assert same(a, b)
    assert not same(a, c)


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


def test_a_resumed_run_ends_in_the_same_weights(tmp_path: Path) -> None:
    whole, parts = model(), model()
    fit(whole, pairs(), steps=40)
    stopping = model()
    losses, calls = stopping.losses, iter(range(17))

    def stop(batch, step):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return losses(batch, step)

    stopping.losses = stop  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        fit(stopping, pairs(), steps=40, resume=tmp_path, save_seconds=0.0)
    history = fit(parts, pairs(), steps=40, resume=tmp_path)
    assert history.resumed_at == 17
    assert same(whole, parts)


def test_killed_at_a_random_moment_and_resumed_it_ends_in_the_same_weights(tmp_path: Path) -> None:
    script = tmp_path / "fit.py"
    script.write_text(textwrap.dedent(SCRIPT))
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, script, tmp_path / "whole"], check=True, env=env)
    state = tmp_path / "state"
    process = subprocess.Popen([sys.executable, script, tmp_path / "parts", state], env=env)
    while not (state / "training.safetensors").exists():
        assert process.poll() is None, "it ended before it wrote its state"
        time.sleep(0.005)
    time.sleep(0.1 + time.time() % 0.3)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "parts").exists()
    again = subprocess.run(
        [sys.executable, script, tmp_path / "parts", state], check=True, env=env, capture_output=True, text=True
    )
    assert "resumed at 0" not in again.stdout
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "parts").read_bytes()


def test_a_state_of_another_run_is_refused(tmp_path: Path) -> None:
    fit(model(), pairs(), resume=tmp_path)
    with pytest.raises(RequestError, match="belongs to another run: seed was 0, now 1"):
        fit(model(), pairs(), resume=tmp_path, seed=1)


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


def test_pairs_of_another_shape_are_refused() -> None:
    x = torch.rand(4, 1, 9, 9)
    with pytest.raises(RequestError, match=r"the model is for \(1, 8, 8\)"):
        fit(model(), Pairs(x, x))


@pytest.mark.parametrize("name", ["cdvae-mdn12", "cgml"])
def test_two_processes_train_one_model(name: str, tmp_path: Path) -> None:
    """``accelerate launch`` with two CPU processes: both end in the same weights, with one loss and in turns.

    Its ``--cpu`` starts several processes through MPI only; ``--multi_gpu`` starts them by itself, and device="cpu" holds.
    """
    script = tmp_path / "fit.py"
    rank = "import os, sys; sys.argv = [sys.argv[0], sys.argv[1] + os.environ['RANK'], sys.argv[2], '60', '%s']\n"
    script.write_text(rank % name + textwrap.dedent(SCRIPT))
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launch, script, tmp_path / "rank", tmp_path / "state"], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "rank0").read_bytes() == (tmp_path / "rank1").read_bytes()
    from safetensors.torch import load_file

    two = load_file(tmp_path / "rank0")
    assert all(value.isfinite().all() for value in two.values())


def test_bfloat16_arithmetic_trains_and_keeps_full_weights() -> None:
    m = model(learning_rate=3e-3, reconstruction=(1.0, 1.0))
    history = fit(m, pairs(), steps=100, precision="bf16")
    assert history.losses[-1]["y_error"] < history.losses[0]["y_error"]
    assert {p.dtype for p in m.parameters()} == {torch.float32}


def test_a_state_from_before_a_setting_of_recipes_is_continued(tmp_path: Path) -> None:
    """Where the setting is what it then was; else it is another run."""
    whole, parts = model(), model()
    fit(whole, pairs())
    fit(model(), pairs(), resume=tmp_path)
    file = tmp_path / "training.safetensors"
    with safe_open(file, "pt") as stored:
        record = json.loads(stored.metadata()["zoo"])
        tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 (not a mapping)
    del record["fingerprint"]["config"]["weight_decay"], record["fingerprint"]["config"]["clip"]
    save_file(tensors, file, {"zoo": json.dumps(record)})
    with pytest.raises(RequestError, match="belongs to another run: config was"):
        fit(model(clip=1.0), pairs(), resume=tmp_path)
    assert fit(parts, pairs(), resume=tmp_path).resumed_at == 10
    assert same(whole, parts)


def test_a_turn_of_no_optimizer_is_refused() -> None:
    m = model()
    m.turns = lambda batch, step: iter([("every", m.losses(batch, step))])  # type: ignore[method-assign]
    with pytest.raises(RequestError, match="turns of CDVAE yields 'every', its optimizers are all"):
        fit(m, pairs())
