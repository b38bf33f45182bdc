"""The cost of a sample: the same number for every item."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from statistics import median
from typing import ClassVar

import torch
from torch import Tensor

from zoo import Fitted, Metric, Model, Noise, RequestError

SAMPLES, ROUNDS = 20, 5
"""Samples drawn at once, and how often, to take the time."""


class _Cost(Metric):
    """Something of the model that does not depend on the item, found once."""

    better = "lower"
    needs = "fitted"
    cost: float | None = None

    @abstractmethod
    def of(self, model: Model, x: Tensor) -> float:
        """The cost of a model, given one x (1, *x_shape) on its device."""

    def prepare(self, fitted: Fitted) -> None:
        """Find the cost."""
        self.cost = float(self.of(fitted.model, fitted.pairs.x[:1].to(fitted.model.device)))

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        if self.cost is None:
            raise RequestError("what a sample costs is known of a run alone, which was not shown (prepare)")
        return {"": torch.full((len(y),), self.cost, dtype=torch.float64, device=y.device)}


class Parameters(_Cost):
    """How many learnt numbers sampling uses: the parameters, less those of the parts that only training needs."""

    unit = "parameters"
    source = "cGML, section 5 (models of equal capacity); the count is torch's"

    def of(self, model: Model, x: Tensor) -> float:
        idle = tuple(f"{name}." for name in model.training_only)
        return sum(value.numel() for name, value in model.named_parameters() if not name.startswith(idle))


class Operations(_Cost):
    """Multiply-adds of the first sample for one x: the model's ``encode`` of x and the ``draw`` of one y.

    Matrix products, convolutions and attention are counted, as :mod:`torch.utils.flop_counter` does (a multiply-add is two
    of its operations); additions, activations, and what is done outside torch's operators are not.
    """

    unit = "multiply-adds a sample"
    source = "cGML, Table 7; torch.utils.flop_counter"
    opt_in = True

    @torch.no_grad()
    def of(self, model: Model, x: Tensor) -> float:
        from torch.utils.flop_counter import FlopCounterMode

        training = model.training
        model.eval()
        try:
            with FlopCounterMode(display=False) as counter:
                model.draw(model.encode(x.float()), 1, Noise(x.float(), 0))
        finally:
            model.train(training)
        return counter.get_total_flops() / 2


class Seconds(_Cost):
    """Seconds a sample on the device of the run: of 20 samples for one x, the median of five rounds after a first one."""

    unit = "seconds a sample"
    source = "cGML, section 5 (complexity); wall-clock time"
    opt_in = True
    expected_failures: ClassVar[Mapping[str, str]] = {
        "the_same_pools_have_the_same_values": "it takes the time, which is never the same",
    }

    def of(self, model: Model, x: Tensor) -> float:
        taken = []
        for _ in range(ROUNDS + 1):
            _wait(x)
            began = time.perf_counter()
            model.sample(x, SAMPLES, seed=0)
            _wait(x)
            taken.append(time.perf_counter() - began)
        return median(taken[1:]) / SAMPLES


def _wait(x: Tensor) -> None:
    """Until the device has done what it was given."""
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
