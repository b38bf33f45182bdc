"""CGAN: a generator from a uniform code and a fixed embedding of x, and a discriminator that sees the embedding too.

Source: paper 2 (embedding guidance), section 5.3 (a code drawn from a uniform distribution, a fixed embedding); Mirza and
Osindero 2014. The game is today's: relativistic pairs with penalties on the gradient at both real and generated fields, which
converges locally (R3GAN, Huang et al. 2024), and an average of the generator's weights. Nothing asks for different samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from zoo import Batch, Model, Noise, Pairs, Step, Turns
from zoo_cgan.config import CGANConfig
from zoo_cgan.embedding import Embedding
from zoo_cgan.nets import Discriminator, Generator
from zoo_networks.dcgan import side_of

LEAST_SPREAD = 1e-4
EMBEDDED = 32
"""The length of the embedding where none is given and x is not a longer vector, whose rare attributes must not go lost."""


class CGAN(Model):
    """p(y | x) as y = generator(z, e(x)), z uniform in [-1, 1]; it has samples and no density.

    y is (C, s, s), s a multiple of 8 from 8 to 256. x may have any shape where it is embedded from its pixels or, a vector,
    its numbers, and is a picture for a backbone. Samples are clipped to the range of the training fields. See
    :class:`zoo.Model` for what the methods take and give.

    Raises:
        RequestError: the shapes are others, or there is no such backbone.
    """

    Config: ClassVar[type] = CGANConfig
    check_settings: ClassVar[Mapping[str, Any]] = {"width": 8, "learning_rate": 2e-3}
    training_only: ClassVar[tuple[str, ...]] = ("discriminator",)
    config: CGANConfig
    mean: Tensor
    scale: Tensor
    limits: Tensor
    known: Tensor

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        side, c = side_of("a CGAN", self.y_shape), self.config
        size = c.embedding_size or max(EMBEDDED, self.x_shape[0] if len(self.x_shape) == 1 else 0)
        self.embedding = Embedding(c.embedding, self.x_shape, size)
        self.generator = Generator(c.codes + size, self.y_shape[0], side, c.width)
        self.discriminator = Discriminator(self.y_shape[0], size, side, c.width)
        self.register_buffer("mean", torch.zeros(self.y_shape))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("limits", torch.tensor([-math.inf, math.inf]))
        self.register_buffer("known", torch.zeros(0, size), persistent=False)

    # Training

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Mean, scale and limits of y, and the embedding of x; x that training does not crop are embedded once and for all.

        Raises:
            ZooError: the embedding is of a backbone whose weights cannot be had.
        """
        y = pairs.y.float()
        self.mean = y.mean(0)
        spread = (y - self.mean).square().mean().sqrt()
        self.scale = torch.where(spread > LEAST_SPREAD, spread, torch.ones_like(spread))
        self.limits = torch.stack([y.min(), y.max()])
        self.embedding.fetch(pretrained=True)
        found = self.embedding.fit(pairs.x, seed)
        self.known = found if pairs.wide is None else found[:0]

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Room for the embedding and its backbone, whose weights come from the checkpoint."""
        if "embedding.mean" in shapes:
            self.embedding.resize(shapes["embedding.mean"][0])
        self.embedding.fetch(pretrained=False)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for each network, the discriminator's turn first; without momentum, as is usual for two players."""
        rates = {"discriminator": self.config.discriminator_rate, "generator": 1.0}
        return {
            name: torch.optim.Adam(getattr(self, name).parameters(), lr=rate * self.config.learning_rate, betas=(0.0, 0.99))
            for name, rate in rates.items()
        }

    def turns(self, batch: Batch, step: Step) -> Turns:
        """Each pays the softplus of how much better the other's field of a pair scores; the discriminator penalties too."""
        real = (batch.y.float() - self.mean) / self.scale
        cached = batch.index is not None and len(self.known)
        embedding = self.known[batch.index] if cached else self.embedding(batch.x)
        yield "discriminator", self._discriminator_losses(real, embedding, step)
        fixed = {name: p.detach() for name, p in self.discriminator.named_parameters()}
        fake = self.generator(self._code(real, step), embedding).float()
        margin = functional_call(self.discriminator, fixed, (fake, embedding))
        with torch.no_grad():
            score = self.discriminator(real, embedding)
        yield "generator", {"total": F.softplus(score - margin).mean()}

    def _discriminator_losses(self, real: Tensor, embedding: Tensor, step: Step) -> dict[str, Tensor]:
        with torch.no_grad():
            fake = self.generator(self._code(real, step), embedding).float()
        real_score, fake_score = self.discriminator(torch.cat([real, fake]), embedding.repeat(2, 1)).chunk(2)
        total = F.softplus(fake_score - real_score).mean()
        if self.config.penalty and step.index % self.config.penalty_every == 0:
            steep = self._steepness(torch.cat([real, fake]), embedding.repeat(2, 1))
            total = total + 0.5 * self.config.penalty * self.config.penalty_every * 2 * steep.mean()
        return {"total": total, "margin": (real_score - fake_score).mean()}

    def _code(self, real: Tensor, step: Step) -> Tensor:
        return (2 * torch.rand(len(real), self.config.codes, generator=step.generator) - 1).to(real)

    def _steepness(self, field: Tensor, embedding: Tensor) -> Tensor:
        """The squared norm of the gradient of the score by the field, (B,), in full precision, itself differentiable."""
        with torch.autocast(field.device.type, enabled=False), torch.enable_grad():
            field = field.detach().requires_grad_()
            score = self.discriminator(field, embedding).sum()
            (gradient,) = torch.autograd.grad(score, field, create_graph=True)
        return gradient.square().flatten(1).sum(1)

    # Sampling

    def encode(self, x: Tensor) -> Tensor:
        """The embedding of x, (B, E)."""
        return self.embedding(x)

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        """z uniform in [-1, 1], and the field that the generator makes of it and the embedding."""
        z = 2 * noise.uniform(n, self.config.codes).flatten(0, 1) - 1
        out = torch.empty(len(z), *self.y_shape, device=z.device)
        item = torch.arange(len(code), device=z.device).repeat_interleave(n)
        for piece in self.generator.decoder.pieces(len(z)):
            out[piece] = self.generator(z[piece], code[item[piece]])
        field = out * self.scale + self.mean
        return field.clamp(self.limits[0], self.limits[1]).view(len(code), n, *self.y_shape)

    def features(self, x: Tensor) -> Tensor:
        """The embedding of x, (B, E)."""
        return self.encode(x)
