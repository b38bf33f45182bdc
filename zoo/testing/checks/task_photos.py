"""Checks of a task's way from a photo, or from what else it starts from, to x, and from samples back to pictures."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.testing.subjects.task import FewPhotos, TaskSubject, photo
from zoo.testing.verdicts import (
    Skipped,
    finite,
    may_skip,
    refused,
    require,
    same_bits,
    same_defaults,
    shaped,
    stir,
    unchanged,
    untouched,
)
from zoo.utils.errors import RequestError

NO_PHOTOS = "the task cannot make pairs of photos alone"
OTHER_ITEMS = "the task starts from other things than photos"
NO_CHOICES = "an item is not made of names"


def _fields(subject: TaskSubject, n: int) -> Tensor:
    """Fields to compose with: y of the first test pairs, (n, *y_shape)."""
    return subject.test.y[torch.arange(n) % len(subject.test)].clone()


def _photos_only(subject: TaskSubject) -> None:
    if not subject.takes_photos:
        raise Skipped(OTHER_ITEMS)


def _pairs_of_photos(subject: TaskSubject) -> Iterator[tuple[Any, Tensor, Tensor]]:
    """Photos made here, each with the x and the y (1, *y_shape) that the task makes of it."""
    try:
        pairs = subject.task.pairs(FewPhotos(), "test")
    except RequestError:
        raise Skipped(NO_PHOTOS) from None
    for i, image in enumerate(FewPhotos().read("test").photos):
        yield image, pairs.x[i], pairs.y[i : i + 1]


def _composed(subject: TaskSubject, item: Any, n: int) -> Tensor:
    """The item with n fields in it, checked for shape and kind; where it is a photo, at its own size."""
    task = subject.task
    x, context = task.condition(item)
    shaped("condition gave x of", x, task.x_shape)
    finite("condition gave x with numbers that are", x)
    pictures = task.compose(context, _fields(subject, n))
    require(isinstance(pictures, Tensor), f"compose gave a {type(pictures).__name__}; it must be a tensor")
    right = pictures.ndim == 4 and (len(pictures), pictures.shape[3]) == (n, 3) and pictures.numel() > 0
    require(right, f"compose gave shape {tuple(pictures.shape)}; it must be ({n}, H, W, 3)")
    if subject.takes_photos:
        shaped("compose must keep the photo's own size, and gave", pictures, (n, *item.shape))
    require(pictures.dtype == torch.uint8, f"compose gave {pictures.dtype}; it must be uint8")
    require(pictures.device.type == "cpu", f"compose gave pictures on {pictures.device}; they must be on the CPU")
    return pictures


class Photos(TaskSubject):
    def condition_gives_x_of_a_photo(self) -> None:
        """``condition`` of a photo, or of what else the task starts from, gives x (*x_shape), float32 in [0, 1], and
        a context."""
        given = self.task.condition(self.item())
        require(isinstance(given, tuple) and len(given) == 2, "condition must give x and a context")
        x = given[0]
        shaped("x has", x, self.task.x_shape)
        require(x.dtype == torch.float32, f"x of an item is {x.dtype}; it must be float32")
        low, high = float(x.min()), float(x.max())
        require(low >= 0 and high <= 1, f"x of an item is from {low:.3g} to {high:.3g}; it must be in [0, 1]")

    def compose_gives_photos_of_the_same_size(self) -> None:
        """``compose`` of n fields gives (n, H, W, 3) uint8 on the CPU, of a photo at its size, for one field and for
        several."""
        items = [photo(48, 64), photo(65, 33)] if self.takes_photos else [self.item(0), self.item(1)]
        for item in items:
            for n in (1, 3):
                _composed(self, item, n)

    def a_field_composes_alone_as_among_others(self) -> None:
        """The picture made of one field does not depend on the other fields, and is the same every time."""
        many, again, alone = (_composed(self, self.item(), n) for n in (3, 3, 1))
        require(same_bits(many, again), "two calls with the same fields give different pictures")
        require(same_bits(many[:1], alone), "a field gives another picture when others are there")

    def another_field_gives_another_photo(self) -> None:
        """Fields that differ give pictures that differ."""
        first, *others = _composed(self, self.item(), min(8, len(self.test)))
        alike = others and all(torch.equal(first, other) for other in others)
        require(not alike, "whatever y is, compose gives the same picture")

    def compose_takes_a_reconstruction(self) -> None:
        """``compose(context, y, x_hat=x)`` works, whether or not the task uses the reconstruction."""
        x, context = self.task.condition(self.item())
        shape = tuple(self.task.compose(context, _fields(self, 2), x_hat=x).shape)
        want = tuple(_composed(self, self.item(), 2).shape)
        require(shape == want, f"with x_hat, compose gave shape {shape}; it must be {want}, as without")

    @may_skip(OTHER_ITEMS)
    def photos_of_one_colour_are_no_obstacle(self) -> None:
        """Black, grey, white and one-coloured photos go both ways."""
        _photos_only(self)
        for colour in ((0, 0, 0), (128, 128, 128), (255, 255, 255), (200, 30, 30)):
            _composed(self, np.full((20, 30, 3), colour, np.uint8), 2)

    @may_skip(OTHER_ITEMS)
    def photos_of_any_size_are_no_obstacle(self) -> None:
        """Photos of one pixel, one row, one column, and very wide ones go both ways."""
        _photos_only(self)
        for size in ((1, 1), (1, 40), (40, 1), (6, 600)):
            _composed(self, photo(*size), 1)

    @may_skip(OTHER_ITEMS)
    def what_is_no_photo_is_refused(self) -> None:
        """Anything but (H, W, 3) uint8 with at least one pixel is refused by ``condition`` with a RequestError.

        Where a photo may have holes, (H, W, 4) is taken too.
        """
        _photos_only(self)
        whole = photo(20, 30)
        cases = {
            "a grey image (H, W)": whole[..., 0],
            f"an image of {4 + self.task.holes} channels": np.concatenate([whole, whole[..., : 1 + self.task.holes]], -1),
            "a float image": whole.astype(np.float32),
            "an image without pixels": whole[:0],
        }
        for what, wrong in cases.items():
            refused(what, self.task.condition, wrong)

    def fields_of_another_shape_are_refused(self) -> None:
        """``compose`` refuses y of another shape than (n, *y_shape) with a RequestError."""
        _, context = self.task.condition(self.item())
        y = _fields(self, 2)
        for what, wrong in {"a wider y": torch.cat([y, y], -1), "one y without n": y[0]}.items():
            refused(f"{what}, {tuple(wrong.shape)},", self.task.compose, context, wrong)

    @may_skip(NO_PHOTOS, OTHER_ITEMS)
    def a_photos_own_field_gives_the_photo_back(self) -> None:
        """Composed with the y that the task itself makes of a photo, the photo is off by 6 levels of 255 on average
        at most."""
        _photos_only(self)
        for image, _, y in _pairs_of_photos(self):
            _, context = self.task.condition(image)
            picture = self.task.compose(context, y)[0].numpy()
            off = float(np.abs(picture.astype(float) - image).mean())
            require(off <= 6, f"with its own y, a photo comes back {off:.1f} levels off; it must be 6 at most")

    @may_skip(NO_PHOTOS)
    def x_is_the_same_in_pairs_and_from_a_photo(self) -> None:
        """The x that ``condition`` makes of an item is the one that ``pairs`` makes of it: models see what they were
        fitted to."""
        items = ((image, x) for image, x, _ in _pairs_of_photos(self))
        if not self.takes_photos:
            items = ((self.item(i), self.test.x[i]) for i in range(min(4, len(self.test))))
        for item, x in items:
            off = float((self.task.condition(item)[0] - x).abs().max())
            require(off <= 1e-5, f"x of an item is off by {off:.2g} between condition and pairs; they must compute the same")

    @may_skip(NO_CHOICES)
    def the_names_that_it_offers_are_read(self) -> None:
        """``choices`` gives two different names or more, and whether exactly one holds; ``read`` takes a list of one, of two
        where several may hold, and refuses any other name."""
        if (found := self.task.choices()) is None:
            raise Skipped(NO_CHOICES)
        right = isinstance(found, tuple) and len(found) == 2 and not isinstance(found[0], str) and isinstance(found[1], bool)
        require(right, f"choices gave {found!r:.80}; it must be (names, whether exactly one holds), or None")
        names, alone = list(found[0]), found[1]
        right = len({*names}) == len(names) > 1 and all(isinstance(name, str) and name for name in names)
        require(right, f"choices gave the names {names!r:.80}; they must be two different ones or more")
        for some in (*([name] for name in names), *([] if alone else [names[:2]])):
            shaped(
                f"condition of {', '.join(some)} gave x of", self.task.condition(self.task.read(some))[0], self.task.x_shape
            )
        if alone:
            refused("two names, of which exactly one holds,", self.task.read, names[:2])
        refused("a name that is none of them", self.task.read, ["".join(names)])

    def condition_and_compose_change_nothing(self) -> None:
        """The item, y and the context are after both what they were before, and so is everybody's state."""
        task, y, item = self.task, _fields(self, 2), deepcopy(self.item())
        if isinstance(item, np.ndarray):
            item.setflags(write=True)
        stir(1)
        what = "condition and compose"
        with untouched(what), same_defaults(what), unchanged(what, {"y": y}):
            _, context = task.condition(item)
            first, second = task.compose(context, y), task.compose(context, y)
        require(np.array_equal(item, self.item()), "condition or compose changed the item in place")
        require(same_bits(first, second), "compose gives another picture the second time with the same context")
