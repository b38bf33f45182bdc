"""A stranger's checkpoint is read and verified by rules of ours: what it asks for beyond them is refused in one line."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace as Thing
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import zoo
from zoo.catalog.verify import verify
from zoo.hub import cache
from zoo.hub.push import push
from zoo.hub.search import search
from zoo.hub.source import parse
from zoo.saving.golden import GOLDEN, read_golden
from zoo.utils.errors import RequestError

pytestmark = pytest.mark.usefixtures("toy_plugin")


def rewrite(folder: Path, top: Any = None, score: Any = None, **tensors: Any) -> None:
    path = folder / GOLDEN
    with safe_open(path, "pt") as file:
        origin = json.loads(file.metadata()["golden"])
    origin |= top or {}
    origin["score"] |= score or {}
    save_file({**load_file(path), **tensors}, path, {"golden": json.dumps(origin)})


def told(folder: Path) -> tuple[str, str, str]:
    """The last step of verifying: its name, its outcome and what it says."""
    step = verify(f"dir:{folder}").steps[-1]
    assert "\n" not in step.detail
    return step


def test_only_what_a_task_embeds_is_read(made: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toy_zoo.Photos.read", lambda self, *_, **__: pytest.fail(f"{self.path} was read"))
    rewrite(made, score={"data": "toy-photos:secret"})
    name, outcome, detail = told(made)
    assert (name, outcome) == ("score", "failed")
    assert "only 'toy-photos', which the task embeds, are read" in detail


def test_a_tolerance_may_only_be_less_than_ours(made: Path) -> None:
    rewrite(made, {"tolerance": 1e30}, {"tolerance": 1e30})
    assert verify(f"dir:{made}").ok
    weights = made / "model.safetensors"
    save_file({name: -value for name, value in load_file(weights).items()}, weights, {"format": "pt"})
    assert told(made)[:2] == ("golden samples", "failed")
    assert "at most 0.001" in told(made)[2]


@pytest.mark.parametrize(
    ("top", "score", "message"),
    [
        ({}, {"n": 3_000_000}, "at most 10000 are drawn"),
        ({}, {"items": 33}, "at most 10000 are drawn"),
        ({}, {"n": 10**30}, "n"),
        ({}, {"items": -1}, "items is -1; it must be a whole number, at least 1"),
        ({}, {"n": 1.5}, "n is 1.5"),
        ({}, {"n": True}, "n is True"),
        ({}, {"value": "x"}, "value"),
        ({}, {"tolerance": -1.0}, "tolerance is -1.0; it must be a number, at least 0"),
        ({}, {"name": 5}, "name is 5; it must be text"),
        ({}, {"name": "toy-density"}, "is not of samples alone"),
        ({}, {"name": "none"}, "no metric is called 'none'"),
        ({}, {"seed": -1}, "seed is -1; it must be a whole number from 0"),
        ({}, {"digest": 5}, "digest is 5"),
        ({"seed": 1.5}, {}, "seed is 1.5"),
        ({"seed": 2**63}, {}, "seed"),
        ({"tolerance": None}, {}, "tolerance"),
        ({"schema": [[]]}, {}, "schema"),
    ],
)
def test_a_word_of_the_wrong_kind_or_without_bounds(made: Path, top: Any, score: Any, message: str) -> None:
    rewrite(made, top, score)
    _, outcome, detail = told(made)
    assert outcome == "failed"
    assert message in detail


def test_golden_samples_of_another_form(made: Path) -> None:
    good = (made / GOLDEN).read_bytes()
    kept = read_golden(made)
    assert kept is not None
    for x, samples in (
        (kept.x.half(), kept.samples),
        (kept.x[:1], kept.samples),
        (kept.x[:0], kept.samples[:0]),
        (kept.x, kept.samples[:, :0]),
        (kept.x, torch.zeros(2)),
        (torch.zeros(()), kept.samples),
        (kept.x, kept.samples * float("nan")),
        (kept.x.expand(2, 50, -1, -1)[:, :3].contiguous(), kept.samples),
        (torch.zeros(40, 1, 4, 4), torch.zeros(40, 4, 1, 4, 4)),
    ):
        rewrite(made, x=x.contiguous(), samples=samples.contiguous())
        assert told(made)[:2] == ("golden samples", "failed")
        (made / GOLDEN).write_bytes(good)
    rewrite(made, more=torch.zeros(1))
    assert told(made)[:2] == ("golden samples", "failed")
    (made / GOLDEN).unlink()
    os.mkfifo(made / GOLDEN)
    assert "it is a named pipe, not a file" in told(made)[2]


def test_what_a_model_raises_is_a_step_that_failed(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(*_: Any) -> Any:
        raise KeyError("size")

    monkeypatch.setattr("toy_zoo.Toy.draw", draw)
    assert told(made)[:2] == ("golden samples", "failed")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_what_is_no_file_is_not_waited_for(made: Path, name: str) -> None:
    (made / name).unlink()
    os.mkfifo(made / name)
    with pytest.raises(RequestError, match="it is a named pipe, not a file"):
        zoo.load(f"dir:{made}")
    (made / name).unlink()
    (made / name).symlink_to("/dev/zero")
    with pytest.raises(RequestError, match="it is a device, not a file"):
        zoo.load(f"dir:{made}")


def test_a_card_that_is_no_text_stops_no_load(made: Path) -> None:
    (made / "README.md").write_bytes(b"caf\xe9")
    loaded = zoo.load(f"dir:{made}", device="cpu")
    assert loaded.card == "caf\\xe9"
    assert len(loaded.sample(np.zeros((5, 6, 3), np.uint8), 2, seed=0)) == 2
    (made / "README.md").unlink()
    os.mkfifo(made / "README.md")
    assert zoo.load(f"dir:{made}", device="cpu").card == ""


def test_a_push_takes_no_link_out_of_the_folder(made: Path, tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text("secret")
    (made / "README.md").unlink()
    (made / "README.md").symlink_to(tmp_path / "private.txt")
    with pytest.raises(RequestError, match=r"README\.md is a link to .*private\.txt, outside of the folder"):
        push(made, "me/mine")


def test_one_listed_card_of_no_form_costs_no_other_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Thing(to_dict=lambda: {"weights_bytes": "9" * 5000})
    good = Thing(id="me/good", tags=["cond-zoo-model=toy"], card_data=card, last_modified=datetime(2026, 1, 2))
    hostile = [Thing(id="me/bad"), Thing(id="me/worse", tags=5), Thing(id="a/b", tags=[None], card_data=card)]
    monkeypatch.setattr("zoo.hub.search.api", lambda: Thing(list_models=lambda **_: [*hostile, good]))
    found, more = search()
    assert [(entry.repo_id, entry.model, entry.size) for entry in found] == [("me/good", "toy", 0)]
    assert not more


def test_a_reference_in_the_cache_that_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    refs = tmp_path / "models--me--mine" / "refs"
    refs.mkdir(parents=True)
    os.mkfifo(refs / "main")
    assert cache.cached_folder(parse("me/mine")) is None
    (refs / "main").unlink()
    (refs / "main").write_bytes(b"../../../..")
    assert cache.cached_folder(parse("me/mine")) is None
