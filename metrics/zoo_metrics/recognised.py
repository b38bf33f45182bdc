"""The attributes that were asked for, recognised in the samples."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from zoo import Fitted, Metric, NotApplicable, RequestError
from zoo_metrics.recogniser import Recogniser, recogniser

MOST = 40
"""Attributes that are looked for: of more, those of which the training items have the most equal numbers with and without."""


class AttributeAccuracy(Metric):
    """The balanced accuracy with which a classifier of real pictures finds in the samples what x asked for.

    A small convolutional network (:mod:`zoo_metrics.recogniser`) learns the attributes from the task's real training
    pictures y. Of each attribute, the share of samples in which it is found where it was asked for and the share in which it
    is not found where it was not are averaged: chance, or samples that do not heed x, give 0.5 however rare the attribute.
    ``@NAME`` is that of one attribute, and their mean the value without a suffix. ``@real`` and ``@real.NAME`` are the same of
    the real test pictures, which is the most to be expected. Each item's value is weighted (N / 2 N_with for those with the
    attribute, N / 2 N_without for the others), so that the mean over the items is the balanced accuracy; one item's can
    exceed 1. Attributes that all test items have, or none, are left out.
    """

    unit = "balanced accuracy"
    better = "higher"
    source = "Debbagh (attribute CVAE), section 5.3 (attributes present in the images), by a classifier"
    needs = "fitted"
    opt_in = True
    recogniser: Recogniser | None = None

    def prepare(self, fitted: Fitted) -> None:
        """Train the classifier on the real training pairs, if it was not trained on them before in this process.

        Raises:
            NotApplicable: x is no vector of attributes, y no picture, or no attribute divides the items.
        """
        task, test = fitted.task, fitted.pairs
        names = getattr(task.config, "names", ())
        if task.item != "attributes" or len(task.x_shape) != 1 or len(names) != task.x_shape[0]:
            raise NotApplicable("x is no vector of attributes")
        if len(task.y_shape) != 3 or min(task.y_shape[1:]) < 8:
            raise NotApplicable(f"a {task.y_name} of shape {task.y_shape} is no picture of 8 pixels a side and more")
        train = task.pairs(fitted.data, "train", fitted.seed)
        share, asked = (train.x > 0.5).double().mean(0), (test.x > 0.5).double().mean(0)
        divides = (share > 0) & (share < 1) & (asked > 0) & (asked < 1)
        if not divides.any():
            raise NotApplicable("no attribute divides the training items and the test items")
        even = torch.where(divides, (share - 0.5).abs(), torch.inf)
        self.chosen = even.argsort(stable=True)[: min(MOST, int(divides.sum()))].sort().values
        self.asked = asked[self.chosen]
        self.names = [re.sub(r"[^A-Za-z0-9._-]", "_", str(names[i])) for i in self.chosen.tolist()]
        self.recogniser = recogniser(train, self.chosen, fitted.seed, fitted.model.device)

    def __call__(self, samples: Tensor, y: Tensor, *, x: Tensor | None = None, **known: Tensor | None) -> Mapping[str, Tensor]:
        if self.recogniser is None or x is None:
            raise RequestError("attributes are recognised of a run (prepare), and by x; one of them is not given")
        asked = x[:, self.chosen.to(x.device)] > 0.5
        having = self.asked.to(x.device)
        weight = torch.where(asked, 0.5 / having, 0.5 / (1 - having))
        seen = self.recogniser(samples.flatten(0, 1)).unflatten(0, samples.shape[:2])
        right = (seen == asked[:, None]).double().mean(1) * weight
        real = (self.recogniser(y) == asked).double() * weight
        values = {"": right.mean(1), "@real": real.mean(1)}
        values |= {f"@{name}": right[:, i] for i, name in enumerate(self.names)}
        return values | {f"@real.{name}": real[:, i] for i, name in enumerate(self.names)}
