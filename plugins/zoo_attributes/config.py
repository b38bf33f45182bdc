"""The settings of an attribute CVAE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo import Recipe, RequestError, above, at_least


@dataclass(frozen=True)
class AttributeCVAEConfig(Recipe):
    """Settings of an attribute CVAE, and of its training (:class:`zoo.Recipe`).

    Attributes:
        latent: length of the code z.
        width: channels of the encoder's first layer and of the decoder's before the last; they double with every halving of
            the side, up to eight times this.
        blocks: halvings of the side by the encoder, and doublings by the decoder; None for as many as leave at least four
            pixels. The paper has 2.
        norm: batch normalisation after every convolution but the last. The paper has none.
        beta: the weight of the KL divergence in equation 9, in (0, 1); the squared error's is 1 - beta.
        standardise: give the networks each attribute in units of its standard deviation over the training set, so that a rare
            one says as much as a common one; without it (the paper), as it is. On faces this, and ``norm``, are what makes
            attributes visible (docs/results.md).
    """

    latent: int = 64
    width: int = 16
    blocks: int | None = None
    norm: bool = True
    beta: float = 0.5
    standardise: bool = True
    learning_rate: float = 2e-3
    steps: int = 2000
    batch_size: int = 32
    clip: float | None = 1000.0
    schedule: Literal["constant", "cosine"] = "cosine"
    lr_warmup: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "latent", "width", "blocks")
        above(self, 0, "beta")
        if self.beta >= 1:
            raise RequestError(f"beta is {self.beta}; it must be below 1")
