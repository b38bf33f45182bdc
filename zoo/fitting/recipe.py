"""How a model is trained: its own recipe, the settings of one training, a step of it, and what is left on record."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from zoo.utils.config import above, added, at_least, share
from zoo.utils.errors import RequestError, shown

Turns: TypeAlias = Iterator[tuple[str, dict[str, Tensor]]]
"""The turns of one step: the name of the optimizer whose turn it is, and its losses (scalar ``"total"``, and parts of it)."""

LOSS = "loss"
"""The word for a model's own loss where the name of a metric may stand."""
Callback: TypeAlias = Callable[[int, dict[str, float], float], "bool | None"]
"""Called with the step, the means of the losses since the last call, and the learning rate; ends the fit by True."""


def check_callback(callback: Any) -> Any:
    """``callback``, seen (RequestError) to be one, or None."""
    if callback is not None and not callable(callback):
        raise RequestError(f"callback is {shown(callback)}; it must be a function of step, losses and learning rate")
    return callback


@dataclass(frozen=True)
class _Loop:
    steps: int = 5000
    batch_size: int = 128
    ema: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        at_least(self, 1, "steps", "batch_size")
        above(self, 0, "clip")
        share(self, "ema")


@dataclass(frozen=True)
class Recipe(_Loop):
    """A base for the config of a model that is trained by gradient: its own way of training, each field a setting.

    Attributes:
        steps: steps in all, where no number of epochs is given.
        batch_size: pairs a step, over all processes together.
        ema: decay of an exponential moving average of the weights, which then replaces them; 0 for none.
        clip: the largest norm of the gradient of one optimizer's parameters; None for no limit.
        learning_rate: of AdamW, or of the model's own optimizers.
        weight_decay: of AdamW.
        schedule: of the learning rate: ``constant``, or ``cosine``, along which it falls.
        lr_warmup: the share of training over which the learning rate rises first.
        lr_hold: the share of training after which the cosine begins.
        lr_end: where the cosine ends and the warm-up begins, as a share of the learning rate.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    lr_warmup: float = 0.0
    lr_hold: float = 0.0
    lr_end: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        above(self, 0, "learning_rate")
        at_least(self, 0, "weight_decay")
        share(self, "lr_warmup", "lr_hold", "lr_end")

    def lr_factor(self, progress: float) -> float:
        """The factor of every learning rate at this progress of training, in [0, 1).

        Examples:
            >>> round(Recipe(schedule="cosine", lr_end=0.0).lr_factor(0.75), 2)
            0.15
        """
        factor = 1.0
        if self.schedule == "cosine":
            fallen = max(0.0, progress - self.lr_hold) / (1 - self.lr_hold)
            factor = (1 + self.lr_end) / 2 + (1 - self.lr_end) / 2 * math.cos(math.pi * fallen)
        return factor * min(1.0, self.lr_end + progress / self.lr_warmup) if self.lr_warmup else factor


def own_settings(model: object, config: object, items: int) -> dict[str, Any]:
    """A model's own settings of :class:`Training`, for so many pairs: its :class:`Recipe`, or ``recipe(items)`` of before."""
    if callable(before := getattr(model, "recipe", None)):
        return dict(before(items))
    return {f.name: getattr(config, f.name) for f in fields(_Loop)} if isinstance(config, Recipe) else {}


def recipe_defaults(config: object) -> dict[str, Any]:
    """The settings of a model that older files may lack, with what they then were: those :func:`added`, and a recipe's own."""
    own = {f.name: getattr(type(config), f.name) for f in fields(Recipe)} if isinstance(config, Recipe) else {}
    return own | added(config)


_VALIDATED = "patience", "validate_by", "validations"
"""Settings that mean nothing where no pairs are held out."""


@dataclass(frozen=True)
class Training(_Loop):
    """How to train: ``steps``, ``batch_size``, ``ema`` and ``clip`` in place of a model's own :class:`Recipe`, and more.

    Attributes:
        epochs: passes over the pairs, which say how many steps there are.
        seconds: processor seconds of the whole fit, of all threads together (on a GPU those that pass), which say how many
            steps there are: a few are timed before the first. How many that were is on record, to do the same again.
        precision: of the arithmetic; ``auto`` is bf16 on a GPU that has it, full elsewhere.
        save_seconds: time between two writes of the state, where a folder for it was given.
        threads: of the arithmetic on a CPU, on whose number the last digits depend; None for as many as have a core of their
            own when a fit of some length begins. It is kept with the state of training, and on record.
        accumulate: parts in which a step takes its pairs, one after the other, so that it needs less memory; their gradients
            are added up.
        validation: share of the pairs that is held out, by video, scene or photo where several are of one; 0 for none.
        validate_by: what held-out pairs are scored by: the name of a metric of samples, of which 10 are drawn for each of 32
            pairs at most; or ``loss``, the model's own of 512 at most.
        validations: how often in a fit they are scored, about: 20 times by a metric are at most 6,400 samples.
        patience: validations in a row without a better score, after which the fit ends; None for never.
        keep: the weights that stay: the ``best`` by the score of held-out pairs, or the ``last``.

    Examples:
        >>> Training(epochs=3, precision="bf16").batch_size
        128
        >>> Training(validation=0.1, patience=5).validate_by
        'energy_score'
    """

    epochs: int | None = None
    seconds: float | None = None
    precision: Literal["auto", "no", "bf16", "fp16"] = "auto"
    save_seconds: float = 30.0
    threads: int | None = None
    accumulate: int = 1
    validation: float = 0.0
    validate_by: str = "energy_score"
    validations: int = 20
    patience: int | None = None
    keep: Literal["best", "last"] = "best"

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "epochs", "threads", "accumulate", "validations", "patience")
        above(self, 0, "seconds")
        share(self, "validation")
        if not self.validation and (of := [name for name in _VALIDATED if getattr(self, name) != getattr(Training, name)]):
            does = "counts validations" if of[0] == "patience" else "is of validation"
            raise RequestError(f"{of[0]} {does}, and no pairs are held out: give validation a share, such as 0.1")
        if self.threads is not None and self.threads > 1024:
            raise RequestError(f"threads is {self.threads}; it must be at most 1024")


@dataclass(frozen=True)
class Step:
    """Where training stands, and the randomness of this step.

    Attributes:
        index: steps done before this one.
        total: steps in all.
        generator: on the CPU; seeded by the run's seed, the index and the process.

    Examples:
        >>> Step(30, 120, torch.Generator()).share
        0.25
    """

    index: int
    total: int
    generator: torch.Generator

    @property
    def share(self) -> float:
        """The share of training that is done, in [0, 1)."""
        return self.index / self.total

    def __getattr__(self, name: str) -> Any:
        if name in ("turn", "again"):  # of plugins written before turns were a generator
            raise RequestError(f"Step.{name} is gone: write turns(batch, step), which yields (optimizer name, losses)")
        raise AttributeError(f"Step has no {name!r}")


@dataclass
class History:
    """The record of training, from its first step on, whether it was stopped on its way or not.

    ``steps`` is how many the whole fit has, which rates span, and ``pairs`` how many were seen, each time counted.
    ``processor`` has the seconds of :class:`zoo.Training`, those before a stop among them, ``seconds`` those that passed
    since.

    Attributes:
        losses: a few hundred points, each with its ``step``, the means of all losses since the point before, and the learning
            rate ``lr`` (``NAME.lr`` of several optimizers).
        checks: some twenty points, each with its ``step`` and what was found of the model then: :meth:`zoo.Model.diagnose`,
            and, as ``validation``, the score of held-out pairs.
        checking: processor seconds of these; they are not among ``processor``.
        held_out: pairs that were not fitted to.
        best_at: the step whose weights were kept, as the best by the score of held-out pairs; 0 where the last ones were.
        stopped_at: the step at which the fit ended before its last one, 0 where it did not; ``stopped_by`` says for what.

    Examples:
        >>> History(steps=100, epochs=2.0).losses
        []
    """

    steps: int
    epochs: float
    seconds: float = 0.0
    resumed_at: int = 0
    threads: int = 0
    pairs: int = 0
    processor: float = 0.0
    checking: float = 0.0
    held_out: int = 0
    best_at: int = 0
    stopped_at: int = 0
    stopped_by: str = ""
    losses: list[dict[str, float]] = field(default_factory=list)
    checks: list[dict[str, float]] = field(default_factory=list)
