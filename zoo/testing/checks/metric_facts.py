"""Checks of what a metric says of itself, and of the form of what it gives."""

from __future__ import annotations

import re
from typing import get_args

import torch

from zoo.contracts.metric import Needs, NotApplicable
from zoo.testing.checks.model_sample import NO_ACCELERATOR
from zoo.testing.subjects.metric import ITEMS, NOWHERE, MetricSubject
from zoo.testing.verdicts import may_skip, refused, require, skip
from zoo.testing.world import finite, shaped
from zoo.utils.errors import RequestError

SAMPLES_ALONE = "the metric needs samples alone"
SHAPES = ((1, 16, 16), (3, 16, 16), (2, 16, 16), (1, 13, 11), (7,), (1, 4, 4, 4))
"""Shapes of y that tasks have."""


class Facts(MetricSubject):
    """The words of a metric about itself."""

    def it_says_its_unit_direction_and_source(self) -> None:
        """``unit`` and ``source`` are words, ``better`` is ``"lower"`` or ``"higher"``."""
        for name in ("unit", "source"):
            said = getattr(self.metric, name, None)
            require(isinstance(said, str) and said.strip(), f"{name} is {said!r}; it must say it in words")
        better = getattr(self.metric, "better", None)
        require(better in ("lower", "higher"), f'better is {better!r}; it must be "lower" or "higher"')

    def it_needs_what_there_is(self) -> None:
        """``needs`` is ``"samples"``, ``"joint_log_prob"`` or ``"fitted"``."""
        needs, known = self.metric.needs, get_args(Needs)
        require(needs in known, f"needs is {needs!r}; it must be one of {', '.join(known)}")


class Form(MetricSubject):
    """The form of the values of a metric."""

    skips = (NOWHERE,)

    def it_gives_one_number_an_item(self) -> None:
        """Under each suffix there are (B,) values, finite floats, for several items and for one."""
        for items in (ITEMS, 1):
            for suffix, value in self.values(self.pools(items)).items():
                shaped(f"under {suffix!r} the values of {items} items have", value, (items,))
                require(value.is_floating_point(), f"under {suffix!r} the values are {value.dtype}; they must be floats")
                finite(f"under {suffix!r} a value is", value)

    def its_suffixes_are_names(self) -> None:
        """A suffix is ``""``, or ``@`` and letters, digits, ``.``, ``_`` or ``-``: ``error_of_best@3``."""
        for suffix in self.values(self.pools()):
            right = isinstance(suffix, str) and re.fullmatch(r"(@[A-Za-z0-9._-]+)?", suffix)
            require(right, f'a suffix is {suffix!r}; it must be "" or like "@3"')

    def its_suffixes_do_not_depend_on_the_items(self) -> None:
        """For the same n the suffixes are the same whatever the items are: every batch has all of them."""
        one, other = (list(self.values(self.pools(items, seed=seed))) for items, seed in ((3, 1), (5, 2)))
        require(one == other, f"the suffixes are {one} for some items and {other} for others")

    def y_of_any_shape_is_measured(self) -> None:
        """y of several channels, of another height than width, as a vector and as a volume give (B,) finite values.

        A metric that has to see the run may say that it does not apply to some of them.
        """
        self.values(self.pools())
        for shape in SHAPES:
            try:
                values = self.values(self.pools(y_shape=shape))
            except NotApplicable as error:
                require(
                    self.sees_runs and str(error).strip(), f"it does not apply to y of shape {shape}, and does not say why"
                )
                continue
            for suffix, value in values.items():
                what = f"for y of shape {shape} the values under {suffix!r}"
                shaped(f"{what} have", value, (ITEMS,))
                finite(f"{what} are", value)

    def it_takes_what_it_does_not_use(self) -> None:
        """x, pool, joint_log_prob and index can be given, or be None, by name."""
        given = self.pools()
        metric = self.prepared(tuple(given.y.shape[1:]))
        density = given.density if metric.needs == "joint_log_prob" else None
        try:
            metric(given.samples, given.y, x=None, pool=None, joint_log_prob=density, index=None)
        except RequestError as error:
            require(str(error).strip(), "it refuses to do without x, a pool or the places, and does not say so")
        metric(given.samples, given.y, x=given.x, pool=given.pool, joint_log_prob=given.density, index=given.index)

    @may_skip(SAMPLES_ALONE, NOWHERE)
    def without_what_it_needs_it_says_so(self) -> None:
        """A metric of a density, given none, refuses with a RequestError; so does one that has to see the run, and has not."""
        if self.metric.needs == "samples":
            skip(SAMPLES_ALONE)
        given = self.pools()
        if self.sees_runs:
            known = {"x": given.x, "pool": given.pool, "index": given.index}
            refused("a run that was not shown", self.anew().metric, given.samples, given.y, **known)
        else:
            refused("a metric of a density without a density", self.metric, given.samples, given.y, joint_log_prob=None)

    @may_skip(NO_ACCELERATOR, NOWHERE)
    def it_works_on_an_accelerator(self) -> None:
        """Tensors on an accelerator give values there, near those of the CPU."""
        if not torch.cuda.is_available():
            skip(NO_ACCELERATOR)
        here, there = self.values(self.pools()), self.values(self.pools().to("cuda"))
        for suffix, value in there.items():
            require(value.device.type == "cuda", f"under {suffix!r} the values of tensors on cuda are on {value.device}")
            require(
                torch.allclose(here[suffix], value.cpu(), rtol=1e-2, atol=1e-4), f"under {suffix!r} cuda gives other values"
            )
