"""Named configs of models."""

from __future__ import annotations

from typing import Any

from zoo.contracts.model import Model
from zoo.utils.config import make_config


class Preset:
    """A named config of a model class, registered like a model: ``cdvae_mdn12 = Preset(CDVAE, components=12)``.

    Calling it makes the model; settings given to the call win over the preset's.

    >>> from zoo import Recipe
    >>> class Mean(Model):
    ...     Config = Recipe
    >>> Preset(Mean, steps=10)((1,), (1,), batch_size=4).config.steps
    10
    """

    def __init__(self, model: type[Model], **config: Any) -> None:
        self.model, self.config = model, config
        make_config(model.Config, config, f"a preset of {model.__name__}")

    def __call__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> Model:
        return self.model(x_shape, y_shape, **{**self.config, **config})
