"""Where the files of a checkpoint are, and the model in them."""

from __future__ import annotations

from pathlib import Path

import torch

from zoo import registry
from zoo.catalog import checkpoints
from zoo.contracts.model import Model
from zoo.hub.client import tell
from zoo.hub.pull import pull
from zoo.hub.source import PREFIX, parse
from zoo.saving.again import NO_MODEL
from zoo.saving.checkpoint import load as load_checkpoint
from zoo.saving.facts import Facts
from zoo.utils.errors import RequestError
from zoo.utils.files import user_path


def fitted_model(folder: Path, device: str | torch.device, facts: Facts) -> Model:
    """The model of the checkpoint in ``folder``, whose facts are read; raises as :func:`zoo.saving.checkpoint.load`."""
    model = load_checkpoint(folder, device, facts)
    if not isinstance(model, Model):
        raise registry.entry("models", facts.model).broken(NO_MODEL)
    return model


def folder_of(name: str) -> Path:
    """The folder of a registered checkpoint, of ``hf:ORG/REPO@REVISION`` or of ``dir:PATH``; raises as :func:`load`.

    What is registered or comes from the Hub is checked.
    """
    if name.startswith("dir:"):
        folder = user_path(name.removeprefix("dir:"))
        if not folder.is_dir():
            raise RequestError(f"there is no folder {folder}; name a checkpoint's folder as dir:PATH")
        return folder
    if name.startswith(PREFIX):
        source = parse(name)
        pulled = pull(source)
        if source.revision is None and not pulled.why:
            tell(f"{source} is at commit {pulled.revision}; to pin it, load {source}@{pulled.revision}")
        return pulled.folder
    return checkpoints.folder_of(checkpoints.find(name))
