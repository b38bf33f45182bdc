"""Checks of models that are trained by gradient: losses, optimizers, and where the gradient arrives."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from zoo.contracts.model import Model
from zoo.data.pairs import Batch
from zoo.fitting.recipe import Step, Turns
from zoo.testing.subjects.model import BATCH, ModelSubject
from zoo.testing.verdicts import may_skip, require, skip
from zoo.testing.world import finite, same_bits, twice, untouched

NO_GRADIENT = "the model is not trained by gradient"


def _by_gradient(subject: ModelSubject) -> None:
    if not subject.by_gradient:
        skip(NO_GRADIENT)


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
    """Losses and optimizers of a model that is trained by gradient."""

    @may_skip(NO_GRADIENT)
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

    @may_skip(NO_GRADIENT)
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

    @may_skip(NO_GRADIENT)
    def the_gradient_reaches_every_parameter(self) -> None:
        """After all turns of a step, every parameter that learns has a gradient that is not 0."""
        model = _learner(self)
        for _, losses in _turns(self, model):
            losses["total"].backward()
        silent = [n for n, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.abs().sum() > 0)]
        require(not silent, f"no gradient reaches {', '.join(silent[:3])}; a parameter that nothing trains must go")

    @may_skip(NO_GRADIENT)
    def every_parameter_has_one_optimizer(self) -> None:
        """Every parameter that learns is held by exactly one optimizer."""
        model = _learner(self)
        held = [id(p) for o in model.optimizers().values() for group in o.param_groups for p in group["params"]]
        for name, parameter in model.named_parameters():
            count = held.count(id(parameter))
            require(
                count == 1 or not parameter.requires_grad, f"parameter {name} is held by {count} optimizers; one must hold it"
            )
        own = {id(p) for p in model.parameters()}
        require(own.issuperset(held), "an optimizer holds a parameter that is not the model's")

    @may_skip(NO_GRADIENT)
    def fitting_moves_the_weights_of_every_optimizer(self) -> None:
        """Some weights of every optimizer are after a few dozen steps others than after one."""
        _by_gradient(self)
        first, fitted = self.fit_new(self.pairs(), 1), self.fitted
        for turn, optimizer in fitted.optimizers().items():
            held = {id(p) for group in optimizer.param_groups for p in group["params"]}
            moved = (not torch.equal(first.get_parameter(n), p) for n, p in fitted.named_parameters() if id(p) in held)
            require(any(moved), f"no parameter of optimizer {turn!r} has moved after a fit; is its learning rate 0?")

    @may_skip(NO_GRADIENT)
    def a_last_batch_of_one_is_no_obstacle(self) -> None:
        """Fitting works with one pair, and with batches of one."""
        _by_gradient(self)
        pairs = self.pairs(3)
        for items, batch_size in ((1, 8), (3, 1)):
            model, some = self.make(), pairs.subset(torch.arange(items))
            model.fit(some, seed=0, device="cpu", progress=False, steps=2, batch_size=batch_size)
            what = f"fitted to {items} pairs in batches of {batch_size}, its samples are"
            finite(what, model.sample(pairs.x, 2, seed=0))
