"""The settings of a flow, and of an engression."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from zoo import Recipe, RequestError, above, at_least


@dataclass(frozen=True)
class NetConfig(Recipe):
    """Settings of the networks of a :class:`Drawn` model, and of its training (:class:`zoo.Recipe`).

    Attributes:
        widths: channels at each level of the networks, the finest first; where a field has more levels, the last again.
        patch: side of the patches that are seen as one place; doubled until a field has at most 32 places a side.
        embedding: length of what a field as a whole is modulated by.
    """

    widths: tuple[int, ...] = (48, 64, 96)
    patch: int = 2
    embedding: int = 128
    batch_size: int = 64
    clip: float | None = 1.0
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    schedule: Literal["constant", "cosine"] = "cosine"
    lr_warmup: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "embedding")
        if not self.widths or min(self.widths) < 1:
            raise RequestError(f"widths is {self.widths}; it must be one number of channels a level, each at least 1")
        if self.patch not in (1, 2, 4, 8):
            raise RequestError(f"patch is {self.patch}; it must be 1, 2, 4 or 8")


@dataclass(frozen=True)
class FlowConfig(NetConfig):
    """Settings of a flow, of how it is sampled, of its networks and of its training (:class:`NetConfig`).

    Attributes:
        draws: times and noises for each pair and step; x is encoded once for all of them.
        time_mean: of the logit of the time at training; below 0, more is learnt of what is mostly noise. None for a little
            above that of the time at which noise is as loud as y's principal components (:func:`zoo_flow.solver.decided_at`):
            where much of y is common to many places, what it is to be is decided early.
        time_deviation: of that logit; None for 1.25 where its mean is of the data, and for 1 where it is given.
        solver_steps: steps from noise to a sample, of Heun's method with two calls of the network each, the last one call.
            None for 8 where y is a field, as fewer draw too near to each other, and 12 where it is a vector.
        shift: of the solver's times; 1 spreads them evenly, above 1 they are closer where there is more noise. What many
            places have in common, as the level of a field, is decided there. None for 8 where y is a field, and for 1 where it
            is a vector, whose numbers the long last steps of 8 draw too near to each other.
        detail: the time, up to 1, at which a sample is no longer drawn: it is then the mean given what was drawn so far. At 1
            it is a full draw; below, what is coarse is drawn and what is fine is averaged; at 0 it is the mean given x.
        temperature: by which the noise is multiplied; 1 draws from what was trained; below 1 fields are smoother and
            less unusual.
        weight_decay: of all weights. With 0.01, a long fit learns pairs by heart at the times where y is decided: the loss
            there was 17 % higher on other scenes than on the 8,192 it saw (saturation, 5,000 steps), with 0.3 it is 7 %.
    """

    draws: int = 1
    time_mean: float | None = None
    time_deviation: float | None = field(default=None, metadata={"added": True})
    solver_steps: int | None = field(default=None, metadata={"sampling": True})
    shift: float | None = field(default=None, metadata={"sampling": True})
    detail: float = field(default=1.0, metadata={"sampling": True})
    temperature: float = field(default=1.0, metadata={"added": True, "sampling": True})
    steps: int = 5000
    ema: float = 0.998
    weight_decay: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "draws", "solver_steps")
        above(self, 0, "shift", "temperature")
        above(self, 0, "time_deviation")
        if self.time_mean is not None and not abs(self.time_mean) <= 10:
            raise RequestError(f"time_mean is {self.time_mean}; it must be from -10 to 10")
        if not 0 <= self.detail <= 1:
            raise RequestError(f"detail is {self.detail}; it must be from 0 to 1")


@dataclass(frozen=True)
class EngressionConfig(NetConfig):
    """Settings of an engression, of how it is sampled, of its networks and of its training (:class:`NetConfig`).

    Attributes:
        codes: length of the code z, which is standard normal.
        draws: samples for each pair and step, of which the energy score is taken.
        temperature: by which z is multiplied in sampling; 1 draws from what was trained, below 1 samples differ less.
    """

    codes: int = 32
    draws: int = 3
    temperature: float = field(default=1.0, metadata={"sampling": True})
    steps: int = 1500
    ema: float = 0.995

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "codes")
        at_least(self, 2, "draws")
        at_least(self, 0, "temperature")
