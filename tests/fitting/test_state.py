"""The state of training: all of it comes back, and nothing of it is believed that is not whole and of this run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo.fitting.state import SUM, TrainingState
from zoo.utils import tensors as files
from zoo.utils.errors import RequestError, ZooError

FINGERPRINT = {"config": {}, "total": 9}


class Odd(nn.Module):
    """Tied weights, a view of one, one that is no matrix in memory, a number of each of several kinds, and nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.turned = nn.Parameter(torch.arange(6.0).view(2, 3).t())
        self.register_buffer("part", self.first.bias.detach()[1:])
        self.register_buffer("nothing", None)
        for dtype in (torch.bool, torch.uint8, torch.bfloat16, torch.complex64, torch.float64):
            self.register_buffer(f"of_{str(dtype)[6:]}", torch.ones(2, dtype=dtype))

    def loss(self) -> Tensor:
        return self.second(self.first(torch.ones(1, 3))).square().sum() + self.turned.square().sum()


class Keeper(torch.optim.Optimizer):
    """It keeps what optimizers of research code keep: lists of matrices, numbers and nothing."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, {"lr": 0.1})

    def step(self, closure: Any = None) -> None:
        for parameter in self.param_groups[0]["params"]:
            kept = self.state[parameter]
            kept |= {"sides": [torch.eye(side) for side in parameter.shape], "rate": 0.1, "seen": kept.get("seen", 0) + 1}
            kept |= {"none": None, "pair": (1, 2.5), "deep": {"a": parameter.detach() + 1}}


def state(folder: Path, module: nn.Module | None = None, kind: Any = torch.optim.AdamW, steps: int = 1) -> TrainingState:
    torch.manual_seed(0)
    module = module or Odd()
    optimizer = kind(module.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        module.loss().backward()  # type: ignore[operator]
        optimizer.step()
    return TrainingState(folder, {"model": module}, {"all": optimizer}, FINGERPRINT)


def forge(path: Path, change: Callable[[dict[str, Any], dict[str, Tensor]], Any]) -> None:
    """Change the record and the tensors, and write them with a checksum that fits."""
    found, metadata = files.read(path)
    record = json.loads(metadata["zoo"])
    change(record, found)
    kept, text = files.apart(found), json.dumps(record)
    files.write(path, kept, {}, {"zoo": text, SUM: files.digest_of(kept, text)}, path)


def test_every_tensor_comes_back_tied_as_it_was(tmp_path: Path) -> None:
    kept = state(tmp_path)
    kept.write(7)
    with torch.no_grad():
        other = Odd()
        other.first.weight.zero_()
    again = state(tmp_path, other, steps=0)
    assert again.restore({}) == 7
    for name, value in kept.modules["model"].state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    assert other.second.weight is other.first.weight
    assert "model.second.weight" not in files.unique(files.read(kept.path)[0])[0], "what is tied is stored once"
    ours, theirs = (s.optimizers["all"].state_dict()["state"] for s in (kept, again))
    assert all(torch.equal(ours[i][key], theirs[i][key]) for i in ours for key in ours[i])


def test_an_optimizer_of_research_code_comes_back(tmp_path: Path) -> None:
    kept = state(tmp_path, kind=Keeper, steps=3)
    kept.write(3)
    again = state(tmp_path, kind=Keeper, steps=0)
    assert again.restore({}) == 3
    values = again.optimizers["all"].state_dict()["state"][0]
    assert (values["rate"], values["seen"], values["none"], values["pair"]) == (0.1, 3, None, (1, 2.5))
    assert [len(side) for side in values["sides"]] == [3, 2]
    assert values["deep"].keys() == {"a"}
    kept.optimizers["all"].state[kept.modules["model"].first.weight]["odd"] = object()  # type: ignore[union-attr]
    with pytest.raises(ZooError, match=r"cannot be kept: optimizer\.all\.1\.odd is of type object"):
        kept.check()


def test_what_cannot_be_kept_is_said_before_the_first_step(tmp_path: Path) -> None:
    module = Odd()
    module.register_buffer("sparse", torch.eye(3).to_sparse())
    with pytest.raises(ZooError, match=r"model\.sparse .* sparse_coo, which a safetensors file cannot hold"):
        state(tmp_path, module)


def test_one_bit_anywhere_is_seen_before_anything_is_restored(tmp_path: Path) -> None:
    kept = state(tmp_path)
    kept.write(7)
    whole = kept.path.read_bytes()
    before = {name: value.clone() for name, value in kept.modules["model"].state_dict().items()}
    for place in torch.randint(len(whole), (60,), generator=torch.Generator().manual_seed(0)).tolist():
        broken = bytearray(whole)
        broken[place] ^= 1 << place % 8
        kept.path.write_bytes(broken)
        with pytest.raises(ZooError, match=r"training.safetensors is damaged: [^\n]*; remove it to start anew$"):
            kept.restore({})
    kept.path.write_bytes(whole[:-5])
    with pytest.raises(ZooError, match="damaged"):
        kept.restore({})
    assert all(torch.equal(value, kept.modules["model"].state_dict()[name]) for name, value in before.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda record, _: record.update(done="7"), "done"),
        (lambda record, _: record.update(done=10), "10 steps are done"),
        (lambda record, _: record.update(done=-1), "-1 steps are done"),
        (lambda record, _: record.update(fingerprint=[]), "fingerprint"),
        (lambda record, _: record.update(fingerprint={}), "it lacks 'config'"),
        (lambda record, _: record.update(more=1), "more"),
        (lambda record, _: record.update(course=[]), "course"),
        (lambda record, _: record["course"]["checks"].append({"rank": 1.0}), "a point of its course has no step"),
        (lambda record, _: record["course"].update(sums={"total": ["1", 2]}), "sums"),
        (lambda record, _: record["course"].update(stopped="somebody"), "stopped"),
        (lambda record, _: record.update(groups={}), "optimizer 'all'"),
        (lambda record, _: record["groups"]["all"][0].update(params=[0]), "optimizer 'all'"),
        (lambda record, _: record["groups"]["all"][0].update(betas=[0.9]), "optimizer 'all'"),
        (lambda record, _: record["groups"]["all"][0].update(eps=float("nan")), "optimizer 'all'"),
        (lambda record, _: record["groups"]["all"][0].update(self=1), "optimizer 'all'"),
        (lambda record, _: record["plain"].update({"optimizer.all.0.x": {"tensor": "none"}}), "it lacks 'none'"),
        (lambda record, _: record["plain"].update({"optimizer.all.99.x": 1}), "no place for 99.x"),
        (lambda _, found: found.pop("model.turned"), "lacks tensor model.turned"),
        (lambda _, found: found.update({"model.more": torch.ones(1)}), "tensor model.more is of nothing"),
        (lambda _, found: found.update({"model.turned": torch.ones(2)}), "model.turned is F32"),
        (lambda _, found: found.update({"model.turned": torch.ones(3, 2).half()}), "model.turned is F16"),
        (lambda _, found: found.pop("optimizer.all.0.exp_avg"), "lacks tensors"),
        (lambda _, found: found.update({"optimizer.all.0.exp_avg": torch.ones(5)}), "exp_avg has shape"),
        (lambda _, found: found.update({"optimizer.all.0.exp_avg": torch.ones(20_000)}), "too large"),
        (lambda _, found: found.update({"optimizer.all.x.exp_avg": torch.ones(1)}), "no place for x.exp_avg"),
    ],
)
def test_a_state_that_somebody_made_up_gives_one_line(tmp_path: Path, change: Any, message: str) -> None:
    kept = state(tmp_path)
    kept.write(7)
    forge(kept.path, change)
    with pytest.raises(ZooError, match=message) as caught:
        kept.restore({})
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, RequestError)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    kept = state(tmp_path)
    kept.path.symlink_to("/dev/zero")
    with pytest.raises(ZooError, match="it is a device, not a file"):
        kept.restore({})
