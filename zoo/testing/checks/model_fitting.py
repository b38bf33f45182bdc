"""Checks of fitting, and of the losses and optimizers of models that are trained by gradient."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from zoo.contracts.model import Model
from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import History, Step, Turns
from zoo.testing.subjects.model import BATCH, ModelSubject, flat, spread
from zoo.testing.verdicts import (
    Skipped,
    finite,
    refused,
    require,
    same_bits,
    same_defaults,
    same_elsewhere,
    silent,
    stir,
    twice,
    unchanged,
    untouched,
)

FEW = 2
"""Steps of a fit whose result does not matter."""
NO_GRADIENT = "the model is not trained by gradient"


class Fitting(ModelSubject):
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
        rule = "everything random must follow from the seed: first weights in reset_parameters, the rest from Step.generator"
        require(not wrong, f"two fits with the same seed differ in {', '.join(wrong[:3])}; {rule}")
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

    def what_is_set_in_the_process_is_not_read(self) -> None:
        """With another default type and device, autocast, inference mode, other algorithms and another folder all is the same
        to the bit: samples after fit and after loading, densities, features and reconstructions."""

        def work(pairs: Pairs, x: Tensor, y: Tensor) -> dict[str, Tensor]:
            model = self.fit_new(pairs, FEW)
            with tempfile.TemporaryDirectory() as folder:
                model.save(Path(folder) / "model")
                loaded = Model.load(Path(folder) / "model")
            known = {name: getattr(loaded, name)(y, x, seed=1) for name in ("log_prob", "joint_log_prob")}
            known |= {name: getattr(loaded, name)(x) for name in ("features", "reconstruct")}
            known |= {"samples": model.sample(x, 3, seed=1), "samples after loading": loaded.sample(x, 3, seed=1)}
            return {name: value.detach() for name, value in known.items() if value is not None}

        same_elsewhere("it", work, self.pairs(40), self.x(2), self.pairs(2, seed=2).y)

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
        each = spread(levels, x_shape).expand(40, *x_shape).contiguous()
        answer = spread(1 - levels, y_shape).expand(40, *y_shape).contiguous()
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


def _by_gradient(subject: ModelSubject) -> None:
    if not subject.by_gradient:
        raise Skipped(NO_GRADIENT)


def _learner(subject: ModelSubject) -> Model:
    """A copy of the fitted model, in training mode, to be changed at will."""
    _by_gradient(subject)
    model = copy.deepcopy(subject.fitted)
    model.zero_grad(set_to_none=True)
    return model.train()


def _turns(subject: ModelSubject, model: Model) -> Turns:
    """The turns of one step, none of which is followed by a step of its optimizer."""
    pairs = subject.pairs(BATCH, seed=1)
    return model.turns(Batch(pairs.x, pairs.y, None, torch.arange(BATCH)), Step(3, 10, torch.Generator().manual_seed(0)))


class Gradients(ModelSubject):
    skips = (NO_GRADIENT,)

    def losses_are_finite_numbers(self) -> None:
        """Every turn gives scalars by name, all finite, one of them ``"total"``, which has a gradient."""
        model = _learner(self)
        optimizers = model.optimizers()
        for turn, losses in _turns(self, model):
            require(turn in optimizers, f"a turn is {turn!r}'s; the optimizers are {', '.join(optimizers)}")
            require("total" in losses, f'losses of {turn!r} are {", ".join(losses)}; one must be called "total"')
            for name, value in losses.items():
                require(value.ndim == 0, f"loss {name!r} of {turn!r} has shape {tuple(value.shape)}; it must be a scalar")
                require(torch.isfinite(value), f"loss {name!r} of {turn!r} is {value.item()}")
            require(losses["total"].requires_grad, f"the total loss of {turn!r} has no gradient")

    def losses_draw_from_the_steps_generator(self) -> None:
        """The losses of one step are the same to the bit whatever the global random state is, and leave it alone."""
        model = _learner(self)
        state = {name: tensor.clone() for name, tensor in model.state_dict().items()}

        def totals() -> list[tuple[str, Tensor]]:
            model.load_state_dict(state)
            with untouched("computing losses"):
                return [(turn, losses["total"].detach()) for turn, losses in _turns(self, model)]

        for (turn, first), (_, second) in zip(*twice(totals), strict=True):
            same = same_bits(first, second)
            require(same, f"the losses of {turn!r} differ with the global random state; draw from step.generator")

    def the_gradient_reaches_every_parameter(self) -> None:
        """After all turns of a step, every parameter that learns has a gradient that is not 0."""
        model = _learner(self)
        for _, losses in _turns(self, model):
            losses["total"].backward()
        silent = [n for n, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.abs().sum() > 0)]
        require(not silent, f"no gradient reaches {', '.join(silent[:3])}; a parameter that nothing trains must go")

    def every_parameter_has_one_optimizer(self) -> None:
        """Every parameter that learns is held by exactly one optimizer."""
        model = _learner(self)
        held = [id(p) for o in model.optimizers().values() for group in o.param_groups for p in group["params"]]
        for name, parameter in model.named_parameters():
            count = held.count(id(parameter))
            right = count == 1 or not parameter.requires_grad
            require(right, f"parameter {name} is held by {count} optimizers; one must hold it")
        own = {id(p) for p in model.parameters()}
        require(own.issuperset(held), "an optimizer holds a parameter that is not the model's")

    def fitting_moves_the_weights_of_every_optimizer(self) -> None:
        """Some weights of every optimizer are after a few dozen steps others than after one."""
        _by_gradient(self)
        first, fitted = self.fit_new(self.pairs(), 1), self.fitted
        for turn, optimizer in fitted.optimizers().items():
            held = {id(p) for group in optimizer.param_groups for p in group["params"]}
            moved = (not torch.equal(first.get_parameter(n), p) for n, p in fitted.named_parameters() if id(p) in held)
            require(any(moved), f"no parameter of optimizer {turn!r} has moved after a fit; is its learning rate 0?")

    def a_last_batch_of_one_is_no_obstacle(self) -> None:
        """Fitting works with one pair, and with batches of one."""
        _by_gradient(self)
        pairs = self.pairs(3)
        for items, batch_size in ((1, 8), (3, 1)):
            model, some = self.make(), pairs.subset(torch.arange(items))
            model.fit(some, seed=0, device="cpu", progress=False, steps=2, batch_size=batch_size)
            what = f"fitted to {items} pairs in batches of {batch_size}, its samples are"
            finite(what, model.sample(pairs.x, 2, seed=0))
