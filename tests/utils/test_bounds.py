"""Whole numbers in their bounds, and memory that is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from zoo import registry
from zoo.utils import bounds
from zoo.utils.bounds import afford, affordable, seed_of, whole
from zoo.utils.device import pick
from zoo.utils.errors import RequestError


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), torch.tensor(3)])
def test_whole_numbers_of_any_package(value: Any) -> None:
    number = whole(value, "n", 1)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("value", [True, np.True_, torch.tensor(True), 2.0, "3", None, float("inf"), 0, 10**30])
def test_what_is_no_whole_number_in_range_is_refused(value: Any) -> None:
    with pytest.raises(RequestError, match=r"^n is .{1,60}; it must be a whole number, from 1 to 9$"):
        whole(value, "n", 1, 9)


class Odd:
    """A value none of whose methods can be called."""

    def __index__(self) -> int:
        raise KeyError("index")

    def __repr__(self) -> str:
        raise KeyError("repr")


@pytest.mark.parametrize("value", [Odd(), 2**63, 10**5000], ids=["odd", "large", "huge"])
def test_what_cannot_be_told_or_is_endless_is_refused(value: Any) -> None:
    with pytest.raises(RequestError, match="must be a whole number, at least 1"):
        whole(value, "n", 1)
    with pytest.raises(RequestError, match="no model is called"):
        registry.entry("models", value)


@pytest.mark.parametrize("device", [Odd(), 10**5000, ["cpu"], "xyz"], ids=["odd", "huge", "list", "word"])
def test_what_is_no_device_is_refused(device: Any) -> None:
    with pytest.raises(RequestError, match="must be auto, cpu"):
        pick(device)


def test_seeds_end_where_torch_ends() -> None:
    assert torch.Generator().manual_seed(seed_of(2**63 - 1)).initial_seed() == 2**63 - 1
    with pytest.raises(RequestError, match="seed is 9223372036854775808"):
        seed_of(2**63)


def test_memory_is_looked_at_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < bounds.free_memory() < 2**50
    monkeypatch.setattr(bounds, "free_memory", lambda: 2e9)
    afford(1.9e9, "19 samples", "take fewer")
    with pytest.raises(RequestError, match=r"^21 samples need about 2.1 GB of memory, and 2.0 GB are free: take fewer$"):
        afford(2.1e9, "21 samples", "take fewer")


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.randn(10**7, 10**6),
        lambda: torch.zeros(1).new_zeros(10**13),
        lambda: torch.arange(10**13),
        lambda: torch.nn.Linear(2**40, 2**40),
    ],
)
def test_memory_that_is_not_there_is_not_asked_for(make: Any) -> None:
    with (
        pytest.raises(RequestError, match=r"these need about [\d,]+\.0 GB of memory, and .* are free: take less"),
        affordable("these", "take less"),
    ):
        make()


def test_a_model_of_endless_parts_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.utils.bounds.PARTS", 100)
    layers = torch.nn.ModuleList()
    with pytest.raises(RequestError, match="these make a model of more than 100 parts"), affordable("these", "take less"):
        layers.extend(torch.nn.Linear(1, 1) for _ in range(1000))
    layers.extend(torch.nn.Linear(1, 1) for _ in range(100))
