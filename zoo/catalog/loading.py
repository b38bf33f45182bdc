"""A checkpoint by its name, with its task, and with the settings of sampling that somebody wishes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch

from zoo.catalog.found import fitted_model, folder_of
from zoo.catalog.loaded import Loaded
from zoo.catalog.recommended import meant
from zoo.contracts import make
from zoo.hub.source import PREFIX, parse
from zoo.saving.checkpoint import CARD, CONFIG
from zoo.saving.facts import read_card, read_facts
from zoo.utils.config import by_name
from zoo.utils.errors import RequestError


def load(
    name: str | os.PathLike[str], device: str | torch.device = "auto", settings: Mapping[str, Any] | None = None
) -> Loaded:
    """The checkpoint called ``name``, bound to its task.

    Args:
        name: a registered name (``cdvae/resaturate``), ``hf:ORG/REPO@REVISION`` on the Hub, or ``dir:PATH`` for a folder; or a
            task's name alone, for the checkpoint that is recommended for it.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        settings: settings of its model, by name, that only sampling reads (``zoo show MODEL`` marks them), where they are to
            be others than the checkpoint has: ``{"detail": 0.1}``. Text is read as ``--set`` reads it.

    Raises:
        RequestError: there is no such checkpoint, the task has none, it is not what was registered, or it names no task; or
            a setting is unknown, wrong, or one that the fit has read.
        ZooError: it cannot be had from the Hub, or its model or task is broken.

    Examples:
        >>> import numpy as np
        >>> load("cvae/relight", device="cpu").sample(np.full((24, 32, 3), 99, np.uint8), 3).images.shape
        (3, 24, 32, 3)
        >>> load("cpixel/relight", "cpu", settings={"temperature": 0.9})
        Loaded('cpixel/relight': model 'cpixel', task 'relight', temperature=0.9)
    """
    given = by_name({} if settings is None else settings)
    for key in given:
        if "." in key:  # of the task or of training
            raise RequestError(f"setting {key!r} is of the fit, and a checkpoint is fitted already: leave it out")
    name = meant(str(name))
    folder = folder_of(name)
    facts = read_facts(folder / CONFIG)
    if facts.task is None:
        raise RequestError(f"checkpoint {name} names no task; load its model with zoo.Model.load({str(folder)!r})")
    task = make.task(facts.task["name"], **facts.task["config"])
    model = fitted_model(folder, device, facts)
    if (model.x_shape, model.y_shape) != (tuple(task.x_shape), tuple(task.y_shape)):
        raise RequestError(
            f"checkpoint {name}: the model takes x {model.x_shape} and gives y {model.y_shape}, "
            f"but its task has {tuple(task.x_shape)} and {tuple(task.y_shape)}"
        )
    if name.startswith(PREFIX):
        name = str(parse(name)._replace(revision=folder.name))
    loaded = Loaded(name, model, task, facts, read_card(folder / CARD), folder.absolute())
    model.set_sampling(**given)
    return loaded
