"""The settings of a CGAN."""

from __future__ import annotations

from dataclasses import dataclass

from zoo import RequestError, above, at_least, nearest, share

EMBEDDINGS = ("pixels-pca", "guidance")
TIMM = "timm:"


@dataclass(frozen=True)
class CGANConfig:
    """Settings of a CGAN. Fields are measured in units of their own standard deviation over the training set.

    Attributes:
        embedding: what the networks see of x, fixed before the first step: ``pixels-pca``, whitened principal components of
            its pixels; ``guidance``, locality preserving projections of them; ``timm:NAME``, whitened principal components of
            the features of a backbone that timm has pretrained weights of (x in [0, 1], of one or three channels).
        embedding_size: E, the length of the embedding; None for 32, and for all there is of a vector of more numbers.
        codes: length of the code z, uniform in [-1, 1].
        width: channels of the discriminator's first layer; they double with every halving of the side, up to eight times this.
        learning_rate: of the generator's Adam.
        discriminator_rate: the discriminator's learning rate over the generator's (two time scales, Heusel et al. 2017).
        penalty: gamma of the gradient penalties at real (R1) and generated fields (R2).
        penalty_every: steps between two penalties, each then weighted that much more; they cost as much as the rest.
        ema: decay of the moving average of the weights, which is what samples are drawn with; 0 for none.
        steps: steps of the whole recipe, one turn of each network, where no number of epochs is given.
        batch_size: pairs a step.
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

    def __post_init__(self) -> None:
        if self.embedding not in EMBEDDINGS and not (self.embedding.startswith(TIMM) and self.embedding != TIMM):
            raise RequestError(
                f"embedding is {self.embedding!r}: {nearest(self.embedding, (*EMBEDDINGS, 'timm:NAME'))} "
                "(NAME is a backbone of timm)"
            )
        at_least(self, 1, "embedding_size", "codes", "width", "penalty_every", "steps", "batch_size")
        above(self, 0, "learning_rate", "discriminator_rate")
        at_least(self, 0, "penalty")
        share(self, "ema")
