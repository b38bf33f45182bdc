"""CVAE: an image tower whose output is multiplied with a code, and a DCGAN-like decoder of the product.

Source: paper 2 (embedding guidance), section 5.3, after Walker et al. 2016 ("An uncertain future"); Sohn et al. 2015.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from zoo import Batch, Model, Noise, Pairs, RequestError, Step, size_of
from zoo_cvae.config import CVAEConfig
from zoo_cvae.nets import Encoder, Perceptron
from zoo_networks.dcgan import Decoder, Tower, side_of

LEAST_SPREAD = 1e-4
DRAWS = 8
ITEMS = 128


class CVAE(Model):
    """p(y | x) = E[N(y; decoder(tower(x) * z), output_variance)] over z ~ N(0, I); trained by its bound (L2 and KL).

    x is (C, s, s), or a vector (K,), and y (D, s, s), s a multiple of 8 from 8 to 256. A perceptron takes the tower's place
    for a vector. A sample is the mean of the Gaussian, clipped to the range of the training fields. See
    :class:`zoo.Model` for what the methods take and give.

    Raises:
        RequestError: the shapes are others.
    """

    Config: ClassVar[type] = CVAEConfig
    training_only: ClassVar[tuple[str, ...]] = ("encoder",)
    check_settings: ClassVar[Mapping[str, Any]] = {"width": 8, "output_variance": 0.1, "learning_rate": 4e-3}
    config: CVAEConfig
    mean_x: Tensor
    scale_x: Tensor
    mean_y: Tensor
    scale_y: Tensor
    limits: Tensor

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        vector = len(self.x_shape) == 1
        side = side_of("a CVAE, whose x may also be a vector,", *(() if vector else (self.x_shape,)), self.y_shape)
        codes, width, (x, y) = self.config.codes, self.config.width, (self.x_shape[0], self.y_shape[0])
        self.tower = (Perceptron if vector else Tower)(x, codes, side, width)
        self.encoder = Encoder(x + y, codes, side, width)
        self.decoder = Decoder(codes, y, side, width)
        each = (x, *(1 for _ in self.x_shape[1:]))
        self.register_buffer("mean_x", torch.zeros(each))
        self.register_buffer("scale_x", torch.ones(each))
        self.register_buffer("mean_y", torch.zeros(self.y_shape))
        self.register_buffer("scale_y", torch.ones(()))
        self.register_buffer("limits", torch.tensor([-math.inf, math.inf]))

    # Training

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Means, scales and limits: of x for each channel or number; the mean of y for each pixel, its scale for all."""
        x, y = pairs.x.float(), pairs.y.float()
        spread, self.mean_x = torch.std_mean(x, [d for d in range(x.ndim) if d != 1], correction=0, keepdim=True)
        self.mean_x = self.mean_x[0]
        self.scale_x = _usable(spread[0])
        self.mean_y = y.mean(0)
        self.scale_y = _usable((y - self.mean_y).square().mean().sqrt())
        self.limits = torch.stack([y.min(), y.max()])

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """The negative bound for each value of y in nats (``"total"``); of the whole field L2, constant included, and KL."""
        x, y = self._inner_x(batch.x), self._inner_y(batch.y)
        mean, variance = self.encoder(x, y)
        noise = torch.randn(mean.shape, generator=step.generator).to(mean)
        field = self._decode(self.tower(x), mean + variance.sqrt() * noise)
        error, kl = -self._field_log_prob(_squared_error(y, field)).mean(), _kl_to_standard(mean, variance).mean()
        rise = min(1.0, (step.share + 1 / step.total) / self.config.warmup) if self.config.warmup else 1.0
        total = (error + self.config.beta * rise * kl) / size_of(self.y_shape)
        return {"total": total, "error": error, "kl": kl}

    # Sampling

    def encode(self, x: Tensor) -> Tensor:
        """The output of the image tower, (B, codes, c, c)."""
        return self.tower(self._inner_x(x))

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        """z from the standard normal, and the mean of the field given x and z."""
        z = noise.normal(n, self.config.codes).flatten(0, 1)
        out = torch.empty(len(z), *self.y_shape, device=z.device)
        item = torch.arange(len(code), device=z.device).repeat_interleave(n)
        for piece in self.decoder.pieces(len(z)):
            out[piece] = self._decode(code[item[piece]], z[piece])
        field = out * self.scale_y + self.mean_y
        return field.clamp(self.limits[0], self.limits[1]).view(len(code), n, *self.y_shape)

    def features(self, x: Tensor) -> Tensor:
        """The output of the image tower, averaged over space, (B, codes)."""
        return self.encode(x).mean((2, 3))

    # Densities

    @torch.no_grad()
    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor:
        """A lower bound on log p(y | x) in nats, (B,), before clipping; normalised over all values of y in their own units.

        E[log p(y | x, z)] - KL(q(z | x, y) || N(0, I)), the expectation over a few draws of z from q(z | x, y).

        Raises:
            RequestError: the model is the inference half of a checkpoint.
        """
        terms = self.evidence(y, x, seed=seed)
        of_y = self._field_log_prob(terms["mse"] / self.scale_y.square())
        return of_y - terms["kl"] - size_of(self.y_shape) * self.scale_y.log()

    @torch.no_grad()
    def evidence(self, y: Tensor, x: Tensor, *, seed: int = 0) -> dict[str, Tensor]:
        """The terms of the bound, each (B,): ``mse``, summed over the numbers of y, in their units squared, the mean over a
        few draws of z from q(z | x, y); and ``kl`` in nats.

        Raises:
            RequestError: the model is the inference half of a checkpoint.
        """
        if self.inference_only:
            raise RequestError("this checkpoint holds only what sampling needs; a density needs the whole model")
        parts = [self._evidence(y[i : i + ITEMS], x[i : i + ITEMS], seed) for i in range(0, len(y), ITEMS)]
        mse, kl = (torch.cat(part) for part in zip(*parts, strict=True)) if parts else (y.new_zeros(0), y.new_zeros(0))
        return {"mse": mse * self.scale_y.square(), "kl": kl}

    def _evidence(self, y: Tensor, x: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """The squared error of inner fields, and the KL."""
        noise = Noise(torch.cat([x.flatten(1), y.flatten(1)], 1), seed).normal(DRAWS, self.config.codes)
        x, y = self._inner_x(x), self._inner_y(y)
        mean, variance = self.encoder(x, y)
        tower, squared = self.tower(x), torch.zeros(len(y), device=y.device)
        for i in range(DRAWS):
            squared = squared + _squared_error(y, self._decode(tower, mean + variance.sqrt() * noise[:, i])) / DRAWS
        return squared, _kl_to_standard(mean, variance)

    def _field_log_prob(self, squared: Tensor) -> Tensor:
        """log N(y; field, output_variance) of inner fields in nats, (B,), from their squared error."""
        variance = self.config.output_variance
        return -0.5 * (squared / variance + size_of(self.y_shape) * math.log(2 * math.pi * variance))

    def _decode(self, tower: Tensor, z: Tensor) -> Tensor:
        """The inner field for the tower's output (B, codes, c, c) and codes (B, codes), replicated over space."""
        return self.decoder(tower * (self.config.offset + z)[:, :, None, None].to(tower)).float()

    def _inner_x(self, x: Tensor) -> Tensor:
        return (x.float() - self.mean_x) / self.scale_x

    def _inner_y(self, y: Tensor) -> Tensor:
        return (y.float() - self.mean_y) / self.scale_y


def _usable(spread: Tensor) -> Tensor:
    """Standard deviations to divide by: 1 where nothing varies."""
    return torch.where(spread > LEAST_SPREAD, spread, torch.ones_like(spread))


def _squared_error(y: Tensor, field: Tensor) -> Tensor:
    """Summed over the numbers of each field, (B,)."""
    return (y - field).square().flatten(1).sum(1)


def _kl_to_standard(mean: Tensor, variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, I)) in nats, (B,)."""
    return 0.5 * (variance + mean.square() - 1 - variance.log()).sum(1)
