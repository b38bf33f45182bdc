"""What would keep a model from being saved and loaded again is found before it is fitted; tied weights are stored once."""

from __future__ import annotations

import dataclasses
import enum
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import zoo
from zoo.contracts.make import model as create
from zoo.data.pairs import Pairs
from zoo.saving.checkpoint import load, prove, save
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.tensors import apart, digest_of, unique

pytestmark = pytest.mark.usefixtures("toy_plugin")


def toy() -> Any:
    return import_module("toy_zoo").Toy


class Colour(str, enum.Enum):
    RED = "red"


class Extra(nn.Linear):
    def get_extra_state(self) -> Any:
        return {"a": 1}


@dataclasses.dataclass(frozen=True)
class Inner:
    width: int = 3


def configured(monkeypatch: pytest.MonkeyPatch, hint: Any, default: Any) -> zoo.Model:
    fields = [("spread", float, 0.1), ("layers", int, 1), ("odd", hint, dataclasses.field(default_factory=lambda: default))]
    monkeypatch.setattr(toy(), "Config", dataclasses.make_dataclass("Config", fields, frozen=True))
    return create("toy", (1, 4, 4), (1, 4, 4))


@pytest.mark.parametrize(
    ("hint", "default"),
    [
        (tuple, (1, 2)),
        (Inner, Inner()),
        (set, {1}),
        (Path, Path("a")),
        (Colour, Colour.RED),
        (list[int], [1]),
        (dict[int, int], {1: 2}),
        (float, np.float32(1)),
        (float, float("nan")),
        (float, float("inf")),
        (int | None, 1.5),
        (str, "a\udcff"),
    ],
)
def test_a_setting_that_cannot_be_read_back_is_named(monkeypatch: pytest.MonkeyPatch, hint: Any, default: Any) -> None:
    with pytest.raises(ZooError, match=r"odd|a\\\\udcff|surrogate|malformed") as caught:
        prove(configured(monkeypatch, hint, default))
    assert "\n" not in str(caught.value)


def test_a_run_finds_it_before_it_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, tuple, (1, 2))
    monkeypatch.setattr(toy(), "fit", lambda *_, **__: pytest.fail("it was fitted"))
    with pytest.raises(ZooError, match=r"'toy' of toy-zoo .* could not be loaded again: .*odd is \[1, 2\]"):
        zoo.run("toy", "toy-shade", out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_settings_that_come_back_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for hint, default in ((tuple[int, ...], (1, 2)), (int | None, None), (str, "é"), (float, np.float64(2))):
        prove(configured(monkeypatch, hint, default), data={"name": "folder:stra\udcdfe"}, card={"command": "a\udcdf"})
        monkeypatch.undo()


def odd(monkeypatch: pytest.MonkeyPatch, *, late: bool = False, **buffers: Any) -> zoo.Model:
    """A toy model with two layers that share a weight, since it was made or ``late``, and with these buffers."""
    init = toy().__init__

    def more(self: Any, *shapes: Any, **config: Any) -> None:
        init(self, *shapes, **config)
        self.one, self.two = nn.Linear(3, 3), nn.Linear(3, 3)
        if not late:
            self.two.weight = self.one.weight
        for name, value in buffers.items():
            self.register_buffer(name, None if value is None else value.clone())

    monkeypatch.setattr(toy(), "__init__", more)
    model = create("toy", (1, 4, 4), (1, 4, 4))
    model.fit(Pairs(torch.rand(6, 1, 4, 4), torch.rand(6, 1, 4, 4)))
    if late:
        model.two.weight = model.one.weight
    return model


@pytest.mark.parametrize("late", [False, True])
def test_tied_weights_are_stored_once_and_loaded_tied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    model = odd(monkeypatch, late=late)
    save(model, tmp_path / "a")
    stored = load_file(tmp_path / "a" / "model.safetensors")
    assert "one.weight" in stored
    assert "two.weight" not in stored
    again: Any = load(tmp_path / "a")
    assert torch.equal(again.two.weight, model.one.weight)  # type: ignore[union-attr]
    assert (again.two.weight is again.one.weight) == (not late), "as it is made"
    save(again, tmp_path / "b")


@pytest.mark.parametrize(
    ("tied", "more", "message"),
    [
        (None, {}, "lacks tensor two.weight"),
        ('{"two.weight": "none"}', {}, "ties 'two.weight' to 'none'"),
        ('{"two.weight": "count"}', {}, "two.weight has shape"),
        ('{"mean": "one.weight", "two.weight": "one.weight"}', {}, "ties 'mean'"),
        ("[" * 100_000, {}, "damaged or no safetensors"),
        ('{"two.weight": 5}', {}, "damaged or no safetensors"),
        (None, {"two.weight": torch.zeros(3, 3)}, "one.weight and two.weight are one in the model"),
    ],
)
def test_ties_of_a_strangers_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tied: str | None, more: Any, message: str
) -> None:
    save(odd(monkeypatch), tmp_path / "a")
    path = tmp_path / "a" / "model.safetensors"
    save_file({**load_file(path), **more}, path, {"format": "pt", **({} if tied is None else {"tied": tied})})
    with pytest.raises(RequestError, match=message) as caught:
        load(tmp_path / "a")
    assert "\n" not in str(caught.value)


def test_tensors_of_every_kind_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = (torch.bool, torch.uint8, torch.int16, torch.bfloat16, torch.float16, torch.float64, torch.complex64)
    buffers = {f"b{i}": torch.ones(2, dtype=kind) for i, kind in enumerate((*kinds, torch.float8_e4m3fn))}
    model = odd(monkeypatch, turned=torch.arange(6.0).view(2, 3), nothing=None, **buffers)
    model.turned = torch.arange(6.0).view(3, 2).t()
    model.b0 = torch.ones(4, dtype=torch.bool)[::2]
    save(model, tmp_path / "a")
    again = load(tmp_path / "a").state_dict()
    assert "nothing" not in again
    kept, tied = unique(model.state_dict(keep_vars=True))
    assert tied == {"two.weight": "one.weight"}
    assert digest_of(apart(kept), "") == digest_of(apart({name: again[name] for name in kept}), ""), "types, shapes and bits"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda model: model.register_buffer("odd", torch.eye(2).to_sparse()), "odd of its state is of type sparse_coo"),
        (lambda model: model.register_buffer("odd", torch.ones(1, dtype=torch.complex128)), "type complex128"),
        (lambda model: setattr(model, "odd", nn.LazyLinear(2)), "odd.weight of its state has no shape"),
        (lambda model: setattr(model, "odd", nn.Linear(2, 2)), "has the unknown tensors odd.bias, odd.weight"),
        (lambda model: setattr(model, "helper", Extra(3, 3)), "helper._extra_state of its state is {'a': 1}"),
        (lambda model: model.helper.half(), "helper.* is of type F16; it must be F32"),
    ],
)
def test_what_no_file_can_hold_or_no_model_takes_back_is_said_before(make: Any, message: str) -> None:
    model = create("toy", (1, 4, 4), (1, 4, 4))
    make(model)
    with pytest.raises(ZooError, match=message):
        model.prove()


def test_a_full_disk_at_the_end_keeps_the_state_to_go_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = save_file

    def full(tensors: Any, path: Path, metadata: Any = None) -> None:
        if path.name == "model.safetensors":
            raise OSError(28, "No space left on device")
        real(tensors, path, metadata)

    given: Any = {"model": "cvae", "task": "toy-shade", "out": tmp_path / "run", "progress": False, "metrics": ["toy-best"]}
    given |= {"n": 2, "settings": {"steps": 2, "batch_size": 4, "task.size": 8}}
    with monkeypatch.context() as patch:
        patch.setattr("safetensors.torch.save_file", full)
        with pytest.raises(ZooError, match=r"cannot write .*model\.safetensors: No space left") as caught:
            zoo.run(**given)
    assert "go on with --resume" in str(getattr(caught.value, "__notes__", ["go on with --resume"]))
    assert zoo.run(**given, resume=True).history.resumed_at == 2
    assert (tmp_path / "run" / "checkpoint" / "model.safetensors").is_file()
