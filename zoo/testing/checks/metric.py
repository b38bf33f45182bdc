"""Checks of a metric: what it says of itself, the form of what it gives, and what its values may depend on."""

from __future__ import annotations

import re
from typing import get_args

import torch

from zoo.contracts.metric import Metric, Needs, NotApplicable
from zoo.testing.checks.model_samples import NO_ACCELERATOR
from zoo.testing.subjects.metric import ITEMS, NOWHERE, MetricSubject, Pools
from zoo.testing.verdicts import (
    Broken,
    Skipped,
    finite,
    may_skip,
    refused,
    require,
    same_bits,
    same_defaults,
    same_elsewhere,
    shaped,
    silent,
    stir,
    unchanged,
    untouched,
)
from zoo.utils.errors import RequestError, ZooError

SAMPLES_ALONE, NO_DIRECTION = "the metric needs samples alone", "neither way is better"
SHAPES = ((1, 16, 16), (3, 16, 16), (2, 16, 16), (1, 13, 11), (7,), (1, 4, 4, 4))
"""Shapes of y that tasks have."""


def _measured(subject: MetricSubject, what: str, pools: Pools, items: int = 0) -> None:
    """The values are finite, and floats, one for each of ``items`` where a number of them is given."""
    for suffix, value in subject.values(pools).items():
        if items:
            shaped(f"under {suffix!r} the values of {what} have", value, (items,))
            require(value.is_floating_point(), f"under {suffix!r} the values are {value.dtype}; they must be floats")
        finite(f"under {suffix!r} the values of {what} are", value)


def _agree(subject: MetricSubject, one: Pools, other: Pools, order: torch.Tensor | slice, message: str) -> None:
    """The values of ``one``, in this order of its items, are those of ``other``, but for rounding."""
    first, second = subject.values(one), subject.values(other)
    for suffix in first.keys() & second.keys():
        near = torch.allclose(first[suffix][order], second[suffix], rtol=1e-4, atol=1e-5)
        require(near, f"under {suffix!r} {message}")


class Values(MetricSubject):
    skips = (NOWHERE,)

    @may_skip()
    def it_says_its_unit_direction_and_source(self) -> None:
        """``unit`` and ``source`` are words, ``better`` is ``"lower"``, ``"higher"`` or None."""
        for name in ("unit", "source"):
            said = getattr(self.metric, name, None)
            require(isinstance(said, str) and said.strip(), f"{name} is {said!r}; it must say it in words")
        better = getattr(self.metric, "better", None)
        require(better in ("lower", "higher", None), f'better is {better!r}; it must be "lower", "higher" or None')

    @may_skip()
    def it_needs_what_there_is(self) -> None:
        """``needs`` is ``"samples"``, ``"joint_log_prob"`` or ``"fitted"``."""
        needs, known = self.metric.needs, get_args(Needs)
        require(needs in known, f"needs is {needs!r}; it must be one of {', '.join(known)}")

    @may_skip()
    def it_gains_from_x_what_items_have(self) -> None:
        """Where it says ``gains``, one way is better, it is measured of samples and y, and its scores are means of values."""
        gains, means = self.metric.gains, self.cls.reduce is Metric.reduce and not self.metric.right_at_zero
        require(gains in (True, False), f"gains is {gains!r}; it must be True or False")
        message = 'it gains from x; then it must need "samples" alone, and have means as scores (reduce, right_at_zero)'
        require(not gains or (self.metric.needs == "samples" and means), message)
        require(not gains or self.metric.better is not None, 'it gains from x; then its better must be "lower" or "higher"')

    def it_gives_one_number_an_item(self) -> None:
        """Under each suffix there are (B,) values, finite floats, for several items and for one."""
        for items in (ITEMS, 1):
            _measured(self, f"{items} items", self.pools(items), items)

    def its_suffixes_are_names(self) -> None:
        """A suffix is ``""``, or ``@`` and letters, digits, ``.``, ``_`` or ``-``: ``error_of_best@3``."""
        values = self.values(self.pools())
        for suffix in {**values, **self.scores(values)}:
            right = isinstance(suffix, str) and re.fullmatch(r"(@[A-Za-z0-9._-]+)?", suffix)
            require(right, f'a suffix is {suffix!r}; it must be "" or like "@3"')

    def its_suffixes_do_not_depend_on_the_items(self) -> None:
        """For the same n the suffixes are the same whatever the items are: every batch has all of them."""
        three, five = (list(self.values(self.pools(items, seed=seed))) for items, seed in ((3, 1), (5, 2)))
        require(three == five, f"the suffixes are {three} for some items and {five} for others")

    def its_scores_are_numbers_of_sets_of_items(self) -> None:
        """``reduce`` makes of values (..., N) finite numbers (...), of several sets of items the same as of each alone."""
        values, sets = self.values(self.pools()), torch.tensor([[0, 1, 2, 3, 4, 5], [5, 5, 0, 1, 1, 2], [3] * ITEMS])
        together = self.scores({suffix: value.cpu()[sets] for suffix, value in values.items()})
        for i, items in enumerate(sets):
            alone = self.scores({suffix: value.cpu()[items] for suffix, value in values.items()})
            require(alone.keys() == together.keys(), f"the suffixes are {[*alone]} for one set, {[*together]} for several")
            for suffix, score in alone.items():
                shaped(f"under {suffix!r} the scores of three sets have", together[suffix], (len(sets),))
                shaped(f"under {suffix!r} the score of one set has", score, ())
                finite(f"under {suffix!r} the score is", score)
                near = torch.allclose(score, together[suffix][i], rtol=1e-6, atol=1e-9)
                require(near, f"under {suffix!r} the score of a set differs when others are made with it")

    def y_of_any_shape_is_measured(self) -> None:
        """y of several channels, of another height than width, as a vector and as a volume give (B,) finite values.

        A metric that has to see the run may say that it does not apply to some of them.
        """
        self.values(self.pools())
        for shape in SHAPES:
            try:
                _measured(self, f"y of shape {shape}", self.pools(y_shape=shape), ITEMS)
            except NotApplicable as error:
                reason = self.metric.needs == "fitted" and str(error).strip()
                require(reason, f"it does not apply to y of shape {shape}, and does not say why")

    def it_takes_what_it_does_not_use(self) -> None:
        """x, pool, joint_log_prob and index can be given, or be None, by name."""
        given = self.pools()
        metric = self.prepared(self.run_with(tuple(given.y.shape[1:])))
        density = given.density if metric.needs == "joint_log_prob" else None
        try:
            metric(given.samples, given.y, x=None, pool=None, joint_log_prob=density, index=None)
        except RequestError as error:
            require(str(error).strip(), "it refuses to do without x, a pool or the places, and does not say so")
        metric(given.samples, given.y, x=given.x, pool=given.pool, joint_log_prob=given.density, index=given.places)

    @may_skip(SAMPLES_ALONE, NOWHERE)
    def without_what_it_needs_it_says_so(self) -> None:
        """A metric of a density, given none, refuses with a RequestError; so does one that has to see the run, and has not."""
        if self.metric.needs == "samples":
            raise Skipped(SAMPLES_ALONE)
        given = self.pools()
        if self.metric.needs == "fitted":
            known = {"x": given.x, "pool": given.pool, "index": given.places}
            refused("a run that was not shown", self.anew().metric, given.samples, given.y, **known)
        else:
            refused("a metric of a density without a density", self.metric, given.samples, given.y, joint_log_prob=None)

    @may_skip(NO_ACCELERATOR, NOWHERE)
    def it_works_on_an_accelerator(self) -> None:
        """Tensors on an accelerator give values there, near those of the CPU."""
        if not torch.cuda.is_available():
            raise Skipped(NO_ACCELERATOR)
        given = self.pools()
        on_cuda = Pools(*(part.to("cuda") for part in given))._replace(places=given.places)
        here, there = self.values(given), self.values(on_cuda)
        for suffix, value in there.items():
            require(value.device.type == "cuda", f"under {suffix!r} the values of tensors on cuda are on {value.device}")
            near = torch.allclose(here[suffix], value.cpu(), rtol=1e-2, atol=1e-4)
            require(near, f"under {suffix!r} cuda gives other values")

    def a_value_does_not_depend_on_the_rest_of_the_batch(self) -> None:
        """The value of an item is the same alone and among others, and follows the order of the batch."""
        given, order = self.pools(), torch.tensor([4, 1, 0, 5, 3, 2])
        alone = given.take(torch.tensor([2]))
        _agree(self, given, alone, slice(2, 3), "the value of an item differs when others are in the batch")
        _agree(self, given, given.take(order), order, "values do not follow the order of the items")

    def the_order_of_the_samples_does_not_matter(self) -> None:
        """The samples of a pool in another order give the same value."""
        given = self.pools()
        order = torch.randperm(given.samples.shape[1], generator=torch.Generator().manual_seed(0))
        other = given._replace(samples=given.samples[:, order])
        _agree(self, given, other, slice(None), "the value differs with the order of the samples")

    @may_skip(NO_DIRECTION, NOWHERE)
    def the_truth_is_at_least_as_good_as_noise(self) -> None:
        """A pool of the true y is, in the direction of ``better``, at least as good as noise far from it."""
        if self.metric.better is None:
            raise Skipped(NO_DIRECTION)
        truth, noise = (self.scores(self.values(given)) for given in self.truth_and_noise())
        for suffix, value in truth.items():
            near, far, better = value.mean(), noise[suffix].mean(), self.metric.better
            right = (far - near if better == "lower" else near - far) >= 0
            require(right, f"under {suffix!r} the truth has {near:.3g} and noise {far:.3g}, although {better} is better")

    def flat_pools_are_no_obstacle(self) -> None:
        """Samples that are all alike, black fields, and a pool that is the truth itself have finite values."""
        given = self.pools()
        black = torch.zeros_like(given.samples)
        alike = given.samples[:, :1].expand_as(given.samples).clone()
        black_pools = given._replace(samples=black, y=black[:, 0], pool=torch.zeros_like(given.pool))
        _measured(self, "samples that are all alike", given._replace(samples=alike))
        _measured(self, "black samples of a black y", black_pools)
        _measured(self, "the truth itself", self.truth_and_noise()[0])

    def few_samples_are_measured_or_refused(self) -> None:
        """Pools of one, two and three samples have finite values, or are left out (NotApplicable) or refused (RequestError)
        with a word of what is needed."""
        for n in (1, 2, 3):
            try:
                _measured(self, f"{n} samples", self.pools(n=n), ITEMS)
            except (NotApplicable, RequestError) as error:
                require(str(error).strip(), f"it does not take {n} samples, and does not say why")

    def many_samples_are_measured(self) -> None:
        """A pool of 200 samples has finite values."""
        _measured(self, "200 samples", self.pools(2, 200))

    def large_numbers_are_measured(self) -> None:
        """y far above 1, such as motions of hundreds of pixels, has finite values."""
        _measured(self, "y in the hundreds", self.pools(scale=500))

    def measuring_does_not_change_its_inputs(self) -> None:
        """Samples, y, x, the pool, the density and the places are after measuring what they were before."""
        given = self.pools()
        with unchanged("measuring", given._asdict()):
            self.values(given)

    def the_same_pools_have_the_same_values(self) -> None:
        """Two calls give the same values to the bit, whatever the global random state is; so does one that sees the
        run anew."""
        values = []
        for state, each in enumerate([self, self, *([self.anew()] if self.metric.needs == "fitted" else [])]):
            stir(state)
            values.append(dict(each.values(each.pools())))
        same = all(same_bits(values[0], more) for more in values[1:])
        require(same, "two calls with the same pools give different values; draw nothing, or from a fixed seed")

    def what_is_set_in_the_process_is_not_read(self) -> None:
        """With another default type and device, autocast, NumPy that raises, and another folder the values are the same to
        the bit."""

        def work(pools: Pools) -> dict[str, torch.Tensor]:
            return {f"values under {suffix!r}": value for suffix, value in self.values(pools).items()}

        same_elsewhere("it", work, self.pools())

    def samples_that_are_not_finite_are_refused(self) -> None:
        """A pool with a NaN or an infinite number is refused with a ZooError, whatever the metric would make of it."""
        for value in (float("nan"), float("inf")):
            pools = self.pools()
            pools.samples.view(-1)[-1] = value
            try:
                self.values(pools)
            except ZooError:
                continue
            raise Broken(f"samples with {value} were measured; they must be refused with a zoo.ZooError")

    def measuring_leaves_the_global_state_alone(self) -> None:
        """The random states and torch's defaults are after measuring what they were before."""
        anew = self.anew()
        with untouched("measuring"), same_defaults("measuring"):
            anew.values(anew.pools())

    def measuring_prints_nothing(self) -> None:
        """Measuring writes nothing to the standard streams."""
        anew = self.anew()
        with silent("measuring"):
            anew.values(anew.pools())

    def values_carry_no_gradient(self) -> None:
        """Values hang on no graph where the samples hang on none, and earlier values do not change what later ones are."""
        before = {suffix: value.clone() for suffix, value in self.values(self.pools()).items()}
        self.values(self.pools(seed=5))
        after = self.values(self.pools())
        require(not any(value.requires_grad for value in after.values()), "values require a gradient")
        require(same_bits(before, dict(after)), "values depend on what was measured before")
