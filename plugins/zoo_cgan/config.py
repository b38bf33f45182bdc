"""The settings of a CGAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo import Recipe, RequestError, above, at_least, nearest

EMBEDDINGS = ("pixels-pca", "guidance")
TIMM = "timm:"


@dataclass(frozen=True)
class CGANConfig(Recipe):
    """Settings of a CGAN, and of its training (:class:`zoo.Recipe`).

    Fields are measured in units of their own standard deviation over the training set.

    Attributes:
        embedding: what the networks see of x, fixed before the first step: ``pixels-pca``, whitened principal components of
            its pixels; ``guidance``, locality preserving projections of them; ``timm:NAME``, whitened principal components of
            the features of a backbone that timm has pretrained weights of (x in [0, 1], of one or three channels).
        embedding_size: E, the length of the embedding; None for 32, and for all there is of a vector of more numbers.
        codes: length of the code z, uniform in [-1, 1].
        width: channels of the discriminator's first layer; they double with every halving of the side, up to eight times this.
        discriminator_rate: the discriminator's learning rate over the generator's, ``learning_rate`` (two time scales, Heusel
            et al. 2017).
        penalty: gamma of the gradient penalties at real (R1) and generated fields (R2).
        penalty_every: steps between two penalties, each then weighted that much more; they cost as much as the rest.
    """

    embedding: str = "pixels-pca"
    embedding_size: int | None = None
    codes: int = 64
    width: int = 24
    learning_rate: float = 5e-4
    discriminator_rate: float = 1.0
    penalty: float = 10.0
    penalty_every: int = 8
    ema: float = 0.99
    steps: int = 1200
    batch_size: int = 32
    schedule: Literal["constant", "cosine"] = "cosine"
    lr_hold: float = 0.5
    lr_end: float = 0.05

    def __post_init__(self) -> None:
        if self.embedding not in EMBEDDINGS and not (self.embedding.startswith(TIMM) and self.embedding != TIMM):
            raise RequestError(
                f"embedding is {self.embedding!r}: {nearest(self.embedding, (*EMBEDDINGS, 'timm:NAME'))} "
                "(NAME is a backbone of timm)"
            )
        super().__post_init__()
        at_least(self, 1, "embedding_size", "codes", "width", "penalty_every")
        above(self, 0, "discriminator_rate")
        at_least(self, 0, "penalty")
