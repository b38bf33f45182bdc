"""Models saved as a config, safetensors and a card, and loaded strictly: nothing is pickled, nothing is guessed."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec
import torch
from torch import Tensor

from zoo import registry
from zoo.fitting.recipe import recipe_defaults
from zoo.saving.facts import Facts, read_facts, write_card
from zoo.saving.strict import SCHEMA
from zoo.saving.weights import ROOM, Stored, check_header, check_size, few_parts, read_header, read_tensors, write_tensors
from zoo.utils.device import pick
from zoo.utils.errors import RequestError
from zoo.utils.files import see_free, whole_folder, write_json, write_text
from zoo.utils.neutral import neutral

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
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
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> Any: ...
    def to(self, device: torch.device) -> Any: ...


@neutral()
def save(
    model: Storable,
    folder: Path | str,
    *,
    half: bool = False,
    inference: bool = False,
    task: str | None = None,
    task_config: Mapping[str, Any] | None = None,
    seed: int | None = None,
    data: Mapping[str, Any] | None = None,
    scores: Mapping[str, Mapping[str, Any]] | None = None,
    card: Mapping[str, str] | None = None,
) -> Facts:
    """Save a fitted model to a new folder, whole or not at all; gives the facts that are kept with it.

    Args:
        model: a fitted model whose class or preset is registered.
        folder: where to; must not hold anything yet.
        half: store the weights as float16.
        inference: leave out what sampling does not need (:attr:`zoo.Model.training_only`).
        task: the name of the task that it was fitted to, so that it can be used on photos.
        task_config: the settings of that task.
        seed: that it was fitted with.
        data: that it was fitted to: ``{"name", "digest", "items"}``.
        scores: measured ones, as in ``metrics.json``: ``{"value", "low", "high", "unit", "better"}`` by name.
        card: words for the card: ``about``, ``licence``, ``data``, ``command``; each may be left out.

    Raises:
        RequestError: the model is not fitted, not registered or not finite, or the folder is not empty.
        ZooError: the file system refused; nothing is left behind.
    """
    folder = Path(folder)
    if not model.fitted:
        raise RequestError(f"model {model.name or type(model).__name__} is not fitted: there is nothing to save yet")
    see_free(folder, "save to a new folder")
    entry = registry.entry("models", model.name or _name_of(model))
    facts = Facts(
        schema=SCHEMA,
        model=entry.name,
        plugin={"distribution": entry.distribution, "version": entry.version},
        x_shape=list(model.x_shape),
        y_shape=list(model.y_shape),
        config=model.config_dict(),
        task=None if task is None else {"name": task, "config": dict(task_config or {})},
        seed=seed,
        data=None if data is None else dict(data),
        scores={name: dict(score) for name, score in (scores or {}).items()},
        parts="inference" if inference or model.inference_only else "whole",
        dtype="float16" if half else "float32",
    )
    tensors = _tensors(model, inference, half)
    with whole_folder(folder, "save to a new folder") as part:
        write_tensors(part / WEIGHTS, tensors, {"format": "pt"}, folder / WEIGHTS)
        write_json(part / CONFIG, msgspec.structs.asdict(facts))
        write_text(part / CARD, write_card(facts, card or {}))
    return facts


def add_scores(folder: Path, scores: Mapping[str, Mapping[str, Any]], card: Mapping[str, str]) -> None:
    """Add scores, measured of what is saved in ``folder``, to its facts and its card; raises as :func:`save`."""
    facts = read_facts(folder / CONFIG)
    facts = msgspec.structs.replace(facts, scores={name: dict(score) for name, score in scores.items()})
    write_json(folder / CONFIG, msgspec.structs.asdict(facts))
    write_text(folder / CARD, write_card(facts, card))


@neutral()
def load(folder: Path | str, device: str | torch.device = "cpu", facts: Facts | None = None) -> Storable:
    """The model saved in ``folder``, on ``device``, in float32, ready to sample.

    Args:
        folder: of the checkpoint.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        facts: what its ``config.json`` says, where that is already read.

    Raises:
        RequestError: it is no checkpoint, or not exactly what its config says: an unknown or missing setting or tensor,
            a tensor of another shape or kind, a number that is not finite, weights that are no safetensors file, a
            newer schema, a model that is not installed, settings that make a model far larger than the weights.
    """
    chosen, folder = pick(device), Path(folder)
    config, weights = folder / CONFIG, folder / WEIGHTS
    facts = facts or read_facts(config)
    stored = read_header(weights)
    _try(facts, stored, config, weights)
    try:
        model = _create(facts, stored, folder)
    except (RuntimeError, MemoryError, OverflowError) as error:
        raise RequestError(f"{config}: no model can be made of it: {str(error).splitlines()[0]}") from error
    check_header(model.state_dict(), stored, weights, facts.dtype == "float16")
    model.load_state_dict(read_tensors(weights), strict=True)
    model.fitted = True
    loaded: Storable = model.to(chosen).eval()
    return loaded


def _try(facts: Facts, stored: Mapping[str, Stored], config: Path, weights: Path) -> None:
    """Make the model without memory for its numbers, and compare: what does not fit the file is never built.

    A model that cannot be made so (its constructor looks at numbers) is only held to shapes of a sensible size.
    """
    try:
        with torch.device("meta"), few_parts(stored, config):
            model = _create(facts, stored, config.parent)
    except RequestError:
        raise
    except Exception as error:
        overflows = isinstance(error, (OverflowError, MemoryError)) or "verflow" in f"{error} {error.__cause__}"
        if overflows or max(math.prod(facts.x_shape), math.prod(facts.y_shape)) * 4 > ROOM:
            raise RequestError(f"{config}: its shapes or settings are too large for a model: it is not built") from error
        return
    check_header(model.state_dict(), stored, weights, facts.dtype == "float16")


def _create(facts: Facts, stored: Mapping[str, Stored], folder: Path) -> Storable:
    try:
        with torch.random.fork_rng(devices=[]):  # first weights are drawn only to be replaced
            model = registry.create("models", facts.model, tuple(facts.x_shape), tuple(facts.y_shape), **facts.config)
    except RequestError as error:
        plugin = " ".join(facts.plugin[key] for key in ("distribution", "version"))
        raise RequestError(f"checkpoint {folder} needs model {facts.model!r} of {plugin}: {error}") from error
    if not isinstance(model, Storable):
        raise registry.entry("models", facts.model).broken(NO_MODEL)
    missing = set(model.config_dict()) - set(facts.config) - set(recipe_defaults(model.config))
    if missing:
        raise RequestError(f"{folder / CONFIG}: config lacks {', '.join(sorted(missing))}")
    model.name = facts.model
    check_size(model, stored, folder / CONFIG)
    if facts.parts == "inference":
        model.drop_training_parts()
    model.allocate({name: tensor.shape for name, tensor in stored.items()})
    return model


def _tensors(model: Storable, inference: bool, half: bool) -> dict[str, Tensor]:
    if inference and not model.inference_only:
        model = copy.deepcopy(model)
        model.drop_training_parts()
    tensors = {}
    for name, value in model.state_dict().items():
        tensor = value.detach().to("cpu", copy=True).contiguous()
        if half and tensor.is_floating_point():
            tensor = tensor.half()
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            where = "in half precision " if half else ""
            raise RequestError(f"tensor {name} has numbers that are not finite {where}and cannot be saved")
        tensors[name] = tensor
    return tensors


def _name_of(model: Storable) -> str:
    """A registered name of a model that was made directly: its class, or the preset that says most of its config."""
    package, best, most = type(model).__module__.partition(".")[0], "", -1
    config = model.config_dict()
    for name, entries in registry.entries("models").items():
        if not any(entry.module.partition(".")[0] == package for entry in entries):
            continue
        registered = registry.load("models", name)
        try:
            cls, preset = (registered, {}) if isinstance(registered, type) else (registered.model, registered.config)
        except AttributeError as error:
            raise registry.entry("models", name).broken(NO_MODEL) from error
        agree = sum(config.get(key) == value for key, value in preset.items())
        if cls is type(model) and agree == len(preset) and agree > most:
            best, most = name, agree
    if not best:
        raise RequestError(f"{type(model).__name__} is not registered under zoo.models, so nobody could load it again")
    return best
