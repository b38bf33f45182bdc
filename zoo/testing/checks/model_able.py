"""Checks of what a model refuses, and of what only some can do: densities, features, reconstructions, other shapes."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from zoo.testing.subjects.model import ModelSubject, Shape, fields
from zoo.testing.verdicts import (
    Skipped,
    finite,
    finite_samples,
    may_skip,
    refused,
    require,
    same_bits,
    shaped,
    twice,
    untouched,
)
from zoo.utils.errors import RequestError

NO_LOG_PROB = "the model has no density of y given x"
NO_JOINT = "the model has no density of (x, y)"
NO_FEATURES = "the model has no features"
NO_RECONSTRUCTION = "the model does not reconstruct x"
NO_DIAGNOSIS = "the model tells nothing of its fit besides its losses"


class Abilities(ModelSubject):
    def x_of_another_shape_is_refused(self) -> None:
        """x of another size, without the batch, or with one dimension more is refused with a RequestError."""
        x = self.x(2)
        cases = {"a wider x": torch.cat([x, x], -1), "one x without a batch": x[0], "x with one dimension more": x[None]}
        for what, wrong in cases.items():
            refused(f"{what}, {tuple(wrong.shape)},", self.fitted.sample, wrong, 2, seed=0)

    def x_that_is_not_finite_is_refused(self) -> None:
        """x with a NaN or an infinite number is refused with a RequestError."""
        for value in (float("nan"), float("inf")):
            x = self.x(2)
            x.view(-1)[-1] = value
            refused(f"x with {value}", self.fitted.sample, x, 2, seed=0)

    def fewer_than_one_sample_is_refused(self) -> None:
        """n of 0 or below is refused with a RequestError."""
        for n in (0, -1):
            refused(f"n = {n}", self.fitted.sample, self.x(2), n, seed=0)

    def a_model_that_is_not_fitted_is_refused(self) -> None:
        """Before fit, ``fitted`` is False, and sampling and saving are refused with a RequestError."""
        model = self.make()
        require(not model.fitted, "a new model says that it is fitted")
        refused("sampling from a model that is not fitted", model.sample, self.x(1), 2, seed=0)
        with tempfile.TemporaryDirectory() as folder:
            refused("saving a model that is not fitted", model.save, Path(folder) / "model")

    def a_device_that_is_not_there_is_refused(self) -> None:
        """Fitting on a device that nobody has is refused with a RequestError."""
        refused('device="nowhere"', self.fit, self.make(), self.pairs(4), 1, device="nowhere")

    def it_has_a_repr(self) -> None:
        """``repr`` gives words, of a new and of a fitted model."""
        for model in (self.make(), self.fitted):
            require(repr(model).strip(), "its repr is empty")

    @may_skip(NO_LOG_PROB)
    def log_prob_is_one_number_an_item(self) -> None:
        """``log_prob(y, x)`` is (B,), finite, without a gradient."""
        _one_number_an_item(self, "log_prob")

    @may_skip(NO_LOG_PROB)
    def log_prob_follows_its_seed_alone(self) -> None:
        """``log_prob`` is the same to the bit for one seed, whatever the global random state and the rest of the batch."""
        _follows_its_seed(self, "log_prob")

    @may_skip(NO_LOG_PROB)
    def log_prob_is_lower_far_from_the_data(self) -> None:
        """``log_prob`` of a y far off all that was fitted to is lower than that of the true y."""
        near, far = (_density(self, "log_prob", off=off) for off in (0.0, 1000.0))
        require((near > far).all(), f"log_prob of the true y is {near.mean():.3g}, of y + 1000 it is {far.mean():.3g}")

    @may_skip(NO_JOINT)
    def joint_log_prob_is_one_number_an_item(self) -> None:
        """``joint_log_prob(y, x)`` is (B,), finite, without a gradient."""
        _one_number_an_item(self, "joint_log_prob")

    @may_skip(NO_JOINT)
    def joint_log_prob_follows_its_seed_alone(self) -> None:
        """``joint_log_prob`` is the same to the bit for one seed, whatever the global random state and the rest of
        the batch."""
        _follows_its_seed(self, "joint_log_prob")

    @may_skip(NO_FEATURES)
    def features_are_one_vector_an_item(self) -> None:
        """``features(x)`` is (B, D), finite, and the same for one x alone and among others."""
        model, x = self.fitted, self.x(5)
        with torch.no_grad():
            features, alone = model.features(x), model.features(x[2:3])
        if features is None or alone is None:
            raise Skipped(NO_FEATURES)
        right = features.ndim == 2 and len(features) == 5
        require(right, f"features of 5 x have shape {tuple(features.shape)}; it must be (5, D)")
        finite("features are", features)
        near = torch.allclose(features[2], alone[0], atol=1e-4, rtol=1e-3)
        require(near, "features of one x differ when others are in the batch")

    @may_skip(NO_RECONSTRUCTION)
    def reconstructions_have_the_shape_of_x(self) -> None:
        """``reconstruct(x)`` is (B, *x_shape), finite."""
        model, x = self.fitted, self.x(5)
        with torch.no_grad():
            reconstructions = model.reconstruct(x)
        if reconstructions is None:
            raise Skipped(NO_RECONSTRUCTION)
        finite_samples("reconstructions", reconstructions, x.shape)

    @may_skip(NO_DIAGNOSIS)
    def a_diagnosis_is_finite_numbers_by_name(self) -> None:
        """``diagnose(pairs)`` gives finite numbers by name, the same at every call, and changes nothing of the model."""
        model, pairs = self.fitted, self.pairs(12, seed=3)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        with untouched("diagnose"), torch.no_grad():
            found, again = model.diagnose(pairs), model.diagnose(pairs)
        require(isinstance(found, Mapping), f"diagnose gave a {type(found).__name__}; it must be numbers by name, or {{}}")
        if not found:
            raise Skipped(NO_DIAGNOSIS)
        for name, value in found.items():
            number = isinstance(value, (int, float)) and math.isfinite(value)
            require(
                isinstance(name, str) and number, f"diagnose gave {name!r}: {value!r:.60}; it must be a finite number by name"
            )
        require(found == again, "diagnose of the same pairs gave other numbers; draw from noise of a fixed seed")
        changed = [name for name, value in model.state_dict().items() if not same_bits(value, before[name])]
        require(not changed, f"diagnose changed {', '.join(changed)}; the fit must stay as it is")

    def x_as_a_vector_works_or_is_refused(self) -> None:
        """x of shape (D,), such as attributes, works, or is refused with a RequestError when the model is made."""
        _works_or_is_refused(self, (6,), (1, 16, 16))

    def y_as_a_vector_works_or_is_refused(self) -> None:
        """y of shape (D,) works, or is refused with a RequestError when the model is made."""
        _works_or_is_refused(self, (1, 16, 16), (5,))

    def fields_that_are_not_square_work_or_are_refused(self) -> None:
        """Fields of another height than width, also of odd sizes, work or are refused when the model is made."""
        _works_or_is_refused(self, (1, 16, 24), (1, 16, 24))
        _works_or_is_refused(self, (1, 13, 11), (1, 13, 11))

    def other_channels_and_sizes_work_or_are_refused(self) -> None:
        """Three channels of x and of y, and an x of another size than y, work or are refused when the model is made."""
        _works_or_is_refused(self, (3, 16, 16), (3, 16, 16))
        _works_or_is_refused(self, (1, 32, 32), (1, 16, 16))

    def motions_in_pixels_work_or_are_refused(self) -> None:
        """y of two channels with numbers far above 1, such as motions in pixels, works or is refused when the model
        is made."""
        _works_or_is_refused(self, (3, 16, 16), (2, 16, 16))
        _works_or_is_refused(self, (3, 16, 16), (2, 16, 16), scale=20)

    def y_off_zero_is_learnt(self) -> None:
        """Fitted to y around 500, it gives samples nearer to 500 than to 0: it takes y in its own units."""
        pairs = self.pairs(64, seed=0)
        shifted = type(pairs)(pairs.x, pairs.y + 500)
        mean = self.fit_new(shifted, 20).sample(pairs.x[:2], 8, seed=0).detach().mean().item()
        near = abs(mean - 500) < 250
        require(near, f"fitted to y around 500, its samples are around {mean:.3g}; measure y in its own units")


def _density(subject: ModelSubject, name: str, items: slice = slice(5), seed: int = 0, off: float = 0.0) -> Tensor:
    """``log_prob`` or ``joint_log_prob`` of some of five pairs, with y so far off."""
    pairs = subject.pairs(5, seed=7)
    density: Tensor | None = getattr(subject.fitted, name)(pairs.y[items] + off, pairs.x[items], seed=seed)
    if density is None:
        raise Skipped(NO_LOG_PROB if name == "log_prob" else NO_JOINT)
    return density


def _one_number_an_item(subject: ModelSubject, name: str) -> None:
    density = _density(subject, name)
    shaped(f"{name} of 5 pairs has", density, (5,))
    finite(f"{name} is", density)


def _follows_its_seed(subject: ModelSubject, name: str) -> None:
    def density() -> Tensor:
        with untouched(name):
            return _density(subject, name, seed=3)

    first, second = twice(density)
    require(same_bits(first, second), f"{name} of one seed differs from call to call; draw from noise of the seed alone")
    alone = _density(subject, name, slice(2, 3), seed=3)[0]
    far = float((alone - first[2]).abs())
    near = far <= 1e-3 * max(1.0, float(alone.abs()))
    require(near, f"{name} of one pair differs by {far:.2g} when others are in the batch")


def _works_or_is_refused(subject: ModelSubject, x_shape: Shape, y_shape: Shape, scale: float = 1.0) -> None:
    """Other shapes work, or are refused when the model is made: never later, never half."""
    try:
        model = subject.make((x_shape, y_shape))
    except RequestError:
        return
    pairs = fields(24, x_shape, y_shape, scale=scale)
    subject.fit(model, pairs, 2)
    what = f"made for {x_shape} -> {y_shape}, its samples"
    finite_samples(what, model.sample(pairs.x[:2], 3, seed=0), (2, 3, *y_shape))
