"""Checks of the values of a metric: what they may depend on, and which way is better."""

from __future__ import annotations

from dataclasses import fields, replace

import torch

from zoo.testing.subjects.metric import ITEMS, NOWHERE, MetricSubject, Pools
from zoo.testing.verdicts import require
from zoo.testing.world import finite, same_bits, same_defaults, shaped, silent, stir, unchanged, untouched
from zoo.utils.errors import RequestError


def _agree(subject: MetricSubject, one: Pools, other: Pools, order: torch.Tensor | slice, message: str) -> None:
    """The values of ``one``, in this order of its items, are those of ``other``, but for rounding."""
    first, second = subject.values(one), subject.values(other)
    for suffix in first.keys() & second.keys():
        near = torch.allclose(first[suffix][order], second[suffix], rtol=1e-4, atol=1e-5)
        require(near, f"under {suffix!r} {message}")


def _finite(subject: MetricSubject, what: str, pools: Pools) -> None:
    for suffix, value in subject.values(pools).items():
        finite(f"under {suffix!r} the value of {what} is", value)


class Values(MetricSubject):
    """The values of a metric."""

    skips = (NOWHERE,)

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
        other = replace(given, samples=given.samples[:, order])
        _agree(self, given, other, slice(None), "the value differs with the order of the samples")

    def the_truth_is_at_least_as_good_as_noise(self) -> None:
        """A pool of the true y is, in the direction of ``better``, at least as good as noise far from it."""
        truth, noise = (self.values(given) for given in self.truth_and_noise())
        for suffix, value in truth.items():
            ahead = noise[suffix].mean() - value.mean()
            require(
                ahead >= 0 if self.metric.better == "lower" else ahead <= 0,
                f"under {suffix!r} the truth has {value.mean():.3g} and noise {noise[suffix].mean():.3g}, "
                f"although {self.metric.better} is better",
            )

    def flat_pools_are_no_obstacle(self) -> None:
        """Samples that are all alike, black fields, and a pool that is the truth itself have finite values."""
        given = self.pools()
        black = torch.zeros_like(given.samples)
        alike = given.samples[:, :1].expand_as(given.samples).clone()
        _finite(self, "samples that are all alike", replace(given, samples=alike))
        black_pools = replace(given, samples=black, y=black[:, 0], pool=torch.zeros_like(given.pool))
        _finite(self, "black samples of a black y", black_pools)
        _finite(self, "the truth itself", self.truth_and_noise()[0])

    def few_samples_are_measured_or_refused(self) -> None:
        """Pools of one, two and three samples have finite values, or are refused with a RequestError that says what
        is needed."""
        for n in (1, 2, 3):
            try:
                values = self.values(self.pools(n=n))
            except RequestError:
                continue
            for suffix, value in values.items():
                shaped(f"under {suffix!r} the values of {n} samples have", value, (ITEMS,))
                finite(f"under {suffix!r} the values of {n} samples are", value)

    def many_samples_are_measured(self) -> None:
        """A pool of 200 samples has finite values."""
        _finite(self, "200 samples", self.pools(2, 200))

    def large_numbers_are_measured(self) -> None:
        """y far above 1, such as motions of hundreds of pixels, has finite values."""
        _finite(self, "y in the hundreds", self.pools(scale=500))

    def measuring_does_not_change_its_inputs(self) -> None:
        """Samples, y, x, the pool, the density and the places are after measuring what they were before."""
        given = self.pools()
        with unchanged("measuring", {field.name: getattr(given, field.name) for field in fields(given)}):
            self.values(given)

    def the_same_pools_have_the_same_values(self) -> None:
        """Two calls give the same values to the bit, whatever the global random state is; so does one that sees the
        run anew."""
        values = []
        for state, each in enumerate([self, self, *([self.anew()] if self.sees_runs else [])]):
            stir(state)
            values.append(dict(each.values(each.pools())))
        same = all(same_bits(values[0], more) for more in values[1:])
        require(same, "two calls with the same pools give different values; draw nothing, or from a fixed seed")

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
