"""Checks of the values of a metric: what they may depend on, and which way is better."""

from __future__ import annotations

from dataclasses import fields, replace

import torch

from zoo.testing.checking import contract
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


@contract("metric", skips=(NOWHERE,))
def a_value_does_not_depend_on_the_rest_of_the_batch(subject: MetricSubject) -> None:
    """The value of an item is the same alone and among others, and follows the order of the batch."""
    given, order = subject.pools(), torch.tensor([4, 1, 0, 5, 3, 2])
    alone = given.take(torch.tensor([2]))
    _agree(subject, given, alone, slice(2, 3), "the value of an item differs when others are in the batch")
    _agree(subject, given, given.take(order), order, "values do not follow the order of the items")


@contract("metric", skips=(NOWHERE,))
def the_order_of_the_samples_does_not_matter(subject: MetricSubject) -> None:
    """The samples of a pool in another order give the same value."""
    given = subject.pools()
    order = torch.randperm(given.samples.shape[1], generator=torch.Generator().manual_seed(0))
    other = replace(given, samples=given.samples[:, order])
    _agree(subject, given, other, slice(None), "the value differs with the order of the samples")


@contract("metric", skips=(NOWHERE,))
def the_truth_is_at_least_as_good_as_noise(subject: MetricSubject) -> None:
    """A pool of the true y is, in the direction of ``better``, at least as good as noise far from it."""
    truth, noise = (subject.values(given) for given in subject.truth_and_noise())
    for suffix, value in truth.items():
        ahead = noise[suffix].mean() - value.mean()
        require(
            ahead >= 0 if subject.metric.better == "lower" else ahead <= 0,
            f"under {suffix!r} the truth has {value.mean():.3g} and noise {noise[suffix].mean():.3g}, "
            f"although {subject.metric.better} is better",
        )


@contract("metric", skips=(NOWHERE,))
def flat_pools_are_no_obstacle(subject: MetricSubject) -> None:
    """Samples that are all alike, black fields, and a pool that is the truth itself have finite values."""
    given = subject.pools()
    black = torch.zeros_like(given.samples)
    alike = given.samples[:, :1].expand_as(given.samples).clone()
    _finite(subject, "samples that are all alike", replace(given, samples=alike))
    black_pools = replace(given, samples=black, y=black[:, 0], pool=torch.zeros_like(given.pool))
    _finite(subject, "black samples of a black y", black_pools)
    _finite(subject, "the truth itself", subject.truth_and_noise()[0])


@contract("metric", skips=(NOWHERE,))
def few_samples_are_measured_or_refused(subject: MetricSubject) -> None:
    """Pools of one, two and three samples have finite values, or are refused with a RequestError that says what is needed."""
    for n in (1, 2, 3):
        try:
            values = subject.values(subject.pools(n=n))
        except RequestError:
            continue
        for suffix, value in values.items():
            shaped(f"under {suffix!r} the values of {n} samples have", value, (ITEMS,))
            finite(f"under {suffix!r} the values of {n} samples are", value)


@contract("metric", skips=(NOWHERE,))
def many_samples_are_measured(subject: MetricSubject) -> None:
    """A pool of 200 samples has finite values."""
    _finite(subject, "200 samples", subject.pools(2, 200))


@contract("metric", skips=(NOWHERE,))
def large_numbers_are_measured(subject: MetricSubject) -> None:
    """y far above 1, such as motions of hundreds of pixels, has finite values."""
    shape = None if subject.sees_runs else (2, 16, 16)
    _finite(subject, "y in the hundreds", subject.pools(y_shape=shape, scale=50))


@contract("metric", skips=(NOWHERE,))
def measuring_does_not_change_its_inputs(subject: MetricSubject) -> None:
    """Samples, y, x, the pool, the density and the places are after measuring what they were before."""
    given = subject.pools()
    with unchanged("measuring", {field.name: getattr(given, field.name) for field in fields(given)}):
        subject.values(given)


@contract("metric", skips=(NOWHERE,))
def the_same_pools_have_the_same_values(subject: MetricSubject) -> None:
    """Two calls give the same values to the bit, whatever the global random state is; so does one that sees the run anew."""
    values = []
    for state, each in enumerate([subject, subject, *([subject.anew()] if subject.sees_runs else [])]):
        stir(state)
        values.append(dict(each.values(each.pools())))
    same = all(same_bits(values[0], more) for more in values[1:])
    require(same, "two calls with the same pools give different values; draw nothing, or from a fixed seed")


@contract("metric", skips=(NOWHERE,))
def measuring_leaves_the_global_state_alone(subject: MetricSubject) -> None:
    """The random states and torch's defaults are after measuring what they were before."""
    anew = subject.anew()
    with untouched("measuring"), same_defaults("measuring"):
        anew.values(anew.pools())


@contract("metric", skips=(NOWHERE,))
def measuring_prints_nothing(subject: MetricSubject) -> None:
    """Measuring writes nothing to the standard streams."""
    anew = subject.anew()
    with silent("measuring"):
        anew.values(anew.pools())


@contract("metric", skips=(NOWHERE,))
def values_carry_no_gradient(subject: MetricSubject) -> None:
    """Values hang on no graph where the samples hang on none, and earlier values do not change what later ones are."""
    before = {suffix: value.clone() for suffix, value in subject.values(subject.pools()).items()}
    subject.values(subject.pools(seed=5))
    after = subject.values(subject.pools())
    require(not any(value.requires_grad for value in after.values()), "values require a gradient")
    require(same_bits(before, dict(after)), "values depend on what was measured before")
