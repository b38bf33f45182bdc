"""The values of every item as a run keeps them: read as they were written, and nothing else is taken for them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from zoo.contracts.metric import Score
from zoo.data.pairs import Pairs
from zoo.measuring.values import VALUES, keep_values, read_values
from zoo.utils.errors import ZooError

SCORES = {"best@1": torch.tensor([0.5, 0.1, 0.3]), "up": torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)}


def pairs(**more: Any) -> Pairs:
    return Pairs(torch.arange(6.0).reshape(3, 2), torch.ones(3, 1), **more)


def keep(folder: Path, of: Pairs, **more: Any) -> None:
    known = {"best@1": Score(0.3, 0, 1, "error", "lower"), "up": Score(2, 0, 3, "share", "higher")}
    given: dict[str, Any] = {"model": "m", "task": "t", "data": "folder:a\udcdf", "seed": -3, "n": 7}
    keep_values(folder, SCORES, known, of, **given | more)


def test_values_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_values(tmp_path) is None
    keep(tmp_path, pairs())
    kept = read_values(tmp_path)
    assert kept is not None
    assert kept.scores.keys() == SCORES.keys()
    assert all(torch.equal(value, SCORES[name].double()) for name, value in kept.scores.items())
    origin = kept.origin
    assert (origin.model, origin.task, origin.data, origin.seed, origin.n) == ("m", "t", "folder:a\\xdf", -3, 7)
    assert (origin.scores["up"].unit, origin.scores["up"].better, kept.groups) == ("share", "higher", None)


def test_the_digest_is_of_the_items_and_groups_are_numbered(tmp_path: Path) -> None:
    base = pairs(names=["a/1", "b/1", "b/2"], groups=["a", "b", "b"])
    of = {"same": base, "other": pairs().subset(torch.tensor([0, 1, 1])), "alone": pairs(groups=["a", "b", "c"])}
    kept = {}
    for name, each in of.items():
        keep(tmp_path / name, each)
        kept[name] = read_values(tmp_path / name)
    assert [each and each.origin.groups for each in kept.values()] == [[0, 1, 1], None, None]
    digests = [each.origin.digest for each in kept.values() if each]
    assert (digests[0] != digests[1], digests[0] == digests[2]) == (True, True)
    assert base.subset(torch.tensor([2, 0])).groups == ["b", "a"]


def test_a_run_that_could_not_be_scored_has_none(tmp_path: Path) -> None:
    given: dict[str, Any] = {"model": "m", "task": "t", "data": "d", "seed": 0, "n": 1}
    keep_values(tmp_path, {}, {}, pairs(), **given)
    kept = read_values(tmp_path)
    assert kept is not None
    assert kept.scores == {}


def test_pairs_have_a_group_an_item() -> None:
    with pytest.raises(ZooError, match="groups has 2"):
        pairs(groups=["a", "b"])


ORIGIN = {
    "schema": 1, "model": "m", "task": "t", "data": "d", "seed": 0, "n": 7, "digest": "0" * 64, "groups": None,
    "scores": {"a": {"unit": "u", "better": "lower"}},
}  # fmt: skip
DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "holds no values"),
    "long header": (lambda path: path.write_bytes(b"\xff" * 100), "holds no values"),
    "folder": (lambda path: path.mkdir(), "it is a folder"),
    "plain": (lambda path: save_file({"a": torch.zeros(3).double()}, path), "it lacks 'values'"),
    "float32": (lambda path: write(path, a=torch.zeros(3)), "float64"),
    "matrix": (lambda path: write(path, a=torch.zeros(3, 1).double()), "one number an item"),
    "no items": (lambda path: write(path, a=torch.zeros(0).double()), "one number an item"),
    "nan": (lambda path: write(path, a=torch.tensor([0, float("nan")]).double()), "not a finite number"),
    "other names": (lambda path: write(path, b=torch.zeros(3).double()), "the scores that its metadata name"),
    "groups": (lambda path: write(path, {"groups": [0, 1]}, a=torch.zeros(3).double()), "2 and 3 items"),
    "digest": (lambda path: write(path, {"digest": "abc"}, a=torch.zeros(3).double()), "digest must be a sha256"),
    "better": (lambda path: write(path, {"scores": {"a": {"unit": "", "better": "up"}}}, a=torch.ones(3).double()), "'lower'"),
    "later": (lambda path: write(path, {"schema": 2}, a=torch.zeros(3).double()), "schema 2"),
    "unknown": (lambda path: write(path, {"more": 1}, a=torch.zeros(3).double()), "unknown key 'more'"),
}  # fmt: skip


def write(path: Path, change: dict[str, Any] | None = None, **tensors: torch.Tensor) -> None:
    save_file(tensors, path, metadata={"values": json.dumps(ORIGIN | (change or {}))})


@pytest.mark.parametrize("name", DAMAGE)
def test_nothing_else_is_taken_for_values(tmp_path: Path, name: str) -> None:
    damage, words = DAMAGE[name]
    damage(tmp_path / VALUES)
    with pytest.raises(ZooError, match=words) as caught:
        read_values(tmp_path)
    assert "\n" not in str(caught.value)
    assert VALUES in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_no_values_are_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / VALUES)
    with pytest.raises(ZooError, match="named pipe"):
        read_values(tmp_path)
