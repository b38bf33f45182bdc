"""The attribute CVAE: from a list of attributes to a picture, with a code for all that they leave open.

Source: Debbagh, "Learning Structured Output Representations from Attributes using Deep Conditional Generative Models",
sections 4.1 (networks) and 4.2 (loss); Sohn et al. 2015.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo import Batch, Model, Noise, Pairs, RequestError, Step, size_of
from zoo_attributes.config import AttributeCVAEConfig
from zoo_attributes.nets import Decoder, Encoder

LEAST_SPREAD = 1e-4
COARSEST = 4
DRAWS = 8
ITEMS = 128


class AttributeCVAE(Model):
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

    Config: ClassVar[type] = AttributeCVAEConfig
    training_only: ClassVar[tuple[str, ...]] = ("encoder",)
    check_settings: ClassVar[Mapping[str, Any]] = {"latent": 8, "width": 8, "learning_rate": 4e-3}
    config: AttributeCVAEConfig
    mean_x: Tensor
    scale_x: Tensor
    limits: Tensor

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        c = self.config
        side = self.y_shape[-1] if len(self.y_shape) == 3 else 0
        blocks = blocks_of(side) if c.blocks is None else c.blocks
        multiple = 2**blocks
        vector = len(self.x_shape) == 1
        if side < 1 or side % multiple or self.y_shape[1] != side or not (vector or self.x_shape[1:] == (side, side)):
            raise RequestError(
                f"an attribute CVAE is for x of shape (K,) or (K, s, s) and y of (C, s, s), s a multiple of {multiple} "
                f"(blocks is {blocks}); not for {self.x_shape} -> {self.y_shape}"
            )
        self.coarsest = side // multiple
        given = self.x_shape[0] * (1 if vector else self.coarsest**2)
        nets = (self.y_shape[0], side, c.latent, c.width, blocks, c.norm)
        self.encoder = Encoder(self.x_shape[0], *nets)
        self.decoder = Decoder(given, *nets)
        each = (self.x_shape[0], *(1 for _ in self.x_shape[1:]))
        self.register_buffer("mean_x", torch.zeros(each))
        self.register_buffer("scale_x", torch.ones(each))
        self.register_buffer("limits", torch.tensor([0.0, 1.0]))

    # Training

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """The limits of y and, if it is to be standardised, the mean and spread of each attribute, or channel, of x."""
        y = pairs.y.float()
        self.limits = torch.stack([y.min(), y.max()])
        if self.config.standardise:
            x = pairs.x.float()
            spread, mean = torch.std_mean(x, [d for d in range(x.ndim) if d != 1], correction=0)
            usable = torch.where(spread > LEAST_SPREAD, spread, torch.ones_like(spread))
            self.mean_x, self.scale_x = mean.view_as(self.mean_x), usable.view_as(self.scale_x)

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """Equation 9 (``"total"``), and its terms: the squared error in units of the range of y, and the KL in nats."""
        x, y = self._inner_x(batch.x), self._inner_y(batch.y)
        mean, log_variance = self.encoder(x, y)
        noise = torch.randn(mean.shape, generator=step.generator).to(mean)
        field = self.decoder(mean + (0.5 * log_variance).exp() * noise, self._given(x))
        mse, kl = (field - y).square().flatten(1).sum(1).mean(), _kl_to_standard(mean, log_variance).mean()
        return {"total": (1 - self.config.beta) * mse + self.config.beta * kl, "mse": mse, "kl": kl}

    # Sampling

    def encode(self, x: Tensor) -> Tensor:
        """What the decoder sees of x, (B, G)."""
        return self._given(self._inner_x(x))

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        """z from the standard normal, and the field given z and x."""
        z = noise.normal(n, self.config.latent).flatten(0, 1)
        return self._fields(z, code.repeat_interleave(n, 0)).view(len(code), n, *self.y_shape)

    @torch.no_grad()
    def decode(self, z: Tensor, x: Tensor) -> Tensor:
        """The fields (B, *y_shape) of codes z (B, latent) under x (B, *x_shape): one z may be shown under many x."""
        return self._fields(z.float(), self.encode(x))

    def _fields(self, z: Tensor, given: Tensor) -> Tensor:
        out = torch.empty(len(z), *self.y_shape, device=z.device)
        for piece in self.decoder.pieces(len(z)):
            out[piece] = self.decoder(z[piece], given[piece])
        return (self.limits[0] + self._span() * out).clamp(self.limits[0], self.limits[1])

    # Densities

    @torch.no_grad()
    def evidence(self, y: Tensor, x: Tensor, *, seed: int = 0) -> dict[str, Tensor]:
        """The terms of the loss, each (B,): ``mse``, in the units of y squared, the mean over a few draws of z from
        q(z | x, y); and ``kl`` in nats.

        Raises:
            RequestError: the model is the inference half of a checkpoint.
        """
        if self.inference_only:
            raise RequestError("this checkpoint holds only what sampling needs; its evidence needs the whole model")
        parts = [self._evidence(y[i : i + ITEMS], x[i : i + ITEMS], seed) for i in range(0, len(y), ITEMS)]
        mse, kl = zip(*parts, strict=True) if parts else ((y.new_zeros(0),),) * 2
        return {"mse": torch.cat(mse) * self._span().square(), "kl": torch.cat(kl)}

    def _evidence(self, y: Tensor, x: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Squared error of inner fields, and KL."""
        noise = Noise(torch.cat([x.flatten(1), y.flatten(1)], 1), seed).normal(DRAWS, self.config.latent)
        x, y = self._inner_x(x), self._inner_y(y)
        mean, log_variance = self.encoder(x, y)
        given, mse = self._given(x), torch.zeros(len(y), device=y.device)
        for i in range(DRAWS):
            field = self.decoder(mean + (0.5 * log_variance).exp() * noise[:, i], given)
            mse = mse + (field - y).square().flatten(1).sum(1) / DRAWS
        return mse, _kl_to_standard(mean, log_variance)

    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor:
        """A lower bound on log p(y | x) in nats, (B,), normalised over all values of y in their own units.

        The evidence bound of the Gaussian that belongs to the loss, of variance beta / (2 (1 - beta)) in units of the range.

        Raises:
            RequestError: the model is the inference half of a checkpoint.
        """
        terms, variance = self.evidence(y, x, seed=seed), self.variance
        size = size_of(self.y_shape)
        return -terms["mse"] / (2 * variance) - terms["kl"] - 0.5 * size * (2 * math.pi * variance).log()

    @property
    def variance(self) -> Tensor:
        """Of a number of y given z and x, in the units of y squared, ()."""
        return self.config.beta / (2 * (1 - self.config.beta)) * self._span().square()

    def _span(self) -> Tensor:
        """The range of y; 1 where it does not vary."""
        span = self.limits[1] - self.limits[0]
        return torch.where(span > LEAST_SPREAD, span, torch.ones_like(span))

    def _given(self, x: Tensor) -> Tensor:
        """What the decoder sees of inner x, (B, G)."""
        return x if x.ndim == 2 else F.adaptive_avg_pool2d(x, self.coarsest).flatten(1)

    def _inner_x(self, x: Tensor) -> Tensor:
        return (x.float() - self.mean_x) / self.scale_x

    def _inner_y(self, y: Tensor) -> Tensor:
        return (y.float() - self.limits[0]) / self._span()


def blocks_of(side: int) -> int:
    """How often a side can be halved without going below four pixels; at least once."""
    blocks = 0
    while side % 2 ** (blocks + 1) == 0 and side // 2 ** (blocks + 1) >= COARSEST:
        blocks += 1
    return max(1, blocks)


def _kl_to_standard(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Equation 10: KL(N(mean, exp(log_variance)) || N(0, I)) in nats, (B,)."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)
