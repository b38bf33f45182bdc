"""Checks that a checkpoint whose tensors are not exactly the model's is refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import torch
from torch import Tensor

from zoo.contracts.model import Model
from zoo.saving.checkpoint import CONFIG, WEIGHTS
from zoo.testing.checking import contract
from zoo.testing.checks.model_save import saved
from zoo.testing.subjects.model import ModelSubject
from zoo.testing.verdicts import refused, skip

NO_TENSORS = "the model keeps no tensors"

Tensors = dict[str, Tensor]


def _refuses(subject: ModelSubject, what: str, change: Callable[[Tensors], Tensors | None]) -> None:
    """A checkpoint whose tensors were changed so must be refused; nothing is asked where ``change`` gives None."""
    from safetensors.torch import load_file, save_file

    with saved(subject) as folder:
        tensors = load_file(folder / WEIGHTS)
        if not tensors:
            skip(NO_TENSORS)
        changed = change(tensors)
        if changed is not None:
            save_file({name: tensor.contiguous() for name, tensor in changed.items()}, folder / WEIGHTS)
            refused(lambda: Model.load(folder), f"a checkpoint {what}")


@contract("model", skips=(NO_TENSORS,))
def a_missing_tensor_is_refused(subject: ModelSubject) -> None:
    """A checkpoint that lacks any one of the model's tensors is refused with a RequestError."""
    for name in _some(subject):
        _refuses(subject, f"without tensor {name}", lambda t, name=name: {k: v for k, v in t.items() if k != name})  # type: ignore[misc]


@contract("model")
def an_extra_tensor_is_refused(subject: ModelSubject) -> None:
    """A checkpoint with a tensor that the model does not have is refused with a RequestError."""
    from safetensors.torch import load_file, save_file

    with saved(subject) as folder:
        save_file({**load_file(folder / WEIGHTS), "tensor_of_nobody": torch.zeros(2)}, folder / WEIGHTS)
        refused(lambda: Model.load(folder), "a checkpoint with the unknown tensor tensor_of_nobody")


@contract("model", skips=(NO_TENSORS,))
def a_tensor_of_another_shape_is_refused(subject: ModelSubject) -> None:
    """A checkpoint with a tensor of more dimensions or of another length than the model's is refused with a RequestError."""
    for name in _some(subject):
        _refuses(subject, f"whose tensor {name} has a dimension more", lambda t, name=name: {**t, name: t[name][..., None]})  # type: ignore[misc]
        _refuses(subject, f"whose tensor {name} has another length", lambda t, name=name: _longer(t, name))  # type: ignore[misc]


@contract("model", skips=(NO_TENSORS,))
def a_tensor_that_is_not_finite_is_refused(subject: ModelSubject) -> None:
    """A checkpoint with a NaN in a tensor is refused with a RequestError."""

    def spoil(tensors: Tensors) -> Tensors | None:
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and tensor.numel():
                tensor.view(-1)[0] = float("nan")
                return {**tensors, name: tensor}
        return None

    _refuses(subject, "with a NaN in it", spoil)


@contract("model")
def an_unknown_setting_in_a_checkpoint_is_refused(subject: ModelSubject) -> None:
    """A checkpoint whose config names a setting that the model does not have is refused with a RequestError."""
    with saved(subject) as folder:
        said = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        said["config"]["a_setting_that_nobody_has"] = 1
        (folder / CONFIG).write_text(json.dumps(said), encoding="utf-8")
        refused(lambda: Model.load(folder), "a checkpoint with the unknown setting a_setting_that_nobody_has")


def _some(subject: ModelSubject) -> list[str]:
    """The first, the last and the middle one of the model's tensors."""
    names = sorted(subject.fitted.state_dict())
    return sorted({names[0], names[len(names) // 2], names[-1]}) if names else [""]


def _longer(tensors: Tensors, name: str) -> Tensors | None:
    """The last dimension of one tensor doubled; None for a number, which has none."""
    tensor = tensors[name]
    return {**tensors, name: torch.cat([tensor, tensor], -1)} if tensor.ndim and tensor.numel() else None
