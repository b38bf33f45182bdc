"""Golden samples and one small score are kept beside the weights, and a checkpoint that no longer gives them is found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from safetensors.torch import load_file, save_file

import zoo
from zoo.catalog import checkpoints
from zoo.catalog.verify import verify
from zoo.measuring.small import keep_golden
from zoo.saving import golden
from zoo.saving.checkpoint import WEIGHTS, load
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import sha256_of

pytestmark = pytest.mark.usefixtures("toy_plugin")


def outcomes(name: str | Path) -> dict[str, str]:
    return {step.name: step.outcome for step in verify(name if isinstance(name, str) else f"dir:{name}").steps}


def test_a_run_keeps_them_and_they_come_out_again(made: Path) -> None:
    kept = golden.read_golden(made)
    assert kept is not None
    assert torch.equal(kept.samples, load(made).sample(kept.x, golden.SAMPLES, seed=kept.origin.seed))
    assert kept.origin.score is not None
    assert kept.origin.score.name == "toy-best@9"
    assert kept.origin.score.items == 6, "no more than there are"
    assert kept.origin.made_with["cond-zoo"] == zoo.__version__
    assert verify(f"dir:{made}").ok
    assert outcomes(made) == {"sha256": "skipped", "weights": "ok", "golden samples": "ok", "score": "ok"}


def test_weights_that_were_exchanged_fail_by_their_samples_and_by_their_hash(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "registry.toml"))
    (tmp_path / "registry.toml").write_text(
        f'schema = 1\n[checkpoints."mine/one"]\nmodel = "toy"\ntask = "toy-shade"\nsource = "dir:{made}"\n'
        f'sha256 = "{sha256_of(made / WEIGHTS)}"\n'
    )
    assert outcomes("mine/one")["sha256"] == "ok"
    assert verify("mine/one").ok
    tensors = load_file(made / WEIGHTS)
    tensors["mean"] = tensors["mean"] * 0.95
    save_file(tensors, made / WEIGHTS, metadata={"format": "pt"})
    assert outcomes("mine/one") == {"sha256": "failed"}
    assert outcomes(made)["golden samples"] == "failed"
    assert not verify(f"dir:{made}").ok


def test_code_that_samples_otherwise_fails(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import toy_zoo

    draw = toy_zoo.Toy.draw
    monkeypatch.setattr(toy_zoo.Toy, "draw", lambda self, code, n, noise: draw(self, code, n, noise) * 0.98)
    assert [name for name, outcome in outcomes(made).items() if outcome == "failed"] == ["golden samples"]


def test_a_score_that_changed_fails(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import toy_zoo

    best = toy_zoo.Best.__call__
    monkeypatch.setattr(
        toy_zoo.Best, "__call__", lambda self, *a, **k: {name: value * 1.03 for name, value in best(self, *a, **k).items()}
    )
    step = verify(f"dir:{made}").steps[-1]
    assert (step.name, step.outcome) == ("score", "failed")
    assert "within 1.0%" in step.detail


def test_other_data_under_the_same_name_are_told_from_a_changed_score(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.catalog.verify.embedded_pairs", lambda *a: replace(golden.embedded_pairs(*a), digest="f" * 64))
    step = verify(f"dir:{made}").steps[-1]
    assert step.outcome == "failed"
    assert "data 'toy-photos' have sha256 ffffffffffff" in step.detail


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (None, "holds no golden samples"),
        ({"schema": 2}, "upgrade cond-zoo"),
        ({"schema": 1, "seed": 0}, "lacks 'tolerance'"),
        ({"schema": 1, "seed": 0, "tolerance": 1.0, "score": None, "made_with": {}, "more": 1}, "unknown key 'more'"),
    ],
)
def test_a_damaged_file_is_named(made: Path, facts: dict | None, message: str) -> None:
    path = made / golden.GOLDEN
    if facts is None:
        path.write_bytes(b"\x80\x04 not tensors")
    else:
        save_file(load_file(path), path, metadata={"golden": json.dumps(facts)})
    with pytest.raises(RequestError, match=message) as caught:
        golden.read_golden(made)
    assert str(path) in str(caught.value)
    assert outcomes(made)["golden samples"] == "failed"


def test_a_model_without_a_task_keeps_samples_of_noise(made: Path, tmp_path: Path) -> None:
    load(made).save(tmp_path / "bare")
    assert keep_golden(tmp_path / "bare").origin.score is None
    assert outcomes(tmp_path / "bare")["golden samples"] == "ok"


def test_a_full_disk_leaves_nothing(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (made / golden.GOLDEN).unlink()
    monkeypatch.setattr("safetensors.torch.save_file", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(ZooError, match="No space left"):
        keep_golden(made)
    assert not [*made.glob("*golden*")]


def test_the_command_line(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from zoo.cli.sharing import verify

    verify([f"dir:{made}"], False, "cpu", False)
    assert "all 1 verified" in capsys.readouterr().out
    (made / golden.GOLDEN).unlink()
    with pytest.raises(ZooError, match="1 of 1 checkpoints could not be verified") as caught:
        verify([f"dir:{made}"], False, "cpu", True)
    assert caught.value.exit_code == 1
    steps = json.loads(capsys.readouterr().out)["checkpoints"][0]["steps"]
    assert [step["name"] for step in steps] == ["sha256", "weights", "golden samples", "score"]
    assert [step["outcome"] for step in steps] == ["skipped", "ok", "skipped", "skipped"]
    with pytest.raises(RequestError, match="name checkpoints to verify"):
        verify([], False, "cpu", False)
    with pytest.raises(RequestError, match="did you mean 'cdvae/relight'"):
        verify(["cdvae/religt"], False, "cpu", False)


def test_scores_with_the_most_samples_are_shown() -> None:
    scores = {"a@3": 1.0, "a@100": 2.0, "b": 3.0, "a@30": 4.0, "c@x": 5.0}
    assert checkpoints.largest(scores) == {"a@100": 2.0, "b": 3.0, "c@x": 5.0}
