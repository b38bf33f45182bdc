"""CDVAE: two ladder DVAEs, one of the conditioning and one of the generated field, tied by an MDN.

Source: paper 2 (embedding guidance), sections 3.1 and 3.2, appendix 8.1 to 8.3; paper 1 (tied models) for guidance of z_g.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from zoo.errors import RequestError
from zoo.lpp import Embedding
from zoo.model import Model, size_of
from zoo.noise import Noise
from zoo.pairs import Batch, Pairs
from zoo.training import Step
from zoo_cdvae.ladder import Decoder, Encoder, Posterior, infer
from zoo_cdvae.mdn import MDN


@dataclass(frozen=True)
class CDVAEConfig:
    """Settings of a CDVAE. Fields are measured in units of their own standard deviation over the training set.

    Attributes:
        components: K of the MDN.
        codes: sizes of the layers of codes, lowest first (Table 1: 64, 32).
        widths: sizes of the hidden layers beside them (Table 1: 512, 256).
        sigma: the fixed standard deviation of the MDN's components.
        temperature: sigma is multiplied by it when z_g is drawn; below 1 the samples keep closer to the components.
        bounded: tanh on the MDN's output, as Table 1 prints it; it keeps the means within (-1, 1).
        output_variance: of a field given its lowest code; none to predict it for each pixel, as Table 1 does.
        guidance: the first and the last weight of the embedding cost (lambda of eq. 6); 0, 0 for no guidance. What is left
            at the end keeps the top code in use: z_g is charged twice for what x does not tell of y, by its standard normal
            and by the MDN, a lower code once, so that without it everything moves down to where x has no say.
        reconstruction: the first and the last weight of the reconstruction cost.
        tie: the first and the last weight of the MDN cost.
        phases: shares of training at which the second and third phase begin (100 and 300 of 500 epochs in appendix 8.1).
        learning_rate: of Adam.
        weight_decay: of the MDN.
        steps: optimizer steps of the whole recipe, where no number of epochs is given.
        batch_size: pairs a step.
    """

    components: int = 12
    codes: tuple[int, ...] = (64, 32)
    widths: tuple[int, ...] = (512, 256)
    sigma: float = 0.5
    temperature: float = 0.8
    bounded: bool = False
    output_variance: float | None = None
    guidance: tuple[float, ...] = (10.0, 1.0)
    reconstruction: tuple[float, ...] = (0.3, 0.05)
    tie: tuple[float, ...] = (0.1, 1.0)
    phases: tuple[float, ...] = (0.2, 0.6)
    learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    steps: int = 2500
    batch_size: int = 128

    def __post_init__(self) -> None:
        if not self.codes or len(self.codes) != len(self.widths) or min(*self.codes, *self.widths) < 1:
            raise RequestError(
                f"codes {self.codes} and widths {self.widths} must be equally many positive sizes, at least one"
            )
        for name in ("components", "steps", "batch_size"):
            if getattr(self, name) < 1:
                raise RequestError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("sigma", "temperature", "output_variance", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise RequestError(f"{name} is {value}; it must be above 0")
        for name in ("guidance", "reconstruction", "tie", "phases"):
            if len(getattr(self, name)) != 2 or min(getattr(self, name)) < 0:
                raise RequestError(f"{name} is {getattr(self, name)}; it must be two numbers, none below 0")
        if not self.phases[0] <= self.phases[1] <= 1:
            raise RequestError(f"phases is {self.phases}; it must be two rising shares of training, at most 1")


class CDVAE(Model):
    """p(y | x) as encoder of x, MDN from z_c to z_g, decoder of y; trained as a joint model of x and y (eq. 3 and 6).

    x and y may have any shape; they are flattened. See :class:`zoo.model.Model` for what the methods take and give.
    """

    Config: ClassVar[type] = CDVAEConfig
    training_only: ClassVar[tuple[str, ...]] = ("encoder_g", "decoder_c", "embedding_c", "embedding_g")
    config: CDVAEConfig
    mean_c: Tensor
    mean_g: Tensor
    scale: Tensor
    limits: Tensor

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        c, g = size_of(self.x_shape), size_of(self.y_shape)
        codes, widths, variance = self.config.codes, self.config.widths, self.config.output_variance
        self.encoder_c, self.encoder_g = Encoder(c, codes, widths), Encoder(g, codes, widths)
        self.decoder_c, self.decoder_g = Decoder(c, codes, widths, variance), Decoder(g, codes, widths, variance)
        self.mdn = MDN(codes[-1], self.config.components, self.config.sigma, self.config.bounded)
        self.embedding_c, self.embedding_g = Embedding(c, codes), Embedding(g, codes)
        self.register_buffer("mean_c", torch.zeros(c))
        self.register_buffer("mean_g", torch.zeros(g))
        self.register_buffer("scale", torch.ones(2))
        self.register_buffer("limits", torch.tensor([-math.inf, math.inf]))

    # Training

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Means, scales and limits of the fields, and the embeddings that guide the codes."""
        x, y = pairs.x.flatten(1).float(), pairs.y.flatten(1).float()
        self.mean_c, self.mean_g = x.mean(0), y.mean(0)
        spread = torch.stack([(x - self.mean_c).square().mean().sqrt(), (y - self.mean_g).square().mean().sqrt()])
        self.scale = torch.where(spread > 1e-4, spread, torch.ones(2))
        self.limits = torch.stack([y.min(), y.max()])
        if any(self.config.guidance):
            columns = 0 if pairs.guide is None else pairs.guide.shape[1]
            self.embedding_c = Embedding(x.shape[1] + columns, self.config.codes)
            self.embedding_c.fit(x, pairs.guide, seed)
            self.embedding_g.fit(y, None, seed)

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        if "embedding_c.mean" in shapes:
            self.embedding_c = Embedding(shapes["embedding_c.mean"][0], self.config.codes)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam; decoupled weight decay on the MDN alone (appendix 8.1)."""
        tie = list(self.mdn.parameters())
        rest = [p for name, p in self.named_parameters() if not name.startswith("mdn.")]
        groups = [{"params": rest, "weight_decay": 0.0}, {"params": tie, "weight_decay": self.config.weight_decay}]
        return {"all": torch.optim.AdamW(groups, lr=self.config.learning_rate, fused=True)}

    def recipe(self, items: int) -> Mapping[str, Any]:
        return {"steps": self.config.steps, "batch_size": self.config.batch_size, "clip": 100.0}

    def rate(self, share: float) -> float:
        """A short warm-up, constant through the second phase, then a cosine down to 1 %."""
        third = self.config.phases[1]
        down = max(0.0, share - third) / max(1 - third, 1e-9)
        return min(1.0, 0.01 + share / 0.02) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * down)))

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """Eq. 6 with eq. 3: both DVAE bounds, the MDN tie and the embedding cost, in nats a pair."""
        cool = self._cooling(step.share)
        reconstruction, tie, guidance = (
            a + (b - a) * cool for a, b in (self.config.reconstruction, self.config.tie, self.config.guidance)
        )

        def normal(like: Tensor) -> Tensor:
            return torch.randn(like.shape, generator=step.generator).to(like)

        c = infer(self.encoder_c, self.decoder_c, self._inner(batch.x, 0), normal)
        g = infer(self.encoder_g, self.decoder_g, self._inner(batch.y, 1), normal)
        parts = {
            "x_error": -c.field.log_prob(self._inner(batch.x, 0)).mean(),
            "y_error": -g.field.log_prob(self._inner(batch.y, 1)).mean(),
            "x_kl": (c.top.kl_to_standard() + c.kl_below).mean(),
            "y_kl": (g.top.kl_to_standard() + g.kl_below).mean(),
            "mdn": -self.mdn.log_prob(g.codes[-1], c.codes[-1]).mean(),
        }
        total = reconstruction * (parts["x_error"] + parts["y_error"]) + parts["x_kl"] + parts["y_kl"]
        total = total + tie * parts["mdn"]
        if guidance > 0:
            parts["embedding"] = _distance(c, self.embedding_c(batch.x, batch.guide)) + _distance(
                g, self.embedding_g(batch.y, None)
            )
            total = total + guidance * parts["embedding"]
        return {"total": total, **parts}

    def _cooling(self, share: float) -> float:
        """0 in the first phase, rising to 1 in the second, 1 in the third (appendix 8.1)."""
        first, third = self.config.phases
        return 1.0 if share >= third else max(0.0, share - first) / (third - first)

    # Sampling

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of q(z_c | x), each (B, D)."""
        top = self.encoder_c(self._inner(x, 0))[-1]
        return top.mean, top.variance.sqrt()

    def draw(self, code: tuple[Tensor, Tensor], n: int, noise: Noise) -> Tensor:
        """z_c from the encoder, z_g from the MDN, lower codes from the decoder, and the mean of the field (section 3)."""
        mean, deviation = code
        rows, size = len(mean) * n, mean.shape[1]
        z_c = mean[:, None] + deviation[:, None] * noise.normal(n, size)
        log_weight, centre = self.mdn(z_c.flatten(0, 1))
        pick = noise.categorical(log_weight.exp().unflatten(0, (-1, n))).flatten()
        z_g = centre[torch.arange(rows, device=centre.device), pick]
        z_g = z_g + self.config.temperature * self.config.sigma * noise.normal(n, size).flatten(0, 1)
        lower = [noise.normal(n, d).flatten(0, 1) for d in reversed(self.config.codes[:-1])]
        field = self.decoder_g.mean(z_g, lower) * self.scale[1] + self.mean_g
        return field.clamp(self.limits[0], self.limits[1]).view(len(mean), n, *self.y_shape)

    def features(self, x: Tensor) -> Tensor:
        """The mean of q(z_c | x), (B, D)."""
        return self.encode(x)[0]

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor | None:
        """x from the means of its codes, (B, *x_shape); None from a checkpoint that holds the inference half."""
        if self.inference_only:
            return None
        field = infer(self.encoder_c, self.decoder_c, self._inner(x, 0), torch.zeros_like).field
        return (field.mean * self.scale[0] + self.mean_c).view(len(x), *self.x_shape)

    # Densities

    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor:
        """A lower bound on log p(y | x) of the model that :meth:`sample` draws from (before clipping), in nats, (B,).

        E[log p(y | z_g) + log p(z_g | z_c) - log q(z_g | y)] over z_c ~ q(z_c | x) and z_g ~ q(z_g | y).

        Raises:
            RequestError: the model is the inference half of a checkpoint.
        """
        return self._bounds(y, x, seed)[0]

    def joint_log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor:
        """A lower bound on log p(x, y) in nats, (B,), with p(x, y) = p(z_c) p(x | z_c) p(z_g | z_c) p(y | z_g).

        This is the normalised joint density. Paper 1's Table 1 keeps the standard normal factor of z_g beside the MDN's, which
        makes its number a little larger (eq. 34).

        Raises:
            RequestError: the model is the inference half of a checkpoint.
        """
        return self._bounds(y, x, seed)[1]

    @torch.no_grad()
    def _bounds(self, y: Tensor, x: Tensor, seed: int, draws: int = 8) -> tuple[Tensor, Tensor]:
        if self.inference_only:
            raise RequestError("this checkpoint holds only what sampling needs; a density needs the whole model")
        noise = Noise(torch.cat([x.flatten(1), y.flatten(1)], 1), seed)

        def normal(like: Tensor) -> Tensor:
            return noise.normal(draws, like.shape[1]).flatten(0, 1)

        inner_x = self._inner(x, 0).repeat_interleave(draws, 0)
        inner_y = self._inner(y, 1).repeat_interleave(draws, 0)
        c = infer(self.encoder_c, self.decoder_c, inner_x, normal)
        g = infer(self.encoder_g, self.decoder_g, inner_y, normal)
        tie = self.mdn.log_prob(g.codes[-1], c.codes[-1])
        of_y = g.field.log_prob(inner_y) - g.kl_below - g.top.log_prob(g.codes[-1]) + tie
        of_x = c.field.log_prob(inner_x) - c.kl_below - c.top.kl_to_standard()
        of_y = of_y.view(-1, draws).mean(1) - inner_y.shape[1] * self.scale[1].log()
        of_x = of_x.view(-1, draws).mean(1) - inner_x.shape[1] * self.scale[0].log()
        return of_y, of_x + of_y

    def _inner(self, value: Tensor, side: int) -> Tensor:
        """A field flattened, centred and scaled: (B, D) of about unit variance."""
        return (value.flatten(1) - (self.mean_c, self.mean_g)[side]) / self.scale[side]


def _distance(posterior: Posterior, embedding: list[Tensor]) -> Tensor:
    """Eq. 5 at every layer of codes, averaged over the batch."""
    return torch.stack([(code - p).square().sum(1).mean() for code, p in zip(posterior.guided, embedding, strict=True)]).sum()
