"""The settings of a CVAE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo import Recipe, RequestError, above, at_least, share


@dataclass(frozen=True)
class CVAEConfig(Recipe):
    """Settings of a CVAE, and of its training (:class:`zoo.Recipe`).

    Fields are measured in units of their own standard deviation over the training set.

    Attributes:
        codes: length of the code z (paper 2, section 5.3: 64).
        offset: added to the code before it is multiplied with the output of the image tower. The paper's product has none: it
            is the code's alone, whose sign says nothing, and little of x gets through. At 1 the code modulates what x says.
        width: channels of the towers' first layer; they double with every halving of the side, up to eight times this.
        output_variance: of a pixel given its code. Half the squared error over it is the paper's L2 loss; with it L2 and KL
            are both in nats. A smaller one lets the code carry more and makes the samples more different.
        beta: weight of the KL divergence; 1 trains the bound itself.
        warmup: the share of training over which the weight of the KL divergence rises from 0 to ``beta``.
    """

    codes: int = 64
    offset: float = 0.0
    width: int = 32
    output_variance: float = 25.0
    beta: float = 1.0
    warmup: float = 0.2
    steps: int = 1200
    batch_size: int = 64
    clip: float | None = 10.0
    schedule: Literal["constant", "cosine"] = "cosine"
    lr_warmup: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "codes", "width")
        above(self, 0, "output_variance")
        if not abs(self.offset) < float("inf"):
            raise RequestError(f"offset is {self.offset}; it must be a number")
        at_least(self, 0, "beta")
        share(self, "warmup")
