"""Settings that say that no fit reads them: the weights are the same whatever they are, and a fitted model may have others."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from zoo import registry
from zoo.contracts import make
from zoo.contracts.make import model_class
from zoo.contracts.model import Model
from zoo.data.pairs import Pairs
from zoo.utils.config import sampling
from zoo.utils.errors import RequestError

OTHERS = {"solver_steps": 2, "shift": 3.0, "detail": 0.5, "temperature": 0.5, "inference_steps": 1}
FIRST = {
    model_class(name)[0]: name
    for name in reversed(registry.names("models"))
    if registry.entry("models", name).own and sampling(model_class(name)[0].Config)
}
"""One name of each of this project's models that have such settings."""


def fitted(name: str, **settings: Any) -> Model:
    cls = model_class(name)[0]
    model = make.model(name, (1, 8, 8), (1, 8, 8), **{**cls.check_settings, "steps": 2, "batch_size": 4, **settings})
    x = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    model.fit(Pairs(x, 1 - x), seed=1, device="cpu", progress=False)
    return model


def test_the_settings_that_were_marked_are_found() -> None:
    assert {cls.__name__ for cls in FIRST} >= {"Flow", "Engression", "CDVAE", "CGML"}
    assert {name for cls in FIRST for name in sampling(cls.Config)} == set(OTHERS)


@pytest.mark.parametrize("name", FIRST.values())
def test_no_fit_reads_them_and_samples_do(name: str) -> None:
    x, plain = torch.rand(2, 1, 8, 8), fitted(name)
    others = {setting: OTHERS[setting] for setting in sampling(plain.config)}
    other, before = fitted(name, **others), plain.sample(x, 2, seed=0)
    assert all(torch.equal(a, b) for a, b in zip(plain.state_dict().values(), other.state_dict().values(), strict=True))
    for setting, value in others.items():
        was = getattr(plain.config, setting)
        plain.set_sampling(**{setting: value})
        assert not torch.equal(plain.sample(x, 2, seed=0), before)
        plain.set_sampling(**{setting: was})
    assert torch.equal(plain.sample(x, 2, seed=0), before)
    plain.set_sampling(**others)
    assert torch.equal(plain.sample(x, 2, seed=0), other.sample(x, 2, seed=0))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 3}, "was fitted with its steps, which is not changed afterwards: those of sampling are detail, shift"),
        ({"detial": 1}, "has no setting 'detial': did you mean 'detail'"),
        ({"detail": 2}, "detail is 2.0; it must be from 0 to 1"),
    ],
)
def test_what_a_fit_reads_and_what_is_wrong_is_refused(given: dict[str, Any], message: str) -> None:
    model = make.model("flow", (1, 8, 8), (1, 8, 8))
    before = model.config
    with pytest.raises(RequestError, match=message):
        model.set_sampling(**given)
    assert model.config is before
