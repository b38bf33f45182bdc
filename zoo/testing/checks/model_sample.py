"""Checks of what samples are: their shape, their kind, and that they say something of x."""

from __future__ import annotations

import sys

import torch

from zoo.contracts.model import Model
from zoo.testing.subjects.model import ModelSubject, flat
from zoo.testing.verdicts import may_skip, require, skip
from zoo.testing.world import finite, finite_samples, same_bits, shaped, unchanged
from zoo.utils.noise import Noise

NO_ACCELERATOR = "there is no accelerator here"
MEMORY = 768 * 2**20
"""Bytes by which 1000 samples of two small fields may raise the largest memory of the process."""


class Samples(ModelSubject):
    """The samples of a model."""

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
        more = _most_memory() - before
        finite_samples("1000 samples", samples, (2, 1000, *self.shapes[1]))
        require(
            more < MEMORY,
            f"1000 samples of two fields took {more / 2**20:.0f} MB; "
            f"it must be below {MEMORY / 2**20:.0f}: draw them in parts",
        )

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
                one, other = (model.draw(model.encode(x), 50, Noise(dark, 0)) for x in (dark, light))
            moved = (one - other).abs().mean()
            require(moved > 0.01 * one.std(), "with the same noise, another x gives the same samples; they must depend on x")
            return
        pools = [model.sample(x, 200, seed=seed)[0].flatten(1).mean(0) for x in (dark, light) for seed in (0, 1)]
        by_seed = (pools[0] - pools[1]).norm() + (pools[2] - pools[3]).norm()
        require((pools[0] - pools[2]).norm() > by_seed, "another x moves the samples no more than another seed does")

    def a_pool_has_spread(self) -> None:
        """The samples for one x differ: their variance is more than a thousandth of that of y over the data."""
        pairs = self.pairs(8, seed=4)
        spread = self.fitted.sample(pairs.x, 50, seed=0).var(1).mean()
        least = 1e-3 * pairs.y.var(0).mean()
        require(
            spread > least, f"the variance of a pool is {spread:.2g}; it must be more than {least:.2g}: samples are all alike"
        )

    @may_skip(NO_ACCELERATOR)
    def an_accelerator_works_like_the_cpu(self) -> None:
        """Fitted on an accelerator, it samples x of either device, gives samples there, and is saved with tensors of
        the CPU."""
        if not torch.cuda.is_available():
            skip(NO_ACCELERATOR)
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


def _most_memory() -> int:
    """The largest memory that this process has had, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
