"""A model made again from what a checkpoint says of it: first without memory for its numbers, so that nothing is believed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from zoo import registry
from zoo.fitting.recipe import recipe_defaults
from zoo.saving.facts import Facts
from zoo.saving.weights import ROOM, check_header, check_size, few_parts
from zoo.utils.errors import RequestError, border
from zoo.utils.tensors import Stored

NO_MODEL = "it is neither a zoo.Model nor a zoo.Preset"


@runtime_checkable
class Storable(Protocol):
    """A model as a checkpoint needs it, which :class:`zoo.Model` is."""

    name: str
    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    fitted: bool
    inference_only: bool
    config: Any

    def config_dict(self) -> dict[str, Any]: ...
    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None: ...
    def drop_training_parts(self) -> None: ...
    def sample(self, x: Tensor, n: int, *, seed: int | None = None) -> Tensor: ...
    def state_dict(self, *, keep_vars: bool = False) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> Any: ...
    def to(self, device: torch.device) -> Any: ...


def attempt(facts: Facts, stored: Mapping[str, Stored], config: Path, weights: Path) -> Storable | None:
    """The model without memory for its numbers, held to the file's header: what does not fit is never built.

    None for one that cannot be made so (its constructor looks at numbers); it is only held to shapes of a sensible size.
    """
    try:
        with torch.device("meta"), few_parts(stored, config):
            model = create(facts, stored, config.parent)
    except RequestError:
        raise
    except Exception as error:
        overflows = isinstance(error, (OverflowError, MemoryError)) or "verflow" in f"{error} {error.__cause__}"
        if overflows or max(math.prod(facts.x_shape), math.prod(facts.y_shape)) * 4 > ROOM:
            raise RequestError(f"{config}: its shapes or settings are too large for a model: it is not built") from error
        return None
    check_header(model.state_dict(), stored, weights, facts.dtype == "float16")
    return model


def build(facts: Facts, stored: Mapping[str, Stored], config: Path, weights: Path) -> Storable:
    """The model, with first numbers; raises a RequestError where none can be made of the facts, or another one."""
    with border(f"{config}: no model can be made of it", RequestError):
        model = create(facts, stored, config.parent)
    check_header(model.state_dict(), stored, weights, facts.dtype == "float16")
    return model


def create(facts: Facts, stored: Mapping[str, Stored], folder: Path) -> Storable:
    """The model that ``facts`` name, with buffers for what is ``stored``; ``folder`` is for the message."""

    def made(**config: Any) -> Storable:
        try:
            with torch.random.fork_rng(devices=[]):  # first weights are drawn only to be replaced
                model = registry.create("models", facts.model, tuple(facts.x_shape), tuple(facts.y_shape), **config)
        except RequestError as error:
            plugin = " ".join(facts.plugin[key] for key in ("distribution", "version"))
            raise RequestError(f"checkpoint {folder} needs model {facts.model!r} of {plugin}: {error}") from error
        if not isinstance(model, Storable):
            raise registry.entry("models", facts.model).broken(NO_MODEL)
        return model

    model = made(**facts.config)
    older = {key: value for key, value in recipe_defaults(model.config).items() if key not in facts.config}
    if any(getattr(model.config, key) != value for key, value in older.items()):  # a preset has come to set it since
        model = made(**facts.config, **older)
    missing = set(model.config_dict()) - set(facts.config) - set(recipe_defaults(model.config))
    if missing:
        raise RequestError(f"{folder / 'config.json'}: config lacks {', '.join(sorted(missing))}")
    model.name = facts.model
    check_size(model, stored, folder / "config.json")
    if facts.parts == "inference":
        model.drop_training_parts()
    model.allocate({name: tensor.shape for name, tensor in stored.items()})
    return model
