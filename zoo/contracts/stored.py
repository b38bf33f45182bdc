"""A checkpoint on the data that its task embeds, and a model in memory pushed as one."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo import registry
from zoo.hub.push import Pushed, push
from zoo.saving.checkpoint import Storable, load, save
from zoo.saving.golden import ITEMS, SAMPLES, write_golden
from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    from zoo.data.pairs import Pairs


def embedded_pairs(task: Mapping[str, Any], data: str, seed: int = 0) -> Pairs:
    """The test pairs of a checkpoint's task (``name`` and ``config``) on ``data``.

    Raises:
        RequestError: the task does not fit the data, or one of them is not to be had.
    """
    kind, _, path = data.partition(":")
    pairs: Pairs = registry.create("tasks", task["name"], **task["config"]).pairs(
        registry.create("data", kind, path), "test", seed
    )
    return pairs


def golden_x(x_shape: tuple[int, ...], task: Mapping[str, Any] | None, seed: int) -> tuple[Tensor, Pairs | None, str]:
    """The x of golden samples, (K, *x_shape), and the pairs and the description of the embedded data that they are of.

    They are the first test items of that data, so that nothing of anybody's own data is kept; without a task, or with
    settings that the embedded data does not fit (another set's attributes), they are uniform noise.
    """
    if task is not None:
        data: str = registry.load("tasks", task["name"]).data
        with contextlib.suppress(RequestError):
            pairs = embedded_pairs(task, data)
            return pairs.x[:ITEMS].float(), pairs, data
    return torch.rand(ITEMS, *x_shape, generator=torch.Generator().manual_seed(seed)), None, ""


def push_model(model: Storable, repo: str, saving: Mapping[str, Any], **more: Any) -> Pushed:
    """Save ``model`` to a temporary folder with the arguments ``saving``, keep golden samples beside it, and push it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "checkpoint"
        facts = save(model, folder, **saving)
        stored, seed = load(folder, facts=facts), 0
        x, _, _ = golden_x(stored.x_shape, facts.task, seed)
        write_golden(folder, x, stored.sample(x, SAMPLES, seed=seed), seed)
        return push(folder, repo, **more)
