"""Checks that other shapes of x and y work, or are refused when the model is made: never later, never half."""

from __future__ import annotations

import torch

from zoo.testing.checking import contract
from zoo.testing.subjects.model import ModelSubject, Shape, fields
from zoo.testing.verdicts import require
from zoo.utils.errors import RequestError


def _works_or_is_refused(subject: ModelSubject, x_shape: Shape, y_shape: Shape, scale: float = 1.0) -> None:
    try:
        model = subject.make((x_shape, y_shape))
    except RequestError:
        return
    pairs = fields(24, x_shape, y_shape, scale=scale)
    subject.fit(model, pairs, 2)
    samples = model.sample(pairs.x[:2], 3, seed=0)
    want = (2, 3, *y_shape)
    where = f"made for {x_shape} -> {y_shape}"
    require(tuple(samples.shape) == want, f"{where}, its samples have shape {tuple(samples.shape)}; it must be {want}")
    require(torch.isfinite(samples).all(), f"{where}, its samples are not finite")


@contract("model")
def x_as_a_vector_works_or_is_refused(subject: ModelSubject) -> None:
    """x of shape (D,), such as attributes, works, or is refused with a RequestError when the model is made."""
    _works_or_is_refused(subject, (6,), (1, 16, 16))


@contract("model")
def y_as_a_vector_works_or_is_refused(subject: ModelSubject) -> None:
    """y of shape (D,) works, or is refused with a RequestError when the model is made."""
    _works_or_is_refused(subject, (1, 16, 16), (5,))


@contract("model")
def fields_that_are_not_square_work_or_are_refused(subject: ModelSubject) -> None:
    """Fields of another height than width, also of odd sizes, work or are refused when the model is made."""
    _works_or_is_refused(subject, (1, 16, 24), (1, 16, 24))
    _works_or_is_refused(subject, (1, 13, 11), (1, 13, 11))


@contract("model")
def other_channels_and_sizes_work_or_are_refused(subject: ModelSubject) -> None:
    """Three channels of x and of y, and an x of another size than y, work or are refused when the model is made."""
    _works_or_is_refused(subject, (3, 16, 16), (3, 16, 16))
    _works_or_is_refused(subject, (1, 32, 32), (1, 16, 16))


@contract("model")
def motions_in_pixels_work_or_are_refused(subject: ModelSubject) -> None:
    """y of two channels with numbers far above 1, such as motions in pixels, works or is refused when the model is made."""
    _works_or_is_refused(subject, (3, 16, 16), (2, 16, 16))
    _works_or_is_refused(subject, (3, 16, 16), (2, 16, 16), scale=20)


@contract("model")
def y_off_zero_is_learnt(subject: ModelSubject) -> None:
    """Fitted to y around 500, it gives samples nearer to 500 than to 0: it takes y in its own units."""
    x_shape, y_shape = subject.shapes
    pairs = fields(64, x_shape, y_shape)
    shifted = type(pairs)(pairs.x, pairs.y + 500)
    samples = subject.fit_new(shifted, 20).sample(pairs.x[:2], 8, seed=0)
    mean = samples.detach().mean().item()
    require(abs(mean - 500) < 250, f"fitted to y around 500, its samples are around {mean:.3g}; measure y in its own units")
