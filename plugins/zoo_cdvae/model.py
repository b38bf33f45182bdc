"""CDVAE: two ladder DVAEs, one of the conditioning and one of the generated field, whose top codes are tied.

Source: paper 2 (embedding guidance), sections 3.1 and 3.2, appendix 8.1 to 8.3; paper 1 (tied models), sections 3 and 4.1, for
the Gaussian tie and the guidance of z_g.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from zoo import Batch, Model, Noise, Pairs, RequestError, Step, size_of
from zoo_cdvae.config import CDVAEConfig
from zoo_cdvae.guide import Features
from zoo_cdvae.maps import Maps
from zoo_cdvae.networks import MDN, Decoder, Encoder, GaussianTie, More, Posterior, infer
from zoo_networks.efficientnet import check_picture
from zoo_networks.gaussian import Gaussian
from zoo_networks.lpp import Embedding
from zoo_networks.units import fidelity, limits_of, pixel_units

DRAWS = 8
"""Draws of all codes for one value of a bound."""


class CDVAE(Model):
    """p(y | x) as encoder of x, tie from z_c to z_g, decoder of y; trained as a joint model of x and y (eq. 3 and 6).

    x and y may have any shape; they are flattened. See :class:`zoo.Model` for what the methods take and give.

    Other than in the papers: the variance of a field is fixed, since a predicted one lets the codes of y collapse
    (:meth:`diagnose`). Paper 1 draws three layers of codes in its Figure 2 and gives no sizes; all presets but
    ``cdvae-shallow`` have the two of paper 2's Table 1, and ``--set codes=64,32,16 --set widths=512,256,128`` makes three.
    Eq. 5 charges z_c, a draw; here the means of the upward pass are charged, of every layer and of y's codes too (paper 1,
    section 4.1), which leaves their variances to the bound.
    """

    cites: ClassVar[tuple[str, ...]] = ("lu2016cdvae",)
    Config: ClassVar[type] = CDVAEConfig
    check_settings: ClassVar[Mapping[str, Any]] = {
        "codes": (8, 4),
        "widths": (32, 16),
        "learning_rate": 3e-3,
        "reconstruction": (0.3, 0.3),
    }
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "output_variance": (0.1, 0.05, 0.3, None),
        "temperature": (0.9, 0.7, 1.0),
        "reconstruction": ((0.3, 0.05), (0.3, 0.02), (0.3, 0.1), (0.3, 0.3)),
        "guidance": ((10.0, 1.0), (10.0, 0.0), (30.0, 3.0)),
        "sigma": (0.5, 0.25, 1.0),
        "standard": ((1.0, 0.0), (1.0, 1.0)),
        "learning_rate": (5e-4, 1e-3),
    }
    training_only: ClassVar[tuple[str, ...]] = ("encoder_g", "decoder_c", "embedding_c", "embedding_g")
    config: CDVAEConfig
    seen: Features | None = None

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        if self.config.embedding == "features":
            check_picture(self.config.embedding, self.x_shape)
        c, g = size_of(self.x_shape), size_of(self.y_shape)
        codes, widths, variance = self.config.codes, self.config.widths, self.config.output_variance
        self.encoder_c, self.encoder_g = Encoder(c, codes, widths), Encoder(g, codes, widths)
        self.decoder_c = Decoder(c, codes, widths, variance)
        self.decoder_g = Decoder(g, codes, widths, variance, own=not self.config.maps)
        self.maps: Maps | None = None
        if self.config.maps:
            self.maps = Maps(self.x_shape, self.y_shape, widths[0], self.config.maps, self.config.map_width)
        self.tie: MDN | GaussianTie
        if self.config.tie == "mdn":
            self.tie = MDN(codes[-1], self.config.components, self.config.sigma, self.config.bounded)
        else:
            self.tie = GaussianTie(codes[-1], self.config.tied, self.config.sigma)
        self.embedding_c, self.embedding_g = Embedding(c, codes), Embedding(g, codes)
        self.mean_c: Tensor = nn.Buffer(torch.zeros(c))
        self.mean_g: Tensor = nn.Buffer(torch.zeros(g))
        self.scale: Tensor = nn.Buffer(torch.ones(2))
        self.limits: Tensor = nn.Buffer(torch.tensor([-math.inf, math.inf]))

    # Training

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Means, scales and limits of the fields, and the embeddings that guide the codes."""
        x, y = pairs.x.flatten(1).float(), pairs.y.flatten(1).float()
        (self.mean_c, scale_c), (self.mean_g, scale_g) = pixel_units(x), pixel_units(y)
        self.scale, self.limits = torch.stack([scale_c, scale_g]), limits_of(y)
        if any(self.config.guidance):
            columns = 0 if pairs.guide is None else pairs.guide.shape[1]
            self.seen = Features(pairs) if self.config.embedding == "features" else None
            of_x = x if self.seen is None else self.seen.found
            self.embedding_c = Embedding(of_x.shape[1] + columns, self.config.codes)
            self.embedding_c.fit(of_x, pairs.guide, seed)
            self.embedding_g.fit(y, None, seed)

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        if "embedding_c.mean" in shapes:
            self.embedding_c = Embedding(shapes["embedding_c.mean"][0], self.config.codes)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam; decoupled weight decay on the MDN alone (appendix 8.1)."""
        tie = list(self.tie.parameters())
        rest = [p for name, p in self.named_parameters() if not name.startswith("tie.")]
        groups = [{"params": rest, "weight_decay": 0.0}, {"params": tie, "weight_decay": self.config.weight_decay}]
        return {"all": torch.optim.AdamW(groups, lr=self.config.learning_rate, fused=True)}

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """Eq. 6 with eq. 3: both DVAE bounds, the tie and the embedding cost, in nats a pair."""
        c, (second, third) = self.config, self.config.phases  # the weights move in the second phase (appendix 8.1)
        cool = (step.share - second) / (third - second) if third > second else float(step.share >= third)
        cool = min(1.0, max(0.0, cool))
        weights = (c.reconstruction, c.tie_weight, c.standard, c.guidance)
        reconstruction, tie, standard, guidance = (first + (last - first) * cool for first, last in weights)

        def normal(like: Tensor) -> Tensor:
            return torch.randn(like.shape, generator=step.generator).to(like)

        x, y = self._inner(batch.x, 0), self._inner(batch.y, 1)
        of_x = infer(self.encoder_c, self.decoder_c, x, normal)
        of_y = infer(self.encoder_g, self.decoder_g, y, normal, self._seen_of(x))
        parts = {
            "x_error": -of_x.field.log_prob(x).mean(),
            "y_error": -of_y.field.log_prob(y).mean(),
            "x_kl": (of_x.top.kl_to_standard() + of_x.kl_below).mean(),
            "y_kl": (of_y.top.kl_to_standard() + of_y.kl_below).mean(),
            "tie": self.tie.cost(of_y.codes[-1], self._tied(of_x)).mean(),
        }
        total = reconstruction * (parts["x_error"] + parts["y_error"]) + parts["x_kl"] + parts["y_kl"]
        total = total + tie * parts["tie"]
        if standard != 1:
            parts["y_standard"] = of_y.top.cross_entropy_to_standard().mean()
            total = total + (standard - 1) * parts["y_standard"]
        if guidance > 0:
            shown = batch.x if self.seen is None else self.seen.of(batch)
            distance_c = _distance(of_x, self.embedding_c(shown, batch.guide))
            parts["embedding"] = distance_c + _distance(of_y, self.embedding_g(batch.y, None))
            total = total + guidance * parts["embedding"]
        return {"total": total, **parts}

    def diagnose(self, pairs: Pairs) -> dict[str, float]:
        """How much of y its own codes bring back, of the means of all layers: :func:`zoo_networks.units.fidelity`.

        A decoder that has collapsed, where edges count as noise, rebuilds y from two or three directions.
        """
        x, y = self._inner(pairs.x, 0), self._inner(pairs.y, 1)
        return fidelity(y, infer(self.encoder_g, self.decoder_g, y, torch.zeros_like, self._seen_of(x)).field.mean)

    # Sampling

    def encode(self, x: Tensor) -> tuple[Tensor, ...]:
        """Mean and standard deviation of q(z_c | x), each (B, D); and the maps of x, where the decoder sees these."""
        inner = self._inner(x, 0)
        top = self.encoder_c(inner)[-1]
        return (top.mean, top.variance.sqrt(), *(() if self.maps is None else (self._maps_of(inner),)))

    def draw(self, code: tuple[Tensor, ...], n: int, noise: Noise) -> Tensor:
        """z_c from the encoder, z_g from the tie, lower codes from the decoder, and the mean of the field (section 3)."""
        mean, deviation, *maps = code
        z_c = mean[:, None]
        if self.config.tied_at == "draw":
            z_c = z_c + deviation[:, None] * noise.normal(n, mean.shape[1])
        z_g = self.tie.draw(z_c, n, noise, self.config.temperature).flatten(0, 1)
        lower = [noise.normal(n, d).flatten(0, 1) for d in reversed(self.config.codes[:-1])]
        more = partial(self.maps.added, *maps) if self.maps is not None else None
        field = self.decoder_g.mean(z_g, lower, more) * self.scale[1] + self.mean_g
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
        """A lower bound on log p(y | x) in nats, (B,), with p(z_g | z_c) at the temperature that :meth:`sample` draws it with.

        E[log p(y | z_g) + log p(z_g | z_c) - log q(z_g | y)] over z_c ~ q(z_c | x) and z_g ~ q(z_g | y). A sample is the mean
        of p(y | z_g), clipped; this density has the noise of p(y | z_g) too, without which there is none.

        Raises:
            RequestError: the model is the inference half of a checkpoint.
        """
        return self._bounds(y, x, seed)[0]

    def joint_log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor:
        """A lower bound on log p(x, y) in nats, (B,), with p(x, y) = p(z_c) p(x | z_c) p(z_g | z_c) p(y | z_g).

        This is the normalised joint density, p(z_g | z_c) and p(y | z_g) as for :meth:`log_prob`. Paper 1's Table 1 keeps the
        standard normal factor of z_g beside the MDN's, the Gaussian tie's without its constant, so that its numbers are others
        (eq. 34).

        Raises:
            RequestError: the model is the inference half of a checkpoint.
        """
        return self._bounds(y, x, seed)[1]

    @torch.no_grad()
    def _bounds(self, y: Tensor, x: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        if self.inference_only:
            raise RequestError("this checkpoint holds only what sampling needs; a density needs the whole model")
        noise = Noise(torch.cat([x.flatten(1), y.flatten(1)], 1), seed)

        def normal(like: Tensor) -> Tensor:
            return noise.normal(DRAWS, like.shape[1]).flatten(0, 1)

        inner_x, inner_y = (self._inner(value, i).repeat_interleave(DRAWS, 0) for i, value in enumerate((x, y)))
        c = infer(self.encoder_c, self.decoder_c, inner_x, normal)
        g = infer(self.encoder_g, self.decoder_g, inner_y, normal, self._seen_of(self._inner(x, 0)))
        tie = self.tie.log_prob(g.codes[-1], self._tied(c), self.config.temperature)
        of_y = g.field.log_prob(inner_y) - g.kl_below - g.top.log_prob(g.codes[-1]) + tie
        prior = Gaussian(torch.zeros_like(c.top.mean), self.tie.prior_variance.expand_as(c.top.mean))
        of_x = c.field.log_prob(inner_x) - c.kl_below - c.top.kl(prior)
        of_y = of_y.view(-1, DRAWS).mean(1) - inner_y.shape[1] * self.scale[1].log()
        of_x = of_x.view(-1, DRAWS).mean(1) - inner_x.shape[1] * self.scale[0].log()
        return of_y, of_x + of_y

    def _inner(self, value: Tensor, side: int) -> Tensor:
        """A field flattened, centred and scaled: (B, D) of about unit variance."""
        return (value.flatten(1) - (self.mean_c, self.mean_g)[side]) / self.scale[side]

    def _tied(self, of_x: Posterior) -> Tensor:
        """The z_c that the tie is given, (B, D)."""
        return of_x.top.mean if self.config.tied_at == "mean" else of_x.codes[-1]

    def _maps_of(self, inner_x: Tensor) -> Tensor:
        assert self.maps is not None
        return self.maps(inner_x.view(-1, *self.x_shape))

    def _seen_of(self, inner_x: Tensor) -> More | None:
        """The part that the decoder of y adds of x (B, D), to as many fields for each of them as there are."""
        return None if self.maps is None else partial(self.maps.added, self._maps_of(inner_x))


def _distance(posterior: Posterior, embedding: list[Tensor]) -> Tensor:
    """Eq. 5 at every layer of codes, averaged over the batch."""
    return torch.stack([(code - p).square().sum(1).mean() for code, p in zip(posterior.guided, embedding, strict=True)]).sum()
