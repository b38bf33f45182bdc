"""A model under check: made with small settings, and fitted once for all checks that only look at it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from zoo import registry
from zoo.contracts import make
from zoo.contracts.model import Model
from zoo.data.pairs import Pairs
from zoo.testing.verdicts import Broken, Subject
from zoo.utils.errors import RequestError

Shape = tuple[int, ...]

SHAPES: tuple[tuple[Shape, Shape], ...] = (
    ((1, 16, 16), (1, 16, 16)),
    ((3, 16, 16), (2, 16, 16)),
    ((1, 32, 32), (1, 32, 32)),
    ((3, 32, 32), (3, 32, 32)),
    ((3, 64, 64), (3, 64, 64)),
    ((6,), (1, 16, 16)),
    ((6,), (3, 32, 32)),
    ((6,), (4,)),
    ((6,), (1, 16, 16, 16)),
)
"""Shapes of x and y to check with: the first that the model takes."""
ITEMS, STEPS, BATCH = 160, 40, 32
"""Of the fit that most checks look at."""


class ModelSubject(Subject):
    kind = "model"

    @cached_property
    def cls(self) -> type[Model]:
        return make.model_class(self.name)[0]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The small settings of the model's own, ``check_settings``, but for those that its preset states."""
        cls, preset = make.model_class(self.name)
        return {key: value for key, value in cls.check_settings.items() if key not in preset}

    @cached_property
    def shapes(self) -> tuple[Shape, Shape]:
        refusals = []
        for x_shape, y_shape in SHAPES:
            try:
                make.model(self.name, x_shape, y_shape, **self.settings)
            except RequestError as error:
                refusals.append(f"{x_shape} -> {y_shape}: {error}")
            else:
                return x_shape, y_shape
        raise Broken(f"it takes none of the shapes of x and y that are tried; {refusals[0]}")

    @property
    def by_gradient(self) -> bool:
        """Whether the core's loop trains it."""
        return self.cls.losses is not Model.losses or self.cls.turns is not Model.turns

    def make(self, shapes: tuple[Shape, Shape] | None = None, **config: Any) -> Model:
        return make.model(self.name, *(shapes or self.shapes), **{**self.settings, **config})

    def direct(self, **config: Any) -> Model:
        """Made of its class or preset, as in a script: by nothing that looks at the settings first."""
        new: Model = registry.load("models", self.name)(*self.shapes, **{**self.settings, **config})
        return new

    @property
    def config(self) -> Any:
        return make.model(self.name, *self.shapes).config

    def pairs(self, items: int = ITEMS, seed: int = 0, shapes: tuple[Shape, Shape] | None = None) -> Pairs:
        return fields(items, *(shapes or self.shapes), seed=seed)

    def x(self, items: int, seed: int = 2) -> Tensor:
        """x that was not fitted to, (items, *x_shape)."""
        return self.pairs(items, seed).x

    def fit(self, model: Model, pairs: Pairs, steps: int, *, seed: int = 0, device: str = "cpu") -> Any:
        """Fit for about so many steps: exactly so many where the core's loop does it."""
        if self.cls.fit is Model.fit:
            return model.fit(pairs, seed=seed, device=device, progress=False, steps=steps, batch_size=BATCH)
        epochs = max(1, steps * BATCH // max(1, len(pairs)))
        return model.fit(pairs, seed=seed, device=device, progress=False, epochs=epochs)

    def fit_new(self, pairs: Pairs, steps: int, *, seed: int = 0) -> Model:
        model = self.make((pairs.x_shape, pairs.y_shape))
        self.fit(model, pairs, steps, seed=seed)
        return model

    @cached_property
    def _fitted(self) -> Model | BaseException:
        try:
            return self.fit_new(self.pairs(), STEPS)
        except (Exception, SystemExit) as error:  # every check that needs it says so, but it is tried once
            return error

    @property
    def fitted(self) -> Model:
        """The model fitted to :meth:`pairs`, the same object for all checks: to be looked at, not changed."""
        if isinstance(self._fitted, BaseException):
            raise self._fitted
        return self._fitted


def fields(items: int, x_shape: Shape, y_shape: Shape, seed: int = 0, scale: float = 1.0) -> Pairs:
    """Pairs of any shapes: x in [0, 1] is smooth where it is a field, and y, times ``scale``, is x made lighter or darker.

    Motions (two channels) are to one side or the other, ten pixels at most.
    """
    g = torch.Generator().manual_seed(seed)
    x = 0.3 * _smooth(items, x_shape, g) + 0.7 * torch.rand(items, *[1] * len(x_shape), generator=g)
    side = torch.randint(0, 2, (items, *[1] * len(y_shape)), generator=g) * 2 - 1
    # The light of x in the shape of y: its first channel where the two are fields of one size, else its mean.
    same_size = x.ndim == len(y_shape) + 1 > 2 and tuple(x.shape[2:]) == y_shape[1:]
    base = (x[:, :1] if same_size else spread(x.flatten(1).mean(1), y_shape)).expand(items, *y_shape).clone()
    motion = len(y_shape) == 3 and y_shape[0] == 2
    return Pairs(x, scale * (10 * side * base if motion else (0.5 * base + 0.25 + 0.2 * side).clamp(0, 1)))


def _smooth(items: int, shape: Shape, g: torch.Generator) -> Tensor:
    if len(shape) < 2:
        return torch.rand(items, *shape, generator=g)
    channels, *size = shape if len(shape) > 2 else (1, *shape)
    coarse = torch.rand(items, channels, *[3] * len(size), generator=g)
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(size)]
    return torch.nn.functional.interpolate(coarse, size=tuple(size), mode=mode).reshape(items, *shape)


def spread(values: Tensor, shape: Shape) -> Tensor:
    """Values (B,) as (B, 1, ...), to go with items of this shape."""
    return values.view(-1, *[1] * len(shape))


def flat(level: float, shape: Shape, items: int = 1) -> Tensor:
    return torch.full((items, *shape), level, dtype=torch.float32)
