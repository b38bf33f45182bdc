"""The settings of cGML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from zoo import Recipe, above, at_least


@dataclass(frozen=True)
class CGMLConfig(Recipe):
    """Settings of cGML, and of its training (:class:`zoo.Recipe`); names in brackets are the paper's.

    Attributes:
        latent: length of z; None for the paper's choice by the side of the fields (3.1), and 3 for vectors.
        latent_steps: updates of z, and of the predictor, for one update of encoder and generator (3.1: 20).
        inference_steps: predicted steps of z when a sample is drawn (3.1: 20).
        latent_rate: how far z goes along the gradient of the cost in one update (beta, algorithm 1). The cost is the absolute
            error in standard deviations of y, averaged over the values of y, so that a field, of which each number says
            little, takes a larger one; None for 0.2 where y is a vector and 2 where it is a field.
        momentum: what the length of a step is multiplied with to give rho (alpha, section 2.2).
        rho: whether a predicted step has the predicted length (eq. 4); else z goes all the way to where it is predicted to be.
        regression: how the predictor's error counts: squared, so that it learns the expectations E[z_{t+1}] and E[rho] of
            sections 2.1 and 2.2, or absolute, as algorithm 1 writes it, which learns medians: of two ways that z may go the
            more frequent one, so that hardly a phantom is left for the momentum to remove.
        lipschitz: weight of the Lipschitz penalties (alpha, appendix 2.4); 0 for none.
        noise: deviation of what they add to the inputs of generator and predictor (e, appendix 2.4).
        width: channels of the encoder's first layer, or of each hidden layer where fields are vectors.
        predictor_width: of the predictor's two hidden layers.
        learning_rate: of AdamW. The paper's 1e-5 (3.1) needs some hundred thousand steps.
        batch_size: pairs a step (3.1: 20).
    """

    latent: int | None = None
    latent_steps: int = 20
    inference_steps: int = field(default=20, metadata={"sampling": True})
    latent_rate: float | None = None
    momentum: float = 1.0
    rho: bool = True
    regression: Literal["l1", "l2"] = "l2"
    lipschitz: float = 0.1
    noise: float = 0.05
    width: int = 32
    predictor_width: int = 128
    steps: int = 1500
    batch_size: int = 20
    clip: float | None = 10.0
    schedule: Literal["constant", "cosine"] = "cosine"
    lr_hold: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "latent", "latent_steps", "inference_steps", "width", "predictor_width")
        above(self, 0, "latent_rate", "momentum")
        at_least(self, 0, "lipschitz", "noise")


@dataclass(frozen=True)
class L1Config(Recipe):
    """Settings of the L1 baseline, and of its training (:class:`zoo.Recipe`); see :class:`CGMLConfig`.

    Attributes:
        width: channels of the encoder's first layer, or of each hidden layer where fields are vectors.
    """

    width: int = 32
    steps: int = 3000
    batch_size: int = 64
    clip: float | None = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "width")
