"""The knowledge in a model's code of x of things that it was never told."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo import Fitted, Metric, Model, NotApplicable, Pairs, RequestError, Split

BATCH = 256
"""Items whose code is taken at once."""
ROUNDS = 300
"""Of the solver, at most."""


class DownstreamAccuracy(Metric):
    """How many test items a linear classifier gets right that is trained on the model's code of x, which stays as it is.

    The codes (``Model.features``) of the task's training x are standardised, and multinomial logistic regression
    (scikit-learn, C = 1) learns the classes of the data from them. A test item counts 1 where its class is found, else 0; the
    samples play no part. The data needs classes (``folder:`` with a folder for each), and may be other data than the model
    was fitted to.
    """

    unit = "share of items"
    better = "higher"
    source = "cGML, section 5.3, Table 5 and appendix 3.7"
    needs = "fitted"
    opt_in = True
    right: Tensor | None = None

    def prepare(self, fitted: Fitted) -> None:
        """Train the classifier, and try it on every test item.

        Raises:
            NotApplicable: the model has no code of x, or the data no classes.
        """
        model = fitted.model
        if model.features(fitted.pairs.x[:1].to(model.device)) is None:
            raise NotApplicable(f"model {model.name or type(model).__name__} has no features of x")
        wanted = _classes(fitted, "test", fitted.pairs)
        train = fitted.task.pairs(fitted.data, "train", fitted.seed)
        labels = _classes(fitted, "train", train)
        if len(set(labels)) < 2:
            raise NotApplicable("all training items are of one class")
        right = _classified(_codes(model, train.x), labels, _codes(model, fitted.pairs.x)) == np.array(wanted)
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
    """The code of each x, (N, D)."""
    training = model.training
    model.eval()
    codes = [model.features(part.float().to(model.device)) for part in x.split(BATCH)]
    model.train(training)
    return torch.cat([code.flatten(1).cpu().double() for code in codes if code is not None]).numpy()


def _classified(train: NDArray[np.float64], labels: list[str], test: NDArray[np.float64]) -> NDArray[np.str_]:
    """The class that a linear classifier finds for each row of ``test``."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ROUNDS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return classifier.fit(train, labels).predict(test)
