"""CVAE: an image tower whose output is multiplied with a code, and a DCGAN-like decoder of the product.

Source: paper 2 (embedding guidance), section 5.3, after Walker et al. 2016 ("An uncertain future"); Sohn et al. 2015.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import Batch, Noise, Pairs, Recipe, RequestError, Step, above, at_least, share, size_of
from zoo_networks.dcgan import SLOPE, Decoder, Linear, Tower, plan, side_of
from zoo_networks.gaussian import CodeVAE, Gaussian
from zoo_networks.units import channel_units, in_pieces, limits_of, pixel_units

LEAST_VARIANCE = 1e-5


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


class CVAE(CodeVAE):
    """p(y | x) = E[N(y; decoder(tower(x) * z), output_variance)] over z ~ N(0, I); trained by its bound (L2 and KL).

    x is (C, s, s), or a vector (K,), and y (D, s, s), s a multiple of 8 from 8 to 256. A perceptron takes the tower's place
    for a vector. A sample is the mean of the Gaussian, clipped to the range of the training fields. See
    :class:`zoo.Model` for what the methods take and give.

    Raises:
        RequestError: the shapes are others.
    """

    cites: ClassVar[tuple[str, ...]] = ("sohn2015cvae", "walker2016uncertain", "lu2016cdvae")
    Config: ClassVar[type] = CVAEConfig
    check_settings: ClassVar[Mapping[str, Any]] = {"width": 8, "output_variance": 0.1, "learning_rate": 4e-3}
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "output_variance": (25.0, 10.0, 3.0, 50.0),
        "learning_rate": (1e-3, 5e-4, 2e-3),
        "codes": (64, 16),
        "beta": (1.0, 0.5, 2.0),
    }
    config: CVAEConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        vector = len(self.x_shape) == 1
        side = side_of("a CVAE, whose x may also be a vector,", *(() if vector else (self.x_shape,)), self.y_shape)
        codes, width, (x, y) = self.config.codes, self.config.width, (self.x_shape[0], self.y_shape[0])
        self.latent, self.variance = codes, self.config.output_variance
        self.tower = (Perceptron if vector else Tower)(x, codes, side, width)
        self.encoder = Encoder(x + y, codes, side, width)
        self.decoder = Decoder(codes, y, side, width)
        each = (x, *(1 for _ in self.x_shape[1:]))
        self.mean_x: Tensor = nn.Buffer(torch.zeros(each))
        self.scale_x: Tensor = nn.Buffer(torch.ones(each))
        self.mean_y: Tensor = nn.Buffer(torch.zeros(self.y_shape))
        self.scale_y: Tensor = nn.Buffer(torch.ones(()))
        self.limits: Tensor = nn.Buffer(torch.tensor([-math.inf, math.inf]))

    # Training

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Means, scales and limits: of x for each channel or number; the mean of y for each pixel, its scale for all."""
        self.mean_x, self.scale_x = channel_units(pairs.x)
        self.mean_y, self.scale_y = pixel_units(pairs.y)
        self.limits = limits_of(pairs.y)

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """The negative bound for each value of y in nats (``"total"``); of the whole field L2, constant included, and KL."""
        noise = torch.randn(len(batch.y), self.latent, generator=step.generator).to(batch.y.device)
        squared, kl = self.terms(batch.x, batch.y, [noise])
        error, kl = -self.field_log_prob(squared).mean(), kl.mean()
        rise = min(1.0, (step.share + 1 / step.total) / self.config.warmup) if self.config.warmup else 1.0
        total = (error + self.config.beta * rise * kl) / size_of(self.y_shape)
        return {"total": total, "error": error, "kl": kl}

    def coded(self, x: Tensor, y: Tensor) -> tuple[Tensor, Gaussian, Callable[[Tensor], Tensor]]:
        x, y = (x.float() - self.mean_x) / self.scale_x, (y.float() - self.mean_y) / self.scale_y
        return y, self.encoder(x, y), partial(self._decode, self.tower(x))

    # Sampling

    def encode(self, x: Tensor) -> Tensor:
        """The output of the image tower, (B, codes, c, c)."""
        return self.tower((x.float() - self.mean_x) / self.scale_x)

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        """z from the standard normal, and the mean of the field given x and z."""
        z = noise.normal(n, self.latent).flatten(0, 1)
        item = torch.arange(len(code), device=z.device).repeat_interleave(n)
        inner = in_pieces(len(z), self.decoder.rows, lambda piece: self._decode(code[item[piece]], z[piece]))
        field = inner * self.scale_y + self.mean_y
        return field.clamp(self.limits[0], self.limits[1]).view(len(code), n, *self.y_shape)

    def features(self, x: Tensor) -> Tensor:
        """The output of the image tower, averaged over space, (B, codes)."""
        return self.encode(x).mean((2, 3))

    def unit(self) -> Tensor:
        """The deviation of y."""
        return self.scale_y

    def _decode(self, tower: Tensor, z: Tensor) -> Tensor:
        """The field in deviations for the tower's output (B, codes, c, c) and codes (B, codes), replicated over space."""
        return self.decoder(tower * (self.config.offset + z)[:, :, None, None].to(tower)).float()


class Encoder(nn.Module):
    """q(z | x, y), a diagonal Gaussian: a tower over x and y, stacked as channels, and a linear layer.

    It sees x too, as in Walker et al.: the code is multiplied with what the image tower made of x, so that one y needs
    different codes under different x. The numbers of a vector x are each a channel of their own, the same everywhere.
    """

    def __init__(self, inputs: int, codes: int, side: int, width: int) -> None:
        super().__init__()
        self.tower = Tower(inputs, codes, side, width)
        self.head = nn.Linear(codes * self.tower.side**2, 2 * codes)

    def forward(self, x: Tensor, y: Tensor) -> Gaussian:
        if x.ndim == 2:
            x = x[:, :, None, None].expand(-1, -1, *y.shape[2:])
        mean, free = self.head(F.leaky_relu(self.tower(torch.cat([x, y], 1)), SLOPE).flatten(1)).float().chunk(2, 1)
        return Gaussian(mean, F.softplus(free) + LEAST_VARIANCE)


class Perceptron(nn.Module):
    """In the image tower's place where x is a vector: one hidden layer, (B, K) -> (B, outputs, c, c), c the coarsest side."""

    def __init__(self, inputs: int, outputs: int, side: int, width: int) -> None:
        super().__init__()
        self.side = plan(side, width)[0]
        self.outputs, hidden = outputs, 8 * width
        self.hidden, self.last = Linear(inputs, hidden), Linear(hidden, outputs * self.side**2, 1.0)

    def forward(self, value: Tensor) -> Tensor:
        return self.last(F.leaky_relu(self.hidden(value), SLOPE)).unflatten(1, (self.outputs, self.side, self.side))
