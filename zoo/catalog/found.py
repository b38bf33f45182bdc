"""Where the files of a checkpoint are, and the model in them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import torch

from zoo import registry
from zoo.catalog import checkpoints
from zoo.catalog.recommended import meant
from zoo.contracts import make
from zoo.contracts.model import Model
from zoo.hub.client import tell
from zoo.hub.pull import pull
from zoo.hub.source import PREFIX, parse
from zoo.saving.again import NO_MODEL
from zoo.saving.checkpoint import CONFIG
from zoo.saving.checkpoint import load as load_checkpoint
from zoo.saving.facts import Facts, read_facts
from zoo.utils.config import added, sampling
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import user_path


def fitted_model(folder: Path, device: str | torch.device, facts: Facts) -> Model:
    """The model of the checkpoint in ``folder``, whose facts are read; raises as :func:`zoo.saving.checkpoint.load`."""
    model = load_checkpoint(folder, device, facts)
    if not isinstance(model, Model):
        raise registry.entry("models", facts.model).broken(NO_MODEL)
    return model


def folder_of(name: str) -> Path:
    """The folder of a registered checkpoint, of ``hf:ORG/REPO@REVISION`` or of ``dir:PATH``; raises as :func:`load`.

    What is registered or comes from the Hub is checked. Of a run's folder it is that of its checkpoint.
    """
    if name.startswith("dir:"):
        folder = user_path(name.removeprefix("dir:"))
        if not folder.is_dir():
            raise RequestError(f"there is no folder {folder}; name a checkpoint's folder as dir:PATH")
        inside = folder / "checkpoint"
        return inside if not (folder / CONFIG).exists() and (inside / CONFIG).exists() else folder
    if name.startswith(PREFIX):
        source = parse(name)
        pulled = pull(source)
        if source.revision is None and not pulled.why:
            tell(f"{source} is at commit {pulled.revision}; to pin it, load {source}@{pulled.revision}")
        return pulled.folder
    return checkpoints.folder_of(checkpoints.find(name))


def named_folder(name: str) -> Path:
    """A folder by its path, or that of the checkpoint of this name, or of the one recommended for the task of this name."""
    path = user_path(name)
    named = name.startswith(checkpoints.BY_PLACE) or name in registry.names("tasks") or name in checkpoints.known().named
    return path if path.exists() or not named else folder_of(meant(name))


def sampled_by(folder: Path) -> dict[str, Any]:
    """The settings that only sampling reads, by name, as the checkpoint in ``folder`` has them; none where it is broken."""
    with contextlib.suppress(ZooError):
        facts = read_facts(folder / CONFIG)
        config = make.model_class(facts.model)[0].Config
        with registry.calling("models", facts.model, "its settings cannot be told"):
            return {key: value for key, value in sorted((added(config) | facts.config).items()) if key in sampling(config)}
    return {}


def facts_of(name: str) -> Facts:
    """The facts of a checkpoint, named as for :func:`folder_of`."""
    return read_facts(folder_of(name) / CONFIG)
