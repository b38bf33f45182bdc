"""Checks of what a model refuses when it is asked for samples."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from zoo.testing.subjects.model import ModelSubject
from zoo.testing.verdicts import refused, require


class Refusals(ModelSubject):
    """Requests that no model can fulfil."""

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
