"""Models saved as a config, safetensors and a card, and loaded strictly: nothing is pickled, nothing is guessed."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import torch
from torch import Tensor

from zoo import registry
from zoo.saving.again import NO_MODEL, Storable, attempt, build
from zoo.saving.facts import Facts, read_facts, write_card
from zoo.saving.strict import LARGEST, SCHEMA, parse
from zoo.saving.weights import check_tied, read_header, read_tensors
from zoo.utils.device import pick
from zoo.utils.errors import RequestError, border, cause
from zoo.utils.files import see_free, user_path, whole_folder, write_json, write_text
from zoo.utils.neutral import neutral
from zoo.utils.tensors import Stored, apart, check_float32, finite, header_of, unique, write
from zoo.utils.words import visible

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
Parts = Literal["whole", "inference"]


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
        card: words for the card: ``about``, ``licence``, ``data``, ``command``, ``larger`` (a command for a GPU); each may be
            left out.

    Raises:
        RequestError: the model is not fitted, not registered or not finite, or the folder is not empty.
        ZooError: the file system refused; nothing is left behind.
    """
    folder = user_path(folder)
    if not model.fitted:
        raise RequestError(f"model {model.name or type(model).__name__} is not fitted: there is nothing to save yet")
    see_free(folder, "save to a new folder")
    parts: Parts = "inference" if inference or model.inference_only else "whole"
    facts = _facts(model, task, task_config, seed, data, scores or {}, parts, half)
    if parts == "inference" and not model.inference_only:
        model = copy.deepcopy(model)
        model.drop_training_parts()
    kept, tied = _unique(model, facts)
    check_float32(kept.values(), f"model {facts.model!r}")
    _prove(model, facts, header_of(kept, tied, half), card or {})
    numbers = _numbers(kept, half)
    with whole_folder(folder, "save to a new folder") as part:
        write(part / WEIGHTS, numbers, tied, {"format": "pt"}, folder / WEIGHTS)
        write_json(part / CONFIG, msgspec.structs.asdict(facts))
        write_text(part / CARD, visible(write_card(facts, card or {}), lines=True))
    return facts


def add_scores(folder: Path, scores: Mapping[str, Mapping[str, Any]], card: Mapping[str, str]) -> None:
    """Add scores, measured of what is saved in ``folder``, to its facts and its card; raises as :func:`save`."""
    facts = read_facts(folder / CONFIG)
    facts = msgspec.structs.replace(facts, scores={visible(name): _shown(score) for name, score in scores.items()})
    write_json(folder / CONFIG, msgspec.structs.asdict(facts))
    write_text(folder / CARD, visible(write_card(facts, card), lines=True))


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
    chosen, folder = pick(device), user_path(folder)
    config, weights = folder / CONFIG, folder / WEIGHTS
    facts = facts or read_facts(config)
    stored = read_header(weights)
    attempt(facts, stored, config, weights)
    model = build(facts, stored, config, weights)
    numbers = read_tensors(weights)
    check_tied(model.state_dict(keep_vars=True), numbers, weights)
    with border(f"{folder} cannot be loaded"):  # a device has less memory than a machine
        model.load_state_dict(numbers, strict=True)
        model.fitted = True
        loaded: Storable = model.to(chosen).eval()
    return loaded


@neutral()
def prove(
    model: Storable,
    *,
    task: str | None = None,
    task_config: Mapping[str, Any] | None = None,
    seed: int | None = None,
    data: Mapping[str, Any] | None = None,
    card: Mapping[str, str] | None = None,
) -> None:
    """See, before a model is fitted, that it could be saved (:func:`save`, of which it takes the words) and loaded again.

    Its settings and those of the task go through JSON and back, and a second model is made of them, without memory for its
    numbers, that has the same tensors. What only the data decide can be looked at when they have been seen.

    Raises:
        RequestError: a setting that was given cannot be kept.
        ZooError: the model could not be loaded again; says which setting or tensor is in the way.
    """
    parts: Parts = "inference" if model.inference_only else "whole"
    if task is not None:
        _prove_task(task, task_config or {})
    facts = _facts(model, task, task_config, seed, data, {}, parts, False)
    kept, tied = _unique(model, facts)
    _prove(model, facts, header_of(kept, tied, False), card or {})


def _facts(
    model: Storable,
    task: str | None,
    task_config: Mapping[str, Any] | None,
    seed: int | None,
    data: Mapping[str, Any] | None,
    scores: Mapping[str, Mapping[str, Any]],
    parts: Parts,
    half: bool,
) -> Facts:
    entry = registry.entry("models", model.name or _name_of(model))
    with border(f"model {entry.name!r} cannot be saved", RequestError):
        return Facts(
            schema=SCHEMA,
            model=entry.name,
            plugin={"distribution": entry.distribution, "version": entry.version},
            x_shape=list(model.x_shape),
            y_shape=list(model.y_shape),
            config=model.config_dict(),
            task=None if task is None else {"name": task, "config": dict(task_config or {})},
            seed=seed,
            data=None if data is None else _shown(data),
            scores={visible(name): _shown(score) for name, score in scores.items()},
            parts=parts,
            dtype="float16" if half else "float32",
        )


def _shown(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table of words for the reader, such as paths, which may hold what JSON does not: that is written out."""
    return {key: visible(value) if isinstance(value, str) else value for key, value in table.items()}


def _prove(model: Storable, facts: Facts, stored: Mapping[str, Stored], card: Mapping[str, str]) -> None:
    """Read the facts back from JSON, and make a model of them that has the stored tensors and the same config."""
    entry, here = registry.entry("models", facts.model), Path("checkpoint")
    for key, value in facts.config.items():
        _plain(f"setting {key}", value, entry)
    with border(f"model {facts.model!r} cannot be saved", RequestError):
        content = json.dumps(msgspec.structs.asdict(facts), indent=2, allow_nan=False).encode()
        if len(content) > LARGEST:
            raise RequestError(f"{CONFIG} would have {len(content):,} bytes of settings and scores; at most {LARGEST:,} fit")
        again = parse(content, Facts, here / CONFIG)
        write_card(facts, card)
    try:
        where = (again, stored, here / CONFIG, here / WEIGHTS)
        config = (attempt(*where) or build(*where)).config_dict()
        for key, value in facts.config.items():
            if config.get(key) != value:
                raise RequestError(f"setting {key} is {value!r:.80}, and {config.get(key)!r:.80} when it is read again")
    except Exception as error:
        reason = error.__cause__ if isinstance(error.__cause__, RequestError) else error
        raise entry.broken(f"its checkpoint could not be loaded again: {cause(reason)}") from error


def _plain(what: str, value: Any, whose: registry.Entry) -> None:
    """Raise where JSON has no words for a value: the user's fault for a number that is none, else that of who wrote it."""
    try:
        json.dumps(value, allow_nan=False)
    except Exception as error:
        words = f"its {what} is {value!r:.80}, which a checkpoint cannot keep: {cause(error)}"
        number = isinstance(value, float)
        raise (RequestError(f"{whose.name}: {words}") if number else whose.broken(words)) from error


def _prove_task(name: str, config: Mapping[str, Any]) -> None:
    """Make the task again of its settings as JSON gives them back."""
    entry = registry.entry("tasks", name)
    for key, value in config.items():
        _plain(f"setting {key}", value, entry)
    try:
        again = registry.create("tasks", name, **json.loads(json.dumps(config))).config
        changed = [key for key, value in config.items() if getattr(again, key) != value]
    except Exception as error:
        raise entry.broken(f"it could not be made again of its settings: {cause(error)}") from error
    if changed:
        raise entry.broken(f"its setting {changed[0]} is another when it is read again")


def _unique(model: Storable, facts: Facts) -> tuple[dict[str, Tensor], dict[str, str]]:
    with border(f"model {facts.model!r} cannot be saved"):
        return unique(model.state_dict(keep_vars=True))


def _numbers(kept: Mapping[str, Tensor], half: bool) -> dict[str, Tensor]:
    """The numbers as they are written."""
    numbers = apart({name: value.half() if half and value.is_floating_point() else value for name, value in kept.items()})
    for name, value in numbers.items():
        if not finite(value):
            where = "in half precision " if half else ""
            raise RequestError(f"tensor {name} has numbers that are not finite {where}and cannot be saved")
    return numbers


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
