"""The settings of the adversarial models. Errors of y are measured with its range over the training set as [-1, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo import Recipe, above, at_least, share


@dataclass(frozen=True)
class GameConfig(Recipe):
    """Settings that all of them have, and of their training (:class:`zoo.Recipe`).

    Attributes:
        width: channels of the first layer of the encoder of x.
        discriminator_width: of the first layer of a discriminator; they double with every halving, up to eight times this.
        discriminator_rate: the discriminator's learning rate over the generator's, ``learning_rate`` (two time scales, Heusel
            et al. 2017).
        r1: gamma of the penalty on the gradient of the score at true fields (R1, Mescheder et al. 2018); 0 for none.
        r1_every: steps between two such penalties, each then weighted that much more (Karras et al. 2020).
    """

    width: int = 32
    discriminator_width: int = 32
    discriminator_rate: float = 0.5
    r1: float = 1.0
    r1_every: int = 8
    steps: int = 3000
    batch_size: int = 32
    ema: float = 0.99
    schedule: Literal["constant", "cosine"] = "cosine"
    lr_hold: float = 0.5
    lr_end: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "width", "discriminator_width", "r1_every")
        above(self, 0, "discriminator_rate")
        at_least(self, 0, "r1")


@dataclass(frozen=True)
class ContextEncoderConfig(GameConfig):
    """Settings of the context encoder; see :class:`GameConfig` for the rest.

    Attributes:
        reconstruction: weight of the squared error (Pathak et al. 2016, section 4: 0.999).
        adversarial: weight of the adversarial loss (0.001).
    """

    steps: int = 6000
    reconstruction: float = 0.999
    adversarial: float = 0.001

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 0, "reconstruction")
        above(self, 0, "adversarial")


@dataclass(frozen=True)
class Pix2PixConfig(GameConfig):
    """Settings of pix2pix; see :class:`GameConfig` for the rest.

    Attributes:
        reconstruction: weight of the absolute error (lambda; Isola et al. 2017, section 3.1 and appendix 6.2: 100).
        dropout: share of the values that dropout takes away (appendix 6.1.1: 0.5); it is all the noise there is.
        halvings: how often the discriminator halves the side: 3 for the paper's patches of 70 x 70.
    """

    steps: int = 4200
    reconstruction: float = 100.0
    dropout: float = 0.5
    halvings: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 0, "reconstruction")
        at_least(self, 1, "halvings")
        share(self, "dropout")


@dataclass(frozen=True)
class BicycleGANConfig(GameConfig):
    """Settings of BicycleGAN; see :class:`GameConfig` for the rest. The weights are those of Zhu et al. 2017, section 4.

    Attributes:
        latent: length of z.
        lambda_image: weight of the absolute error of y made from its own code.
        lambda_latent: weight of the absolute error of a random code read from what was made of it.
        lambda_kl: weight of the divergence of the encoder's codes from the standard normal, in nats.
        shared: whether one discriminator judges both cycles; else each has its own.
        halvings: how often a discriminator halves the side: 3 for patches of 70 x 70.
    """

    steps: int = 1900
    latent: int = 8
    lambda_image: float = 10.0
    lambda_latent: float = 0.5
    lambda_kl: float = 0.01
    shared: bool = False
    halvings: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "latent", "halvings")
        at_least(self, 0, "lambda_image")
        above(self, 0, "lambda_latent", "lambda_kl")
