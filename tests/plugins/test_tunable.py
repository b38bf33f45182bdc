"""What each model says is worth searching."""

from __future__ import annotations

import pytest

from zoo import registry
from zoo.contracts.make import model_class
from zoo.fitting.recipe import Recipe
from zoo.utils.config import make_config

OWN = [name for name in registry.names("models") if registry.entry("models", name).own]


@pytest.mark.parametrize("name", OWN)
def test_every_value_worth_trying_is_accepted_and_the_default_is_one_of_them(name: str) -> None:
    cls, preset = model_class(name)
    defaults = cls.Config()
    for setting, values in cls.tunable.items():
        assert len(values) == len(set(values)) > 1
        assert getattr(defaults, setting) == values[0]
        for value in values:
            assert getattr(make_config(cls.Config, {**preset, setting: value}, name), setting) == value


@pytest.mark.parametrize("name", OWN)
def test_a_model_that_is_trained_has_something_to_search_that_its_preset_leaves_open(name: str) -> None:
    cls, preset = model_class(name)
    assert cls.tunable.keys() - preset.keys() or not issubclass(cls.Config, Recipe)
