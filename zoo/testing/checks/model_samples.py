"""Checks of what samples are, that they say something of x, and that they follow from it and the seed alone."""

from __future__ import annotations

import sys

import torch
from torch import Tensor

from zoo.contracts.model import Model
from zoo.testing.subjects.model import ModelSubject, flat
from zoo.testing.verdicts import (
    Skipped,
    finite,
    finite_samples,
    may_skip,
    require,
    same_bits,
    shaped,
    stir,
    twice,
    unchanged,
    untouched,
)
from zoo.utils.noise import Noise

NO_ACCELERATOR = "there is no accelerator here"


class Samples(ModelSubject):
    def samples_have_the_documented_shape(self) -> None:
        """``sample(x, n)`` of x (B, *x_shape) is (B, n, *y_shape), for one x and for several."""
        for items, n in ((3, 4), (1, 2)):
            shaped("samples have", self.fitted.sample(self.x(items), n, seed=5), (items, n, *self.shapes[1]))

    def samples_are_float32(self) -> None:
        """Samples are float32 on the device of x, whatever kind of float x is."""
        for dtype in (torch.float32, torch.float64, torch.float16):
            x = self.x(2).to(dtype)
            samples = self.fitted.sample(x, 2, seed=5)
            require(samples.dtype == torch.float32, f"for x of {dtype} the samples are {samples.dtype}; they must be float32")
            require(samples.device == x.device, f"x is on {x.device}, the samples on {samples.device}")

    def samples_are_finite(self) -> None:
        """Every number of a sample is finite, for x like those fitted to and for black, white and far-off ones."""
        x = torch.cat([self.x(3), *(flat(level, self.shapes[0]) for level in (0, 1, -3, 20))])
        finite("numbers of the samples are", self.fitted.sample(x, 4, seed=5))

    def one_sample_is_enough(self) -> None:
        """n = 1 gives (B, 1, *y_shape), finite."""
        finite_samples("samples of n = 1", self.fitted.sample(self.x(2), 1, seed=0), (2, 1, *self.shapes[1]))

    def a_thousand_samples_fit_into_memory(self) -> None:
        """n = 1000 gives (B, 1000, *y_shape), finite, in memory that stays below 768 MB for two small fields."""
        before = _most_memory()
        samples = self.fitted.sample(self.x(2), 1000, seed=0)
        more = (_most_memory() - before) / 2**20
        finite_samples("1000 samples", samples, (2, 1000, *self.shapes[1]))
        require(more < 768, f"1000 samples of two fields took {more:.0f} MB; it must be below 768: draw them in parts")

    def samples_of_no_x_are_none(self) -> None:
        """An empty batch of x (0, *x_shape) gives (0, n, *y_shape)."""
        shaped("samples of no x have", self.fitted.sample(self.x(1)[:0], 3, seed=0), (0, 3, *self.shapes[1]))

    def samples_carry_no_gradient(self) -> None:
        """Samples hang on no graph, and sampling leaves no gradient behind, even where x asks for one."""
        model = self.fitted
        before = [p.grad for p in model.parameters()]
        with torch.enable_grad():
            x = self.x(2).requires_grad_()
            samples = model.sample(x, 2, seed=0)
        require(not samples.requires_grad, "samples require a gradient; they must be drawn under torch.no_grad")
        same = all(p.grad is grad for p, grad in zip(model.parameters(), before, strict=True))
        require(x.grad is None and same, "sampling left gradients behind")

    def sampling_does_not_change_x(self) -> None:
        """x is after sampling what it was before."""
        x = self.x(2)
        with unchanged("sampling", {"x": x}):
            self.fitted.sample(x, 2, seed=0)

    def sampling_does_not_change_the_model(self) -> None:
        """The tensors of the model are after sampling what they were before, also in training mode."""
        model = self.fitted
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        model.train()
        try:
            model.sample(self.x(3), 2, seed=0)
            after = model.state_dict()
            wrong = [name for name in before if not same_bits(before[name], after[name])]
        finally:
            model.eval()
            model.load_state_dict(before)
        require(not wrong, f"sampling changed {', '.join(wrong[:3])}; nothing may be learnt or counted while sampling")

    def sampling_keeps_the_mode_and_ignores_it(self) -> None:
        """In training and in eval mode the samples are the same, and the mode is after sampling what it was before."""
        model, x = self.fitted, self.x(2)
        want = model.sample(x, 3, seed=4)
        model.train()
        try:
            got = model.sample(x, 3, seed=4)
            training = model.training
        finally:
            model.eval()
        require(training, "sampling turned training mode off; leave the mode as it was")
        require(same_bits(want, got), "in training mode the samples are others than in eval mode (dropout, batch norm?)")

    def another_x_gives_other_samples(self) -> None:
        """With the same noise, a dark x and a light x give different samples."""
        model = self.fitted
        dark, light = (flat(level, self.shapes[0]) for level in (0.2, 0.8))
        if type(model).sample is Model.sample:
            with torch.no_grad():
                of_dark, of_light = (model.draw(model.encode(x), 50, Noise(dark, 0)) for x in (dark, light))
            moved = (of_dark - of_light).abs().mean()
            require(
                moved > 0.01 * of_dark.std(), "with the same noise, another x gives the same samples; they must depend on x"
            )
            return
        pools = [model.sample(x, 200, seed=seed)[0].flatten(1).mean(0) for x in (dark, light) for seed in (0, 1)]
        by_seed = (pools[0] - pools[1]).norm() + (pools[2] - pools[3]).norm()
        require((pools[0] - pools[2]).norm() > by_seed, "another x moves the samples no more than another seed does")

    def a_pool_has_spread(self) -> None:
        """The samples for one x differ: their variance is more than a thousandth of that of y over the data."""
        pairs = self.pairs(8, seed=4)
        spread = self.fitted.sample(pairs.x, 50, seed=0).var(1).mean()
        least = 1e-3 * pairs.y.var(0).mean()
        fault = f"the variance of a pool is {spread:.2g}; it must be more than {least:.2g}: samples are all alike"
        require(spread > least, fault)

    @may_skip(NO_ACCELERATOR)
    def an_accelerator_works_like_the_cpu(self) -> None:
        """Fitted on an accelerator, it samples x of either device, gives samples there, and is saved with tensors of
        the CPU."""
        if not torch.cuda.is_available():
            raise Skipped(NO_ACCELERATOR)
        model = self.make()
        self.fit(model, self.pairs(40), 2, device="cuda")
        require(model.device.type == "cuda", f"fitted on cuda, its tensors are on {model.device}")
        for device in ("cpu", "cuda"):
            samples = model.sample(self.x(2).to(device), 3, seed=0)
            require(samples.device.type == device, f"x is on {device}, the samples on {samples.device}")
            finite(f"samples of x on {device} are", samples)
        pairs = self.pairs(3, seed=7).to("cuda")
        density = model.log_prob(pairs.y, pairs.x)
        require(density is None or density.device.type == "cuda", "log_prob of tensors on cuda is elsewhere")

    def the_same_seed_gives_the_same_bits(self) -> None:
        """Two calls with one seed give the same samples to the bit, whatever was drawn in between."""
        model, x = self.fitted, self.x(3)
        first = model.sample(x, 4, seed=5)
        model.sample(x, 3, seed=7)
        require(same_bits(first, model.sample(x, 4, seed=5)), "the same seed gives other samples the second time")

    def any_integer_is_a_seed(self) -> None:
        """0, a negative and a very large number are seeds."""
        for seed in (0, -1, 2**63 - 1):
            finite(f"samples of seed {seed} are", self.fitted.sample(self.x(1), 2, seed=seed))

    def another_seed_gives_other_samples(self) -> None:
        """Another seed gives other samples."""
        pools = [self.fitted.sample(self.x(3), 4, seed=seed) for seed in (5, 6)]
        require(not same_bits(*pools), "seeds 5 and 6 give the same samples")

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
        alone, among = self.fitted.sample(x[4:5], 3, seed=0), self.fitted.sample(x, 3, seed=0)[4:5]
        rule = "each x must have its own noise (zoo.Noise) and nothing may be averaged over the batch"
        _near(alone, among, f"when others are in the batch; {rule}")

    def samples_follow_the_order_of_the_batch(self) -> None:
        """The same x in another order give the same samples in that order, but for rounding."""
        x, order = self.x(5, seed=6), torch.tensor([3, 0, 4, 1, 2])
        here, there = self.fitted.sample(x, 3, seed=0)[order], self.fitted.sample(x[order], 3, seed=0)
        _near(here, there, "in another order of the batch; noise must not depend on the place")


def _near(samples: Tensor, others: Tensor, when: str) -> None:
    far = (samples - others).detach().abs().max().item() if samples.shape == others.shape else float("inf")
    near = far <= 1e-4 * max(1.0, samples.detach().abs().max().item())
    require(near, f"the samples for one x differ by {far:.2g} {when}")


def _most_memory() -> int:
    """The largest memory that this process has had, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
