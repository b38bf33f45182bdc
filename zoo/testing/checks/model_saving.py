"""Checks of saving and loading: the same samples to the bit, from three files, and from nothing else."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from zoo.contracts.model import Model
from zoo.probing.state import kept
from zoo.saving.checkpoint import CARD, CONFIG, WEIGHTS
from zoo.testing.checks.itself import UNKNOWN
from zoo.testing.subjects.model import ModelSubject
from zoo.testing.verdicts import Skipped, finite_samples, may_skip, refused, require, same_bits, stir, untouched
from zoo.utils.errors import RequestError, border
from zoo.utils.files import read_bytes, read_text, regular

PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04", b"\x1f\x8b")
"""How pickles, zip files (as torch.save writes) and gzip files begin."""
NO_TENSORS = "the model keeps no tensors"


@contextmanager
def _saved(subject: ModelSubject, **how: bool) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        subject.fitted.save(Path(folder) / "model", **how)
        yield Path(folder) / "model"


def _samples(subject: ModelSubject, model: Model | None = None) -> Tensor:
    """Samples of a model, by default of the fitted one, to be compared with those of another."""
    return (model or subject.fitted).sample(subject.x(2, seed=3), 3, seed=1)


def _refuses(subject: ModelSubject, cases: Mapping[str, Mapping[str, Tensor | None]]) -> None:
    """A checkpoint with other tensors in place of its own, or without those that are None, must be refused in each case."""
    with _saved(subject) as folder:
        with border(f"cannot read {WEIGHTS}"):
            own = {name: tensor.clone() for name, tensor in load_file(regular(folder / WEIGHTS)).items()}  # off the file
        for what, changes in cases.items():
            tensors = {name: tensor.contiguous() for name, tensor in {**own, **changes}.items() if tensor is not None}
            save_file(tensors, folder / WEIGHTS)
            refused(f"a checkpoint {what}", Model.load, folder)


def _some_tensors(subject: ModelSubject) -> dict[str, Tensor]:
    tensors = subject.fitted.state_dict()
    if not tensors:
        raise Skipped(NO_TENSORS)
    names = sorted(tensors)
    return {name: tensors[name] for name in (names[0], names[len(names) // 2], names[-1])}


class Saving(ModelSubject):
    def save_load_sample_gives_the_same_bits(self) -> None:
        """A model that was saved and loaded gives the same samples to the bit."""
        want = _samples(self)
        with _saved(self) as folder:
            same = same_bits(want, _samples(self, Model.load(folder)))
        fault = "after save and load the samples are others"
        require(same, f"{fault}; whatever sampling uses must be a parameter or a registered buffer")

    def saving_changes_nothing(self) -> None:
        """Saving leaves the model, its mode and the global random state as they were."""
        stir(0)
        want = _samples(self)
        with untouched("saving"), _saved(self, inference=True):
            pass
        stir(0)
        same = not self.fitted.training and same_bits(want, _samples(self))
        require(same, "after it was saved, it samples otherwise")

    def loading_leaves_the_global_random_state_alone(self) -> None:
        """The random states of torch, numpy and Python are after loading what they were before."""
        with _saved(self) as folder, untouched("loading"):
            Model.load(folder)

    def a_loaded_model_is_its_class_with_its_settings(self) -> None:
        """A loaded model has the class, name, shapes and settings of what was saved, is fitted, and in eval mode."""
        model = self.fitted
        with _saved(self) as folder:
            got = type(model).load(folder)
        for what in ("name", "x_shape", "y_shape", "config", "fitted", "training"):
            before, after = getattr(model, what), getattr(got, what)
            require(before == after, f"its {what} is {before!r} when it is saved and {after!r} when it is loaded")

    def a_checkpoint_is_three_files_without_a_pickle(self) -> None:
        """A checkpoint is config.json, model.safetensors and README.md, the first JSON, none of them a pickle."""
        with _saved(self) as folder:
            names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
            want = sorted((CONFIG, WEIGHTS, CARD))
            require(names == want, f"a checkpoint holds {', '.join(names)}; it must be {', '.join(want)}, and nothing else")
            for name in names:
                start = read_bytes(folder / name)[:9]
                # Weights begin with the length of their header, which may happen to be what a pickle begins with.
                tensors = name == WEIGHTS and start[8:] == b"{"
                require(tensors or not start.startswith(PICKLES), f"{name} is a pickle or an archive")
            with border(f"{CONFIG} cannot be read"):
                json.loads(read_text(folder / CONFIG))

    def a_loaded_model_depends_on_nothing_else(self) -> None:
        """A model fitted to other data between saving and loading changes nothing: loading needs no training data."""
        want = _samples(self)
        with _saved(self) as folder:
            pairs = self.pairs(24, seed=9)
            with kept():  # what is found here is not to be a matter of the global random state
                self.fit_new(type(pairs)(1 - pairs.x, pairs.y.flip(0) * 0.5), 1, seed=5)
            got = _samples(self, Model.load(folder))
        fault = "when another model of its class is fitted in between, the loaded one samples otherwise"
        require(same_bits(want, got), f"{fault}; what was learnt must be in its tensors, not in its class or module")

    def the_inference_half_gives_the_same_samples(self) -> None:
        """Saved without its training parts, it loads without them and gives the same samples; a density works or is
        refused."""
        want, pairs = _samples(self), self.pairs(2, seed=3)
        with _saved(self, inference=True) as folder:
            half = Model.load(folder)
        require(same_bits(want, _samples(self, half)), "its inference half gives other samples")
        require(half.inference_only, "its inference half does not know that it is one (inference_only)")
        there = [part for part in half.training_only if getattr(half, part) is not None]
        require(not there, f"its inference half still has {', '.join(there)}")
        for density in (half.log_prob, half.joint_log_prob):
            with suppress(RequestError):
                density(pairs.y, pairs.x)

    def weights_in_half_precision_still_sample(self) -> None:
        """Saved in half precision, it loads in float32 and gives finite samples of the same shape."""
        with _saved(self, half=True) as folder:
            got = Model.load(folder)
        wrong = [name for name, tensor in got.state_dict().items() if tensor.dtype == torch.float16]
        require(not wrong, f"loaded from half precision, {', '.join(wrong[:3])} stays in it; it must be float32")
        finite_samples("loaded from half precision, its samples", _samples(self, got), _samples(self).shape)

    def a_copy_gives_the_same_bits(self) -> None:
        """``copy.deepcopy`` of a fitted model gives the same samples to the bit."""
        got = _samples(self, copy.deepcopy(self.fitted))
        require(same_bits(_samples(self), got), "a deep copy gives other samples")

    def an_extra_tensor_is_refused(self) -> None:
        """A checkpoint with a tensor that the model does not have is refused with a RequestError."""
        _refuses(self, {"with the unknown tensor tensor_of_nobody": {"tensor_of_nobody": torch.zeros(2)}})

    @may_skip(NO_TENSORS)
    def a_missing_tensor_is_refused(self) -> None:
        """A checkpoint that lacks any one of the model's tensors is refused with a RequestError."""
        _refuses(self, {f"without tensor {name}": {name: None} for name in _some_tensors(self)})

    @may_skip(NO_TENSORS)
    def a_tensor_of_another_shape_is_refused(self) -> None:
        """A checkpoint with a tensor of more dimensions or of another length than the model's is refused with a
        RequestError."""
        cases = {}
        for name, tensor in _some_tensors(self).items():
            cases[f"whose tensor {name} has a dimension more"] = {name: tensor[..., None]}
            if tensor.ndim and tensor.numel():
                cases[f"whose tensor {name} has another length"] = {name: torch.cat([tensor, tensor], -1)}
        _refuses(self, cases)

    @may_skip(NO_TENSORS)
    def a_tensor_that_is_not_finite_is_refused(self) -> None:
        """A checkpoint with a NaN in a tensor is refused with a RequestError."""
        _some_tensors(self)
        for name, tensor in self.fitted.state_dict().items():
            if tensor.is_floating_point() and tensor.numel():
                first = torch.arange(tensor.numel()).view(tensor.shape) == 0
                _refuses(self, {"with a NaN in it": {name: tensor.masked_fill(first, float("nan"))}})
                return

    def an_unknown_setting_in_a_checkpoint_is_refused(self) -> None:
        """A checkpoint whose config names a setting that the model does not have is refused with a RequestError."""
        with _saved(self) as folder:
            with border(f"{CONFIG} cannot be read"):
                said = json.loads(read_text(folder / CONFIG))
            said["config"][UNKNOWN] = 1
            (folder / CONFIG).write_text(json.dumps(said), encoding="utf-8")
            refused(f"a checkpoint with the unknown setting {UNKNOWN}", Model.load, folder)
