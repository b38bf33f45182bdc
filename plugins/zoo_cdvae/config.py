"""The settings of a CDVAE."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from zoo import Recipe, RequestError, above, at_least


@dataclass(frozen=True)
class CDVAEConfig(Recipe):
    """Settings of a CDVAE, and of its training (:class:`zoo.Recipe`).

    Fields are measured in units of their own standard deviation over the training set.

    Attributes:
        tie: what joins z_c and z_g: ``mdn`` (paper 2, eq. 4) or ``gauss`` (paper 1, eq. 3).
        components: K of the MDN.
        codes: sizes of the layers of codes, lowest first (Table 1: 64, 32).
        widths: sizes of the hidden layers beside them (Table 1: 512, 256).
        sigma: the fixed standard deviation of the MDN's components, or sigma_t of the Gaussian tie.
        tied: the share of the top code that the Gaussian tie joins (paper 1: 80 %).
        temperature: sigma is multiplied by it when z_g is drawn; below 1 the samples keep closer to the components.
        bounded: tanh on the MDN's output, as Table 1 prints it; it keeps the means within (-1, 1).
        output_variance: of a field given its lowest code; none to predict it for each pixel, as Table 1 does. Where it is
            predicted, edges count as noise, and y is rebuilt from two or three directions of its codes alone.
        guidance: the first and the last weight of the embedding cost (lambda of eq. 6); 0, 0 for no guidance. What is left
            at the end keeps the top code in use: z_g is charged twice for what x does not tell of y, by its standard normal
            and by the MDN, a lower code once, so that without it everything moves down to where x has no say.
        embedding: what the guide of z_c is an embedding of, beside what is known of the images: ``pixels`` of x, or in their
            place the ``features`` of EfficientNet-lite0, whose weights the extra ``features`` installs (x in [0, 1], of one or
            three channels; where training crops x they are taken anew at each step, which then takes several times as long).
        tied_at: which z_c the tie is fitted to and drawn from: a ``draw`` of q(z_c | x), as eq. 4 has it, or its ``mean``. A
            draw is nearly half noise, so that the tie hardly knows x.
        maps: maps of x that the decoder of y adds up, each with a weight that it makes of the codes (``cdvae-skip``), in place
            of a field of its own; 0 for none, as in the papers. x and y have to be square fields of one side.
        map_width: channels of the first layer of the network that makes them.
        reconstruction: the first and the last weight of the reconstruction cost.
        tie_weight: the first and the last weight of the tie's cost.
        standard: the first and the last weight of the standard normal's charge of z_g (its cross entropy with q(z_g | y)). Eq.
            3 has it at 1 beside the tie's, so that z_g is charged twice; at 0 the loss is the bound of p(z_c) p(z_g | z_c).
        phases: shares of training at which the second and third phase begin (100 and 300 of 500 epochs in appendix 8.1).
        lr_hold: where the third phase begins too, in which the learning rate falls.
        weight_decay: of the MDN.
    """

    tie: Literal["mdn", "gauss"] = "mdn"
    components: int = 12
    codes: tuple[int, ...] = (64, 32)
    widths: tuple[int, ...] = (512, 256)
    sigma: float = 0.5
    tied: float = 0.8
    temperature: float = field(default=0.9, metadata={"sampling": True})
    bounded: bool = False
    output_variance: float | None = 0.1
    guidance: tuple[float, ...] = (10.0, 1.0)
    embedding: Literal["pixels", "features"] = field(default="pixels", metadata={"added": True})
    tied_at: Literal["draw", "mean"] = field(default="draw", metadata={"added": True})
    maps: int = field(default=0, metadata={"added": True})
    map_width: int = field(default=8, metadata={"added": True})
    reconstruction: tuple[float, ...] = (0.3, 0.05)
    tie_weight: tuple[float, ...] = (0.1, 1.0)
    standard: tuple[float, ...] = (1.0, 0.0)
    phases: tuple[float, ...] = (0.2, 0.6)
    learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    steps: int = 2000
    batch_size: int = 64
    clip: float | None = 100.0
    schedule: Literal["constant", "cosine"] = "cosine"
    lr_warmup: float = 0.02
    lr_hold: float = 0.6

    def __post_init__(self) -> None:
        if not self.codes or len(self.codes) != len(self.widths) or min(*self.codes, *self.widths) < 1:
            raise RequestError(
                f"codes {self.codes} and widths {self.widths} must be equally many positive sizes, at least one"
            )
        super().__post_init__()
        at_least(self, 1, "components", "map_width")
        at_least(self, 0, "maps")
        above(self, 0, "sigma", "temperature", "output_variance")
        if not 0 < self.tied <= 1:
            raise RequestError(f"tied is {self.tied}; it must be a share above 0, at most 1")
        for name in ("guidance", "reconstruction", "tie_weight", "standard", "phases"):
            if len(getattr(self, name)) != 2 or min(getattr(self, name)) < 0:
                raise RequestError(f"{name} is {getattr(self, name)}; it must be two numbers, none below 0")
        if not self.phases[0] <= self.phases[1] <= 1:
            raise RequestError(f"phases is {self.phases}; it must be two rising shares of training, at most 1")
