"""Checks of the randomness of sampling: it follows from the seed and from x, and from nothing else."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.testing.subjects.model import ModelSubject
from zoo.testing.verdicts import require
from zoo.testing.world import finite, same_bits, stir, twice, untouched


class Randomness(ModelSubject):
    """The randomness of samples."""

    def the_same_seed_gives_the_same_bits(self) -> None:
        """Two calls with one seed give the same samples to the bit, whatever was drawn in between."""
        model, x = self.fitted, self.x(3)
        one = model.sample(x, 4, seed=5)
        model.sample(x, 3, seed=7)
        require(same_bits(one, model.sample(x, 4, seed=5)), "the same seed gives other samples the second time")

    def any_integer_is_a_seed(self) -> None:
        """0, a negative and a very large number are seeds."""
        for seed in (0, -1, 2**63 - 1):
            finite(f"samples of seed {seed} are", self.fitted.sample(self.x(1), 2, seed=seed))

    def another_seed_gives_other_samples(self) -> None:
        """Another seed gives other samples."""
        one, other = (self.fitted.sample(self.x(3), 4, seed=seed) for seed in (5, 6))
        require(not same_bits(one, other), "seeds 5 and 6 give the same samples")

    def without_a_seed_every_call_is_new(self) -> None:
        """Without a seed, every call gives other samples, also where the global random state is the same."""
        pools = []
        for _ in range(2):
            stir(0)
            pools.append(self.fitted.sample(self.x(3), 4))
        require(not same_bits(*pools), "two calls without a seed give the same samples; take the seed of zoo.new_seed()")

    def a_generator_takes_the_place_of_a_seed(self) -> None:
        """``sample(x, n, generator=g)`` works, and generators in the same state give the same samples."""
        pools = twice(lambda: self.fitted.sample(self.x(2), 3, generator=torch.Generator().manual_seed(11)))
        require(same_bits(*pools), "generators in the same state give different samples")

    def sampling_leaves_the_global_random_state_alone(self) -> None:
        """The random states of torch, numpy and Python are after sampling what they were before, with and without a seed."""
        model, x = self.fitted, self.x(2)
        with untouched("sampling with a seed"):
            model.sample(x, 3, seed=1)
        with untouched("sampling without a seed"):
            model.sample(x, 3)

    def sampling_does_not_read_the_global_random_state(self) -> None:
        """With a seed, the samples are the same whatever the global random state is."""
        pools = twice(lambda: self.fitted.sample(self.x(2), 3, seed=1))
        require(same_bits(*pools), "the samples of one seed differ with the global random state; draw from noise alone")

    def samples_do_not_depend_on_the_rest_of_the_batch(self) -> None:
        """The samples for one x are the same alone and among others, but for rounding."""
        x = self.x(9, seed=6)
        far, near = _apart(self.fitted.sample(x[4:5], 3, seed=0), self.fitted.sample(x, 3, seed=0)[4:5])
        require(
            near,
            f"the samples for one x differ by {far:.2g} when others are in the batch; each x must have its own noise "
            "(zoo.Noise) and nothing may be averaged over the batch",
        )

    def samples_follow_the_order_of_the_batch(self) -> None:
        """The same x in another order give the same samples in that order, but for rounding."""
        x, order = self.x(5, seed=6), torch.tensor([3, 0, 4, 1, 2])
        far, near = _apart(self.fitted.sample(x, 3, seed=0)[order], self.fitted.sample(x[order], 3, seed=0))
        require(
            near,
            f"in another order of the batch the samples for the same x differ by {far:.2g}; "
            "noise must not depend on the place",
        )


def _apart(one: Tensor, other: Tensor) -> tuple[float, bool]:
    """The largest difference of two batches of samples, and whether it is one of rounding."""
    far = (one - other).detach().abs().max().item() if one.shape == other.shape else float("inf")
    return far, far <= 1e-4 * max(1.0, one.detach().abs().max().item())
