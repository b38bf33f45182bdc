"""Saving and loading: the same model comes back, and nothing that is not exactly right is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from safetensors.torch import load_file

from zoo.contracts.make import model as create
from zoo.contracts.model import Model
from zoo.data.pairs import Pairs
from zoo.saving.checkpoint import load, save
from zoo.utils.errors import RequestError, ZooError

pytestmark = pytest.mark.usefixtures("toy_plugin")


def fitted(name: str = "toy-wide", **config: Any) -> Model:
    model = create(name, (1, 4, 4), (1, 4, 4), **config)
    x = torch.rand(12, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    model.fit(Pairs(x, 1 - x))
    return model


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save(fitted(), tmp_path / "a")
    return tmp_path / "a"


def change(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_the_same_model_comes_back(tmp_path: Path) -> None:
    model = fitted(spread=0.2)
    save(model, tmp_path / "a", task="toy-shade", task_config={"size": 4}, seed=3, data={"name": "toy", "digest": "ab"})
    again = load(tmp_path / "a")
    assert again.config_dict() == {"spread": 0.2, "layers": 2}
    assert again.state_dict().keys() == model.state_dict().keys()
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    assert config["plugin"] == {"distribution": "toy-zoo", "version": "0.1.0"}
    assert config["task"] == {"name": "toy-shade", "config": {"size": 4}}


def test_half_precision_and_inference_parts(tmp_path: Path) -> None:
    model = fitted()
    save(model, tmp_path / "a", half=True, inference=True)
    stored = load_file(tmp_path / "a" / "model.safetensors")
    assert stored["mean"].dtype == torch.float16
    assert stored["count"].dtype == torch.int64
    assert not any(name.startswith("helper") for name in stored)
    again = load(tmp_path / "a")
    mean = again.get_buffer("mean")
    assert mean.dtype == torch.float32
    assert torch.allclose(mean, model.get_buffer("mean"), atol=1e-3)
    assert any(name.startswith("helper") for name in model.state_dict()), "saving changes nothing in the model"
    save(again, tmp_path / "b")
    assert json.loads((tmp_path / "b" / "config.json").read_text())["parts"] == "inference"


def test_a_model_made_directly_finds_its_own_name(tmp_path: Path) -> None:
    from toy_zoo import Toy

    for config, name in (({}, "toy"), ({"spread": 0.4, "layers": 2}, "toy-wide")):
        model = Toy((1, 4, 4), (1, 4, 4), **config)
        x = torch.rand(6, 1, 4, 4)
        model.fit(Pairs(x, x))
        model.save(tmp_path / name)
        assert Toy.load(tmp_path / name).name == name


def test_what_is_registered_and_no_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted()
    save(model, tmp_path / "a")
    monkeypatch.setattr("toy_zoo.wide", lambda *shapes, **config: object())
    model.name = ""
    for work in (lambda: load(tmp_path / "a"), lambda: save(model, tmp_path / "b")):
        with pytest.raises(ZooError, match=r"model 'toy-wide' of toy-zoo .*: it is neither a zoo\.Model nor a zoo\.Preset"):
            work()


def test_a_full_folder_or_an_unfitted_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "photo.jpg").touch()
    with pytest.raises(RequestError, match="already holds"):
        save(fitted(), tmp_path / "a")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["photo.jpg"]
    with pytest.raises(RequestError, match="not fitted"):
        save(create("toy", (1, 4, 4), (1, 4, 4)), tmp_path / "b")


def test_numbers_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    model = fitted()
    model.get_buffer("mean")[0, 0, 0] = 1e6
    with pytest.raises(RequestError, match=r"mean.*half precision"):
        save(model, tmp_path / "a", half=True)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safetensors.torch.save_file", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(ZooError, match="No space left"):
        save(fitted(), tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"schema": 0}, "schema"),
        ({"config": {"layers": 2}}, "config lacks spread"),
        ({"config": {"spread": "wide", "layers": 2}}, "spread"),
        ({"model": "toys"}, "did you mean 'toy'"),
        ({"x_shape": [1, "4", 4]}, "x_shape"),
        ({"y_shape": [1, 5, 5]}, "tensor mean has shape"),
        ({"parts": "half"}, "parts"),
        ({"parts": "inference"}, "unknown tensors helper"),
        ({"task": {"name": "toy-shade"}}, "task must have"),
        ({"seed": "three"}, "seed"),
        ({"x_shape": [1, 10**8, 10**8], "y_shape": [1, 10**8, 10**8]}, "is not built|tensor mean has shape"),
        ({"x_shape": [1, 10**30], "y_shape": [1, 10**30]}, "too large for a model"),
        ({"x_shape": [1, 10**12, 10**12], "y_shape": [1, 10**12, 10**12]}, "too large for a model"),
        ({"scores": {"nll": 3}}, "scores 'nll' is 3; it must be a table"),
        ({"scores": {"nll": {"value": "low"}}}, "the value of 'nll' is 'low'"),
        ({"scores": {"nll": {"value": 1, "low": "x"}}}, "null for an interval, unlike 'nll'"),
        ({"plugin": {"distribution": 3, "version": "1"}}, "plugin 'distribution' is 3; it must be text"),
        ({"task": {"name": ["a"], "config": {}}}, "named in text"),
        ({"task": {"name": "toy-shade", "config": []}}, "its config must be a table"),
    ],
)
def test_a_config_that_is_not_exactly_right_or_would_eat_the_memory_is_refused(
    saved: Path, values: dict[str, Any], message: str
) -> None:
    change(saved, **values)
    with pytest.raises(RequestError, match=message) as caught:
        load(saved)
    assert "\n" not in str(caught.value)


def test_what_is_missing_is_named(saved: Path) -> None:
    with pytest.raises(RequestError, match="no checkpoint"):
        load(saved.parent)
    (saved / "model.safetensors").unlink()
    with pytest.raises(RequestError, match=r"model\.safetensors is missing"):
        load(saved)


def test_the_card_says_what_the_model_is(tmp_path: Path) -> None:
    score = {"value": 0.0123, "low": 0.01, "high": 0.02, "unit": "squared error", "better": "lower"}
    words = {"licence": "Apache-2.0", "command": "zoo run --model toy-wide", "about": "Negatives."}
    save(fitted(), tmp_path / "a", task="toy-shade", seed=7, data={"name": "toy", "digest": "ab", "items": 12},
         scores={"toy-best@3": score}, card=words)  # fmt: skip
    card = (tmp_path / "a" / "README.md").read_text()
    front = card.split("---")[1]
    assert "license: apache-2.0" in front
    assert "library_name: cond-zoo" in front
    assert "- toy-shade" in front
    for said in ("Negatives.", "| toy-best@3 | 0.0123 | 0.01 to 0.02 | lower |", "zoo run --model toy-wide", "Seed: 7"):
        assert said in card


@pytest.mark.parametrize("begin", [b"", *(length.to_bytes(8, "little") for length in (2**63, 10**6))])
def test_a_header_is_bounded_before_it_is_read(saved: Path, begin: bytes) -> None:
    path = saved / "model.safetensors"
    path.write_bytes(begin and begin + path.read_bytes()[8:])
    with pytest.raises(RequestError, match=r"no safetensors file.*(header too large|header too small|invalid header length)"):
        load(saved)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": ' + "1" * 5000 + "}", "cannot be read as JSON"),
        ('{"schema": 1, "seed": NaN}', "cannot be read as JSON: .*invalid character"),
        ("[]", "must hold keys and values, not a list"),
    ],
)
def test_json_that_is_deep_large_or_wrong_is_refused(saved: Path, text: str, message: str) -> None:
    (saved / "config.json").write_text(text)
    with pytest.raises(RequestError, match=message) as caught:
        load(saved)
    assert len(str(caught.value)) < 500


def test_a_model_of_countless_parts_is_not_made(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toy_zoo import Toy

    init = Toy.__init__

    def stacks(self: Any, *shapes: Any, **config: Any) -> None:
        init(self, *shapes, **config)
        self.stack = torch.nn.ModuleList(torch.nn.Linear(1, 1) for _ in range(self.config.layers))

    monkeypatch.setattr(Toy, "__init__", stacks)
    change(saved, config={"spread": 0.1, "layers": 10**9})
    with pytest.raises(RequestError, match=r"more than 10,000 parts for \d+ stored tensors"):
        load(saved)
    assert len(torch.nn.ModuleList(torch.nn.Linear(1, 1) for _ in range(11_000))) == 11_000, "others are not bounded"


def test_a_model_that_looks_at_numbers_while_it_is_made_is_loaded_too(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toy_zoo import Toy

    init = Toy.__init__

    def looks(self: Any, *shapes: Any, **config: Any) -> None:
        init(self, *shapes, **config)
        assert torch.ones(1).item() == 1

    monkeypatch.setattr(Toy, "__init__", looks)
    x = torch.rand(1, 1, 4, 4)
    assert load(saved).sample(x, 2, seed=0).shape == (1, 2, 1, 4, 4)
    change(saved, x_shape=[1, 10**8, 10**8])
    with pytest.raises(RequestError, match="too large for a model"):
        load(saved)
