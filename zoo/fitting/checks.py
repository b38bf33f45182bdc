"""Looks at a model while it is fitted, which change nothing in the fit: what it says of itself."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

import torch
from torch import nn

from zoo.data.pairs import Pairs
from zoo.fitting.steps import Fit, Learner
from zoo.utils.errors import ZooError, shown

TIMES = 20
"""How often a model is looked at in a fit."""
PAIRS = 256
"""Pairs that a model may look at for its diagnosis."""


class Checks:
    """Looks at the model of a fit each ``every`` steps, and after the last."""

    def __init__(self, fit: Fit, looks: int) -> None:
        self.fit = fit
        self.every = looks * max(1, fit.total // (looks * TIMES))

    def at(self, done: int) -> dict[str, float]:
        """The numbers found after so many steps, by name; none between two looks, or where there is nothing to find."""
        if done % self.every and done != self.fit.total:
            return {}
        with self.fit.clock.aside(), as_fitted(self.fit.averaged, self.fit.accelerator.device) as model:
            return _plain(model.diagnose(self.pairs), model)

    @cached_property
    def pairs(self) -> Pairs:
        """The pairs that a model may look at, as they are."""
        data = replace(self.fit.data, wide=None)
        return data.subset(data.spread(PAIRS).to(self.fit.accelerator.device))


@contextlib.contextmanager
def as_fitted(model: Learner, device: torch.device) -> Iterator[Learner]:
    """``model`` as if it were fitted, without gradients; afterwards it, and the global random state, are as before."""
    assert isinstance(model, nn.Module)
    modes, fitted = {module: module.training for module in model.modules()}, model.fitted
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.no_grad():
        model.eval()
        model.fitted = True
        try:
            yield model
        finally:
            model.fitted = fitted
            for module, mode in modes.items():
                module.training = mode


def _plain(found: Mapping[str, float], model: Learner) -> dict[str, float]:
    """A model's diagnosis, seen to be finite numbers by name."""
    name = type(model).__name__
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise ZooError(f"diagnose of {name} gave {shown(found)}; it must be numbers by name")
    try:
        values = {key: float(value) for key, value in found.items()}
    except (TypeError, ValueError) as error:
        raise ZooError(f"diagnose of {name} gave {shown(found)}; it must be numbers by name") from error
    return {key: value for key, value in values.items() if math.isfinite(value)}
