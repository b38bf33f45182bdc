"""The two terms of a model's evidence bound on the test pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from zoo import Fitted, Metric, Model, NotApplicable, RequestError


class _Evidence(Metric):
    """One of the terms of :meth:`zoo.Model.evidence`."""

    better = "lower"
    needs = "fitted"
    term: ClassVar[str]
    model: Model | None = None
    seed = 0

    def prepare(self, fitted: Fitted) -> None:
        """Keep the model.

        Raises:
            NotApplicable: it has no evidence bound, or was stored without what it takes.
        """
        model, first = fitted.model, fitted.pairs
        try:
            terms = model.evidence(first.y[:1].to(model.device), first.x[:1].to(model.device), seed=fitted.seed)
        except RequestError as error:
            raise NotApplicable(str(error)) from error
        if terms is None:
            raise NotApplicable(f"model {model.name or type(model).__name__} has no evidence bound")
        self.model, self.seed = model, fitted.seed

    def __call__(self, samples: Tensor, y: Tensor, *, x: Tensor | None = None, **known: Tensor | None) -> Mapping[str, Tensor]:
        terms = None if self.model is None or x is None else self.model.evidence(y, x, seed=self.seed)
        if terms is None:
            raise RequestError("the terms of the evidence need the run (prepare), a model that has them, and x")
        return {"": terms[self.term].detach()}


class ReconstructionError(_Evidence):
    """The squared error of y as the model rebuilds it from y's own code, summed over the numbers of y."""

    unit = "squared error an item"
    source = "Debbagh (attribute CVAE), section 5.3 and Table 1: MSE"
    term = "mse"


class CodeDivergence(_Evidence):
    """The information in the code of y beyond x: KL(q(z | x, y) || p(z | x))."""

    unit = "nats an item"
    source = "Debbagh (attribute CVAE), equation 10 and Table 1: KL"
    term = "kl"
