"""Checks that a checkpoint whose tensors or settings are not exactly the model's is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from zoo.contracts.model import Model
from zoo.saving.checkpoint import CONFIG, WEIGHTS
from zoo.testing.checks.itself import UNKNOWN
from zoo.testing.checks.model_save import saved
from zoo.testing.subjects.model import ModelSubject
from zoo.testing.verdicts import may_skip, refused, skip

NO_TENSORS = "the model keeps no tensors"
Tensors = dict[str, Tensor]


def _refuses(subject: ModelSubject, what: str, tensors: Tensors) -> None:
    """A checkpoint with these tensors must be refused."""
    with saved(subject) as folder:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / WEIGHTS)
        refused(f"a checkpoint {what}", Model.load, folder)


def _tensors(subject: ModelSubject) -> Tensors:
    with saved(subject) as folder:
        return load_file(folder / WEIGHTS)


def _some(subject: ModelSubject) -> Iterator[tuple[str, Tensors]]:
    """The names of the first, the middle and the last of the model's tensors, each with all tensors of a checkpoint."""
    tensors, names = _tensors(subject), sorted(subject.fitted.state_dict())
    if not tensors:
        skip(NO_TENSORS)
    for name in sorted({names[0], names[len(names) // 2], names[-1]}):
        yield name, dict(tensors)


class Checkpoints(ModelSubject):
    """Checkpoints that are not of the model."""

    @may_skip(NO_TENSORS)
    def a_missing_tensor_is_refused(self) -> None:
        """A checkpoint that lacks any one of the model's tensors is refused with a RequestError."""
        for name, tensors in _some(self):
            tensors.pop(name, None)
            _refuses(self, f"without tensor {name}", tensors)

    def an_extra_tensor_is_refused(self) -> None:
        """A checkpoint with a tensor that the model does not have is refused with a RequestError."""
        tensors = {**_tensors(self), "tensor_of_nobody": torch.zeros(2)}
        _refuses(self, "with the unknown tensor tensor_of_nobody", tensors)

    @may_skip(NO_TENSORS)
    def a_tensor_of_another_shape_is_refused(self) -> None:
        """A checkpoint with a tensor of more dimensions or of another length than the model's is refused with a
        RequestError."""
        for name, tensors in _some(self):
            tensor = tensors[name]
            _refuses(self, f"whose tensor {name} has a dimension more", {**tensors, name: tensor[..., None]})
            if tensor.ndim and tensor.numel():
                longer = torch.cat([tensor, tensor], -1)
                _refuses(self, f"whose tensor {name} has another length", {**tensors, name: longer})

    @may_skip(NO_TENSORS)
    def a_tensor_that_is_not_finite_is_refused(self) -> None:
        """A checkpoint with a NaN in a tensor is refused with a RequestError."""
        _, tensors = next(_some(self))
        for tensor in tensors.values():
            if tensor.is_floating_point() and tensor.numel():
                tensor.view(-1)[0] = float("nan")
                _refuses(self, "with a NaN in it", tensors)
                return

    def an_unknown_setting_in_a_checkpoint_is_refused(self) -> None:
        """A checkpoint whose config names a setting that the model does not have is refused with a RequestError."""
        with saved(self) as folder:
            said = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            said["config"][UNKNOWN] = 1
            (folder / CONFIG).write_text(json.dumps(said), encoding="utf-8")
            refused(f"a checkpoint with the unknown setting {UNKNOWN}", Model.load, folder)
