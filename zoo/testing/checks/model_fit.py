"""Checks of fitting: what it takes, what it gives, and that it follows from its seed alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch import Tensor

from zoo.data.pairs import Pairs
from zoo.fitting.recipe import History
from zoo.testing.subjects.model import ModelSubject, flat
from zoo.testing.verdicts import refused, require
from zoo.testing.world import finite, same_bits, same_defaults, silent, stir, twice, unchanged, untouched

FEW = 2
"""Steps of a fit whose result does not matter."""


class Fitting(ModelSubject):
    """Fitting a model."""

    def fit_takes_the_contracts_arguments(self) -> None:
        """``fit(pairs, seed=, device=, epochs=, progress=, resume=)`` works with all of them, and more settings of
        training."""
        model = self.make()
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder) / "state"
            model.fit(self.pairs(40), seed=3, device="cpu", epochs=1, progress=False, resume=state, batch_size=20)
        require(model.fitted, "after fit, the model says that it is not fitted; fit must set self.fitted = True")

    def fit_gives_a_history(self) -> None:
        """``fit`` returns a zoo.History, whose losses are finite numbers."""
        history = self.fit(self.make(), self.pairs(40), FEW)
        require(isinstance(history, History), f"fit returned {type(history).__name__}; it must be a zoo.History")
        for record in history.losses:
            wrong = [name for name, value in record.items() if not abs(value) < float("inf")]
            require(not wrong, f"the recorded {', '.join(wrong)} is not a finite number")

    def fit_follows_its_seed_to_the_bit(self) -> None:
        """The same seed gives the same weights and samples, to the bit, whatever the global random state was before."""

        def fit() -> tuple[dict[str, Tensor], Tensor]:
            model = self.make()
            stir(torch.initial_seed() % 100 + 10)
            self.fit(model, self.pairs(40), FEW, seed=0)
            stir(0)
            return {name: tensor.clone() for name, tensor in model.state_dict().items()}, model.sample(self.x(2), 2, seed=0)

        (weights, samples), (others, other_samples) = twice(fit)
        wrong = [name for name in weights if not same_bits(weights[name], others.get(name, torch.empty(0)))]
        require(
            not wrong,
            f"two fits with the same seed differ in {', '.join(wrong[:3])}; everything random must follow from the seed: "
            "first weights in reset_parameters, the rest from Step.generator",
        )
        require(same_bits(samples, other_samples), "two fits with the same seed give samples that differ")

    def fit_leaves_the_global_random_state_alone(self) -> None:
        """The random states of torch, numpy and Python are after a fit what they were before."""
        model, pairs = self.make(), self.pairs(40)
        with untouched("fit"):
            self.fit(model, pairs, FEW)

    def making_fitting_and_sampling_keep_torchs_defaults(self) -> None:
        """Default dtype and device, threads, grad mode and the working folder stay as they are."""
        with same_defaults("making it"):
            model = self.make()
        with same_defaults("fit"):
            self.fit(model, self.pairs(40), FEW)
        with same_defaults("sample"):
            model.sample(self.x(2), 2, seed=0)

    def fit_does_not_change_the_pairs(self) -> None:
        """The tensors of the pairs are after a fit what they were before."""
        pairs = self.pairs(40)
        with unchanged("fit", {"the x of the pairs": pairs.x, "the y of the pairs": pairs.y}):
            self.fit_new(pairs, FEW)

    def fit_leaves_the_model_ready_to_sample(self) -> None:
        """After fit the model is in eval mode, and its parameters are finite and hold no gradient graph."""
        model = self.fitted
        require(not model.training, "after fit the model is in training mode; it must be in eval mode")
        for name, tensor in model.state_dict(keep_vars=True).items():
            require(tensor.is_leaf, f"{name} still hangs on the graph of the last step; detach it")
            lost = tensor.is_floating_point() and torch.isnan(tensor).any()
            require(not lost, f"{name} has numbers that are not finite after a fit of a few steps")

    def pairs_that_do_not_fit_are_refused(self) -> None:
        """No pairs at all, or pairs of other shapes than the model's, are refused with a RequestError."""
        x, y = self.pairs(4).x, self.pairs(4).y
        cases = {
            "no pairs": Pairs(x[:0], y[:0]),
            "pairs whose x has another shape": Pairs(torch.cat([x, x], -1), y),
            "pairs whose y has another shape": Pairs(x, torch.cat([y, y], -1)),
        }
        for what, wrong in cases.items():
            refused(f"a fit to {what}", self.fit, self.make(), wrong, FEW)

    def fit_and_sample_are_silent_without_progress(self) -> None:
        """With ``progress=False`` fitting writes nothing, and sampling never does."""
        with silent("it", "; progress=False asks for silence"):
            self.fit_new(self.pairs(40), FEW).sample(self.x(1), 2, seed=0)

    def fields_without_content_are_no_obstacle(self) -> None:
        """Fitted to black, grey, white or one-coloured fields, it gives samples and densities that are finite."""
        x_shape, y_shape = self.shapes
        levels = torch.linspace(0, 1, 40)
        each = levels.view(40, *[1] * len(x_shape)).expand(40, *x_shape).contiguous()
        answer = (1 - levels).view(40, *[1] * len(y_shape)).expand(40, *y_shape).contiguous()
        cases = {
            "black": Pairs(flat(0, x_shape, 40), flat(0, y_shape, 40)),
            "grey": Pairs(flat(0.5, x_shape, 40), flat(0.5, y_shape, 40)),
            "white": Pairs(flat(1, x_shape, 40), flat(0, y_shape, 40)),
            "one-coloured": Pairs(each, answer),
        }
        for what, pairs in cases.items():
            model = self.fit_new(pairs, 6)
            samples = model.sample(torch.cat([pairs.x[:1], flat(0, x_shape), flat(1, x_shape), self.x(1)]), 3, seed=0)
            finite(f"fitted to {what} fields, its samples are", samples, "; do not divide by the spread of what does not vary")
            density = model.log_prob(pairs.y[:2], pairs.x[:2])
            finite(f"fitted to {what} fields, its log_prob is", torch.zeros(()) if density is None else density)

    def fit_can_be_done_again(self) -> None:
        """A second fit of the same object, to other pairs, works."""
        model = self.fit_new(self.pairs(40), FEW)
        self.fit(model, self.pairs(30, seed=1), FEW)
        finite("after a second fit its samples are", model.sample(self.x(1), 2, seed=0))
