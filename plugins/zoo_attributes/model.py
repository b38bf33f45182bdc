"""The attribute CVAE: from a list of attributes to a picture, with a code for all that they leave open.

Source: Debbagh, "Learning Structured Output Representations from Attributes using Deep Conditional Generative Models",
sections 4.1 (networks) and 4.2 (loss); Sohn et al. 2015.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import Batch, Noise, Pairs, Recipe, RequestError, Step, above, at_least
from zoo_networks.dcgan import Conv, Deconv, Linear, conv_with
from zoo_networks.gaussian import CodeVAE, LogGaussian
from zoo_networks.units import channel_units, in_pieces, limits_of, safe_scale

COARSEST = 4
RELU = math.sqrt(2)
"""The gain of first weights before a rectifier: they are Kaiming normal, with biases of zero."""
MOST_LOG_VARIANCE = 15.0
"""Log variances are held within this, so that none of their exponentials overflows."""


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


class AttributeCVAE(CodeVAE):
    """p(y | x) = E[N(y; decoder(z, x), variance)] over z ~ N(0, I), the prior that the paper samples from.

    x is a vector of K attributes, or an image (K, s, s), and y is (C, s, s), s a multiple of 2**blocks. The encoder sees x as
    K more channels of y, the attributes tiled; the decoder sees it next to z, an image averaged down to the decoder's coarsest
    side. A sample is the decoder's field, which a sigmoid puts in the range of the training fields.

    The loss is equation 9, (1 - beta) MSE + beta KL, with both terms summed over the numbers of one y or z. Equation 10
    sums the KL over z. That the paper's MSE is a sum as well is seen from its Table 1, whose MSE on CelebA is 70,444
    to 82,787: a mean over numbers in [0, 1] is below 1. (Even as a sum over one image's 178 * 218 * 3 = 116,412 numbers it
    would be 0.6 a number, where a grey image has at most 0.25; so the table sums over the images of a batch too, as is usual
    with such losses. That leaves the ratio of the terms, and so the optimum, as it is here.)

    Divided by beta this is the negative evidence bound, but for a constant, of a Gaussian whose variance is
    beta / (2 (1 - beta)), in units of the range of y: that is the density of :meth:`log_prob`.

    Raises:
        RequestError: the shapes are others.
    """

    cites: ClassVar[tuple[str, ...]] = ("debbagh2023attributes", "sohn2015cvae")
    Config: ClassVar[type] = AttributeCVAEConfig
    check_settings: ClassVar[Mapping[str, Any]] = {"latent": 8, "width": 8, "learning_rate": 4e-3}
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "beta": (0.5, 0.25, 0.75, 0.9),
        "learning_rate": (2e-3, 1e-3, 4e-3),
        "latent": (64, 16),
    }
    config: AttributeCVAEConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        c = self.config
        side = self.y_shape[-1] if len(self.y_shape) == 3 else 0
        blocks = blocks_of(side) if c.blocks is None else c.blocks
        vector = len(self.x_shape) == 1
        if side < 1 or side % 2**blocks or self.y_shape[1] != side or not (vector or self.x_shape[1:] == (side, side)):
            raise RequestError(
                f"an attribute CVAE is for x of shape (K,) or (K, s, s) and y of (C, s, s), s a multiple of {2**blocks} "
                f"(blocks is {blocks}); not for {self.x_shape} -> {self.y_shape}"
            )
        self.coarsest, self.latent, self.variance = side // 2**blocks, c.latent, c.beta / (2 * (1 - c.beta))
        given = self.x_shape[0] * (1 if vector else self.coarsest**2)
        widths = [c.width * min(8, 2**i) for i in range(blocks)]
        self.encoder = Encoder(self.x_shape[0], self.y_shape[0], side, c.latent, widths, c.norm)
        self.decoder = Decoder(given, self.y_shape[0], side, c.latent, widths, c.norm)
        each = (self.x_shape[0], *(1 for _ in self.x_shape[1:]))
        self.mean_x: Tensor = nn.Buffer(torch.zeros(each))
        self.scale_x: Tensor = nn.Buffer(torch.ones(each))
        self.limits: Tensor = nn.Buffer(torch.tensor([0.0, 1.0]))

    # Training

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """The limits of y and, if it is to be standardised, the mean and spread of each attribute, or channel, of x."""
        self.limits = limits_of(pairs.y)
        if self.config.standardise:
            self.mean_x, self.scale_x = channel_units(pairs.x)

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """Equation 9 (``"total"``), and its terms: the squared error in units of the range of y, and the KL in nats."""
        noise = torch.randn(len(batch.y), self.latent, generator=step.generator).to(batch.y.device)
        mse, kl = (term.mean() for term in self.terms(batch.x, batch.y, [noise]))
        return {"total": (1 - self.config.beta) * mse + self.config.beta * kl, "mse": mse, "kl": kl}

    def coded(self, x: Tensor, y: Tensor) -> tuple[Tensor, LogGaussian, Callable[[Tensor], Tensor]]:
        x, y = (x.float() - self.mean_x) / self.scale_x, (y.float() - self.limits[0]) / self.unit()
        given = self._given(x)
        return y, self.encoder(x, y), lambda z: self.decoder(z, given)

    # Sampling

    def encode(self, x: Tensor) -> Tensor:
        """The part of x that the decoder sees, (B, G)."""
        return self._given((x.float() - self.mean_x) / self.scale_x)

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        z = noise.normal(n, self.latent).flatten(0, 1)
        return self._fields(z, code.repeat_interleave(n, 0)).view(len(code), n, *self.y_shape)

    @torch.no_grad()
    def decode(self, z: Tensor, x: Tensor) -> Tensor:
        """The fields (B, *y_shape) of codes z (B, latent) under x (B, *x_shape): one z may be shown under many x."""
        return self._fields(z.float(), self.encode(x))

    def _fields(self, z: Tensor, given: Tensor) -> Tensor:
        inner = in_pieces(len(z), self.decoder.rows, lambda piece: self.decoder(z[piece], given[piece]))
        return (self.limits[0] + self.unit() * inner).clamp(self.limits[0], self.limits[1])

    def unit(self) -> Tensor:
        """The range of y; 1 where it does not vary."""
        return safe_scale(self.limits[1] - self.limits[0])

    def _given(self, x: Tensor) -> Tensor:
        """The part of standardised x that the decoder sees, (B, G)."""
        return x if x.ndim == 2 else F.adaptive_avg_pool2d(x, self.coarsest).flatten(1)


def blocks_of(side: int) -> int:
    """How often a side can be halved without going below four pixels; at least once."""
    even, large = (side & -side).bit_length() - 1, (side // COARSEST).bit_length() - 1
    return max(1, min(even, large))


class Encoder(nn.Module):
    """q(z | x, y) of x (B, given) or (B, given, s, s) and y (B, inputs, s, s): convolutions, each with max-pooling."""

    def __init__(self, given: int, inputs: int, side: int, latent: int, widths: Sequence[int], norm: bool) -> None:
        super().__init__()
        ends = zip((inputs + given, *widths[:-1]), widths, strict=True)
        self.convs = nn.ModuleList(Conv(i, o, 1, RELU) for i, o in ends)
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) if norm else nn.Identity() for c in widths)
        flat = widths[-1] * (side // 2 ** len(widths)) ** 2
        self.mean, self.log_variance = Linear(flat, latent, 1.0), Linear(flat, latent, 1.0)

    def forward(self, x: Tensor, y: Tensor) -> LogGaussian:
        for n, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = conv_with(conv, y, x) if n == 0 else conv(y)
            y = F.relu(F.max_pool2d(norm(y), 2))  # in this order for speed: the two commute
        mean, log_variance = self.mean(y.flatten(1)).float(), self.log_variance(y.flatten(1)).float()
        return LogGaussian(mean, log_variance.clamp(-MOST_LOG_VARIANCE, MOST_LOG_VARIANCE))


class Decoder(nn.Module):
    """The mirror of the :class:`Encoder`: z (B, latent) and x (B, given) to a field (B, outputs, s, s) in [0, 1]."""

    def __init__(self, given: int, outputs: int, side: int, latent: int, widths: Sequence[int], norm: bool) -> None:
        super().__init__()
        coarsest = side // 2 ** len(widths)
        self.coarse = (widths[-1], coarsest, coarsest)
        self.project = Linear(latent + given, math.prod(self.coarse), 1.0)
        ends = list(zip(widths[::-1], (*widths[-2::-1], outputs), strict=True))
        gains = [RELU] * (len(widths) - 1) + [1.0]
        self.deconvs = nn.ModuleList(Deconv(i, o, 2, gain) for (i, o), gain in zip(ends, gains, strict=True))
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) if norm else nn.Identity() for _, o in ends[:-1])
        self.rows = max(16, 2**24 // (side**2 * max(outputs, widths[0])))

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        value = self.project(torch.cat([z, x.to(z)], 1)).unflatten(1, self.coarse)
        for deconv, norm in zip(self.deconvs[:-1], self.norms, strict=True):
            value = F.relu(norm(deconv(value)))
        return self.deconvs[-1](value).float().sigmoid()
