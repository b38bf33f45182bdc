"""Checks of the randomness of sampling: it follows from the seed and from x, and from nothing else."""

from __future__ import annotations

import torch

from zoo.testing.checking import contract
from zoo.testing.subjects.model import ModelSubject
from zoo.testing.verdicts import require
from zoo.testing.world import same_bits, stir, untouched


@contract("model")
def the_same_seed_gives_the_same_bits(subject: ModelSubject) -> None:
    """Two calls with one seed give the same samples to the bit, whatever was drawn in between."""
    model, x = subject.fitted, subject.x(3)
    one = model.sample(x, 4, seed=5)
    model.sample(x, 3, seed=7)
    require(same_bits(one, model.sample(x, 4, seed=5)), "the same seed gives other samples the second time")


@contract("model")
def any_integer_is_a_seed(subject: ModelSubject) -> None:
    """0, a negative and a very large number are seeds."""
    for seed in (0, -1, 2**63 - 1):
        samples = subject.fitted.sample(subject.x(1), 2, seed=seed)
        require(torch.isfinite(samples).all(), f"seed {seed} gives samples that are not finite")


@contract("model")
def another_seed_gives_other_samples(subject: ModelSubject) -> None:
    """Another seed gives other samples."""
    model, x = subject.fitted, subject.x(3)
    require(not same_bits(model.sample(x, 4, seed=5), model.sample(x, 4, seed=6)), "seeds 5 and 6 give the same samples")


@contract("model")
def without_a_seed_every_call_is_new(subject: ModelSubject) -> None:
    """Without a seed, every call gives other samples, also where the global random state is the same."""
    model, x, pools = subject.fitted, subject.x(3), []
    for _ in range(2):
        stir(0)
        pools.append(model.sample(x, 4))
    require(not same_bits(*pools), "two calls without a seed give the same samples; take the seed of zoo.new_seed()")


@contract("model")
def a_generator_takes_the_place_of_a_seed(subject: ModelSubject) -> None:
    """``sample(x, n, generator=g)`` works, and generators in the same state give the same samples."""
    model, x = subject.fitted, subject.x(2)
    pools = []
    for other in (1, 2):
        stir(other)
        pools.append(model.sample(x, 3, generator=torch.Generator().manual_seed(11)))
    require(same_bits(*pools), "generators in the same state give different samples")


@contract("model")
def sampling_leaves_the_global_random_state_alone(subject: ModelSubject) -> None:
    """The random states of torch, numpy and Python are after sampling what they were before, with and without a seed."""
    model, x = subject.fitted, subject.x(2)
    with untouched("sampling with a seed"):
        model.sample(x, 3, seed=1)
    with untouched("sampling without a seed"):
        model.sample(x, 3)


@contract("model")
def sampling_does_not_read_the_global_random_state(subject: ModelSubject) -> None:
    """With a seed, the samples are the same whatever the global random state is."""
    model, x, pools = subject.fitted, subject.x(2), []
    for other in (1, 2):
        stir(other)
        pools.append(model.sample(x, 3, seed=1))
    require(same_bits(*pools), "the samples of one seed differ with the global random state; draw from noise alone")


@contract("model")
def samples_do_not_depend_on_the_rest_of_the_batch(subject: ModelSubject) -> None:
    """The samples for one x are the same alone and among others, but for rounding."""
    model, x = subject.fitted, subject.x(9, seed=6)
    among, alone = model.sample(x, 3, seed=0)[4:5], model.sample(x[4:5], 3, seed=0)
    far = (among - alone).detach().abs().max().item() if among.shape == alone.shape else float("inf")
    require(
        far <= 1e-4 * max(1.0, alone.detach().abs().max().item()),
        f"the samples for one x differ by {far:.2g} when others are in the batch; each x must have its own noise "
        "(zoo.Noise) and nothing may be averaged over the batch",
    )


@contract("model")
def samples_follow_the_order_of_the_batch(subject: ModelSubject) -> None:
    """The same x in another order give the same samples in that order, but for rounding."""
    model, x = subject.fitted, subject.x(5, seed=6)
    order = torch.tensor([3, 0, 4, 1, 2])
    one, other = model.sample(x, 3, seed=0)[order], model.sample(x[order], 3, seed=0)
    far = (one - other).detach().abs().max().item()
    require(
        far <= 1e-4 * max(1.0, one.detach().abs().max().item()),
        f"in another order of the batch the samples for the same x differ by {far:.2g}; noise must not depend on the place",
    )
