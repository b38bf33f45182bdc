"""Checks of a task's way from a photo to x, and from samples back to photos."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from zoo.data.base import Image
from zoo.errors import RequestError
from zoo.testing.checking import contract, refused, require, skip
from zoo.testing.task_subject import FewPhotos, TaskSubject, photo
from zoo.testing.world import same_bits, same_defaults, stir, untouched

NO_PHOTOS = "the task cannot make pairs of photos alone"
NEAR = 6.0
"""Levels of 255, on average, by which a photo put together with its own field may be off."""


def _fields(subject: TaskSubject, n: int) -> Tensor:
    """Fields to compose with: y of the first test pairs, (n, *y_shape)."""
    y = subject.test.y
    return y[torch.arange(n) % len(y)].clone()


def _composed(subject: TaskSubject, image: Image, n: int) -> Tensor:
    """The photo with n fields in it, checked for shape and kind."""
    task = subject.task
    x, context = task.condition(image)
    require(tuple(x.shape) == tuple(task.x_shape), f"condition gave x of shape {tuple(x.shape)}; it must be {task.x_shape}")
    require(torch.isfinite(x).all(), "condition gave x with numbers that are not finite")
    made = task.compose(context, _fields(subject, n))
    want = (n, *image.shape)
    require(isinstance(made, torch.Tensor), f"compose gave a {type(made).__name__}; it must be a tensor")
    require(tuple(made.shape) == want, f"compose gave shape {tuple(made.shape)}; it must be {want}, the photo's own size")
    require(made.dtype == torch.uint8, f"compose gave {made.dtype}; it must be uint8")
    require(made.device.type == "cpu", f"compose gave photos on {made.device}; they must be on the CPU")
    return made


@contract("task")
def condition_gives_x_of_a_photo(subject: TaskSubject) -> None:
    """``condition(photo)`` gives x (*x_shape), float32 in [0, 1], and a context."""
    given = subject.task.condition(photo(48, 64))
    require(isinstance(given, tuple) and len(given) == 2, "condition must give x and a context")
    x = given[0]
    require(tuple(x.shape) == tuple(subject.task.x_shape), f"x has shape {tuple(x.shape)}; it must be {subject.task.x_shape}")
    require(x.dtype == torch.float32, f"x of a photo is {x.dtype}; it must be float32")
    low, high = float(x.min()), float(x.max())
    require(low >= 0 and high <= 1, f"x of a photo is from {low:.3g} to {high:.3g}; it must be in [0, 1]")


@contract("task")
def compose_gives_photos_of_the_same_size(subject: TaskSubject) -> None:
    """``compose`` of n fields gives (n, H, W, 3) uint8 on the CPU, for one field and for several."""
    for size in ((48, 64), (65, 33)):
        for n in (1, 3):
            _composed(subject, photo(*size), n)


@contract("task")
def a_field_composes_alone_as_among_others(subject: TaskSubject) -> None:
    """The photo made of one field does not depend on the other fields, and is the same every time."""
    many, again = _composed(subject, photo(48, 64), 3), _composed(subject, photo(48, 64), 3)
    require(same_bits(many, again), "two calls with the same fields give different photos")
    require(same_bits(many[:1], _composed(subject, photo(48, 64), 1)), "a field gives another photo when others are there")


@contract("task")
def another_field_gives_another_photo(subject: TaskSubject) -> None:
    """Fields that differ give photos that differ."""
    made = _composed(subject, photo(48, 64), min(8, len(subject.test)))
    alike = all(torch.equal(made[0], one) for one in made[1:])
    require(not alike or len(made) == 1, "whatever y is, compose gives the same photo")


@contract("task")
def compose_takes_a_reconstruction(subject: TaskSubject) -> None:
    """``compose(context, y, x_hat=x)`` works, whether or not the task uses the reconstruction."""
    x, context = subject.task.condition(photo(48, 64))
    made = subject.task.compose(context, _fields(subject, 2), x_hat=x)
    require(tuple(made.shape) == (2, 48, 64, 3), f"with x_hat, compose gave shape {tuple(made.shape)}")


@contract("task")
def photos_of_one_colour_are_no_obstacle(subject: TaskSubject) -> None:
    """Black, grey, white and one-coloured photos go both ways."""
    for colour in ((0, 0, 0), (128, 128, 128), (255, 255, 255), (200, 30, 30)):
        _composed(subject, np.full((20, 30, 3), colour, np.uint8), 2)


@contract("task")
def photos_of_any_size_are_no_obstacle(subject: TaskSubject) -> None:
    """Photos of one pixel, one row, one column, and very wide ones go both ways."""
    for size in ((1, 1), (1, 40), (40, 1), (6, 600)):
        _composed(subject, photo(*size), 1)


@contract("task")
def what_is_no_photo_is_refused(subject: TaskSubject) -> None:
    """Anything but (H, W, 3) uint8 with at least one pixel is refused by ``condition`` with a RequestError."""
    whole = photo(20, 30)
    cases = {
        "a grey image (H, W)": whole[..., 0],
        "an image of four channels": np.concatenate([whole, whole[..., :1]], -1),
        "a float image": whole.astype(np.float32),
        "an image without pixels": whole[:0],
    }
    for what, wrong in cases.items():
        refused(lambda wrong=wrong: subject.task.condition(wrong), what)  # type: ignore[misc]


@contract("task")
def fields_of_another_shape_are_refused(subject: TaskSubject) -> None:
    """``compose`` refuses y of another shape than (n, *y_shape) with a RequestError."""
    _, context = subject.task.condition(photo(20, 30))
    y = _fields(subject, 2)
    for what, wrong in {"a wider y": torch.cat([y, y], -1), "one y without n": y[0]}.items():
        refused(lambda wrong=wrong: subject.task.compose(context, wrong), f"{what}, {tuple(wrong.shape)},")  # type: ignore[misc]


@contract("task", skips=(NO_PHOTOS,))
def a_photos_own_field_gives_the_photo_back(subject: TaskSubject) -> None:
    """Composed with the y that the task itself makes of a photo, the photo is off by 6 levels of 255 on average at most."""
    try:
        pairs = subject.task.pairs(FewPhotos(), "test")
    except RequestError:
        skip(NO_PHOTOS)
    for i, image in enumerate(FewPhotos().read("test").photos):
        _, context = subject.task.condition(image)
        made = subject.task.compose(context, pairs.y[i : i + 1])[0].numpy()
        off = float(np.abs(made.astype(float) - image).mean())
        require(off <= NEAR, f"with its own y, a photo comes back {off:.1f} levels off; it must be {NEAR:g} at most")


@contract("task", skips=(NO_PHOTOS,))
def x_is_the_same_in_pairs_and_from_a_photo(subject: TaskSubject) -> None:
    """The x that ``condition`` makes of a photo is the one that ``pairs`` makes of it: models see what they were fitted to."""
    try:
        pairs = subject.task.pairs(FewPhotos(), "test")
    except RequestError:
        skip(NO_PHOTOS)
    for i, image in enumerate(FewPhotos().read("test").photos):
        off = float((subject.task.condition(image)[0] - pairs.x[i]).abs().max())
        require(off <= 1e-5, f"x of a photo is off by {off:.2g} between condition and pairs; they must compute the same")


@contract("task")
def condition_and_compose_change_nothing(subject: TaskSubject) -> None:
    """The photo, y and the context are after both what they were before, and so is everybody's state."""
    task, y = subject.task, _fields(subject, 2)
    image, kept = photo(48, 64).copy(), y.clone()
    stir(1)
    with untouched("condition and compose"), same_defaults("condition and compose"):
        _, context = task.condition(image)
        first = task.compose(context, y)
        second = task.compose(context, y)
    require(np.array_equal(image, photo(48, 64)), "condition or compose changed the photo in place")
    require(same_bits(y, kept), "compose changed y in place")
    require(same_bits(first, second), "compose gives another photo the second time with the same context")
