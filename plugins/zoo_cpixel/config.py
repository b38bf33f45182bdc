"""Settings of the conditional PixelCNN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo import Recipe, RequestError, above, at_least


@dataclass(frozen=True)
class PixelCNNConfig(Recipe):
    """Settings of a conditional PixelCNN, and of its training (:class:`zoo.Recipe`).

    Attributes:
        levels: bins of each channel of y, from its least to its largest value in the training set.
        features: of either stack; at least one a channel of y.
        layers: gated layers of each stack.
        dilations: distances of the filters' taps in the layers after the first, in turn, over and over.
        kernels: sides of the first filter and of the others, both odd.
        condition: features of the map of x.
        hidden: features between the last layer and the logits.
        temperature: the logits are divided by it when samples are drawn; below 1 they keep closer to the likeliest. The
            density is that of temperature 1.
        within: where in its bin a sample lies: at the centre, which keeps the error of quantisation least, or anywhere in it,
            which makes samples follow :meth:`PixelCNN.log_prob` to the letter.
        weight_decay: of all weights, not of biases.
    """

    levels: int = 32
    features: int = 16
    layers: int = 6
    dilations: tuple[int, ...] = (1, 2, 4)
    kernels: tuple[int, ...] = (7, 3)
    condition: int = 24
    hidden: int = 32
    temperature: float = 1.0
    within: Literal["centre", "uniform"] = "centre"
    learning_rate: float = 1.6e-2
    weight_decay: float = 1e-3
    ema: float = 0.99
    steps: int = 900
    batch_size: int = 16
    clip: float | None = 1.0
    schedule: Literal["constant", "cosine"] = "cosine"
    lr_warmup: float = 0.03
    lr_end: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "features", "layers", "condition", "hidden")
        if not 2 <= self.levels <= 4096:
            raise RequestError(f"levels is {self.levels}; it must be from 2 to 4096")
        above(self, 0, "temperature")
        if min(self.dilations, default=0) < 1:
            raise RequestError(f"dilations is {self.dilations}; it must be at least one distance, each at least 1")
        if len(self.kernels) != 2 or any(k < 3 or k % 2 == 0 for k in self.kernels):
            raise RequestError(f"kernels is {self.kernels}; it must be two odd sizes, each at least 3")
