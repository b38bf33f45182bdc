"""Metrics of the model itself: the cost of a sample, the terms of its evidence bound, and what its code of x knows."""

from __future__ import annotations

import time
import warnings
from abc import abstractmethod
from collections.abc import Mapping
from itertools import pairwise
from statistics import median
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo import Fitted, Metric, Model, Noise, NotApplicable, Pairs, RequestError, Split

SAMPLES, ROUNDS = 20, 5
"""Samples drawn at once, and how often, to take the time."""


class _Cost(Metric):
    """Something of the model that does not depend on the item, found once."""

    ranked = False
    needs = "fitted"
    cost: float | None = None

    @abstractmethod
    def of(self, model: Model, x: Tensor) -> float:
        """The cost of a model, given one x (1, *x_shape) on its device."""

    def prepare(self, fitted: Fitted) -> None:
        self.cost = float(self.of(fitted.model, fitted.pairs.x[:1].to(fitted.model.device)))

    def __call__(self, samples: Tensor, y: Tensor, **known: Tensor | None) -> Mapping[str, Tensor]:
        if self.cost is None:
            raise RequestError("what a sample costs is known of a run alone, which was not shown (prepare)")
        return {"": torch.full((len(y),), self.cost, dtype=torch.float64, device=y.device)}


class Parameters(_Cost):
    """How many learnt numbers sampling uses: the parameters, less those of the parts that only training needs."""

    unit = "parameters"
    better = None
    source = "cGML, section 5 (models of equal capacity); the count is torch's"
    cites = ("ramasinghe2021cgml",)

    def of(self, model: Model, x: Tensor) -> float:
        idle = tuple(f"{name}." for name in model.training_only)
        return sum(value.numel() for name, value in model.named_parameters() if not name.startswith(idle))


class Operations(_Cost):
    """Multiply-adds of the first sample for one x: the model's ``encode`` of x and the ``draw`` of one y.

    Matrix products, convolutions and attention are counted, as :mod:`torch.utils.flop_counter` does (a multiply-add is two
    of its operations); additions, activations, and what is done outside torch's operators are not.
    """

    unit = "multiply-adds a sample"
    better = "lower"
    source = "cGML, Table 7; torch.utils.flop_counter"
    cites = ("ramasinghe2021cgml",)
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
    better = "lower"
    source = "cGML, section 5 (complexity); wall-clock time"
    cites = ("ramasinghe2021cgml",)
    opt_in = True
    expected_failures: ClassVar = {"the_same_pools_have_the_same_values": "it takes the time, which is never the same"}

    def of(self, model: Model, x: Tensor) -> float:
        times: list[float] = []
        while len(times) < ROUNDS + 2:
            if times:
                model.sample(x, SAMPLES, seed=0)
            if x.is_cuda:
                torch.cuda.synchronize(x.device)
            times.append(time.perf_counter())
        return median(after - before for before, after in pairwise(times[1:])) / SAMPLES


class _Evidence(Metric):
    """One of the terms of :meth:`zoo.Model.evidence`."""

    better = "lower"
    needs = "fitted"
    term: ClassVar[str]
    model: Model | None = None
    seed = 0

    def prepare(self, fitted: Fitted) -> None:
        """Keep the model; NotApplicable where it has no evidence bound, or was stored without what it takes."""
        model, (x, y) = fitted.model, (part[:1].to(fitted.model.device) for part in (fitted.pairs.x, fitted.pairs.y))
        try:
            terms = model.evidence(y, x, seed=fitted.seed)
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
    cites = ("debbagh2023attributes",)
    term = "mse"


class CodeDivergence(_Evidence):
    """The information in the code of y beyond x: KL(q(z | x, y) || p(z | x))."""

    unit = "nats an item"
    source = "Debbagh (attribute CVAE), equation 10 and Table 1: KL"
    cites = ("debbagh2023attributes",)
    term = "kl"


class DownstreamAccuracy(Metric):
    """How many test items a linear classifier gets right that is trained on the model's code of x, which stays as it is.

    The codes (``Model.features``) of the task's training x are standardised, and multinomial logistic regression
    (scikit-learn, C = 1) learns the classes of the data from them. A test item counts 1 where its class is found, else 0; the
    samples play no part. The data needs classes (``folder:`` with a folder for each); the model may be fitted to other data.
    """

    unit = "share of items"
    better = "higher"
    source = "cGML, section 5.3, Table 5 and appendix 3.7"
    cites = ("ramasinghe2021cgml",)
    needs = "fitted"
    opt_in = True
    right: Tensor | None = None

    def prepare(self, fitted: Fitted) -> None:
        """Train the classifier, and try it on every test item; NotApplicable without a code of x or classes of the data."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        model = fitted.model
        if model.features(fitted.pairs.x[:1].to(model.device)) is None:
            raise NotApplicable(f"model {model.name or type(model).__name__} has no features of x")
        wanted = _classes(fitted, "test", fitted.pairs)
        train = fitted.task.pairs(fitted.data, "train", fitted.seed)
        labels = _classes(fitted, "train", train)
        if len(set(labels)) < 2:
            raise NotApplicable("all training items are of one class")
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(_codes(model, train.x), labels)
        right = classifier.predict(_codes(model, fitted.pairs.x)) == np.array(wanted)
        self.right = torch.from_numpy(right.astype(np.float64))

    def __call__(
        self, samples: Tensor, y: Tensor, *, index: Tensor | None = None, **known: Tensor | None
    ) -> Mapping[str, Tensor]:
        if self.right is None or index is None:
            raise RequestError("downstream accuracy needs the run (prepare) and the places of the items (index)")
        return {"": self.right[index.cpu()].to(y.device)}


def _classes(fitted: Fitted, split: Split, pairs: Pairs) -> list[str]:
    """The class of each of the pairs of a split, by the name of its item."""
    records = fitted.data.read(split, seed=fitted.seed)
    attributes = records.attributes
    if attributes is None or not attributes.exclusive:
        raise NotApplicable(f"data {fitted.data} has no classes")
    if len(set(records.names)) != len(records):
        raise NotApplicable(f"items of data {fitted.data} share a name, so that their classes cannot be told")
    classes = dict(zip(records.names, attributes.values.argmax(1).tolist(), strict=True))
    if not pairs.names or any(name not in classes for name in pairs.names):
        raise NotApplicable("the task's pairs do not bear the names of the data's items, so that their classes cannot be told")
    return [attributes.names[classes[name]] for name in pairs.names]


@torch.no_grad()
def _codes(model: Model, x: Tensor) -> NDArray[np.float64]:
    training = model.training
    model.eval()
    codes = [model.features(part.float().to(model.device)) for part in x.split(256)]
    model.train(training)
    return torch.cat([code.flatten(1).cpu().double() for code in codes if code is not None]).numpy()
