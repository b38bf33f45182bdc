"""Diagonal Gaussians of codes and fields, and conditional VAEs with one Gaussian code (Sohn et al. 2015)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from zoo import Model, Noise, Pairs, RequestError, size_of
from zoo_networks.units import fidelity

LOG_2PI = math.log(2 * math.pi)
DRAWS, ITEMS = 8, 128
"""Draws of z for one value of the bound, and items whose bounds are computed at once."""


@dataclass(frozen=True)
class Gaussian:
    """A diagonal Gaussian: ``mean`` and ``variance`` (B, D)."""

    mean: Tensor
    variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """mean + noise * standard deviation, (B, D)."""
        return self.mean + noise * self.variance.sqrt()

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density of ``value`` (B, D) in nats, (B,)."""
        return -0.5 * ((value - self.mean).square() / self.variance + self.variance.log() + LOG_2PI).sum(-1)

    def kl(self, other: Gaussian) -> Tensor:
        """KL(self || other) in nats, (B,)."""
        ratio = self.variance / other.variance
        shift = (self.mean - other.mean).square() / other.variance
        return 0.5 * (ratio + shift - 1 - ratio.log()).sum(-1)

    def kl_to_standard(self) -> Tensor:
        """KL(self || N(0, I)) in nats, (B,)."""
        return 0.5 * (self.variance + self.mean.square() - 1 - self.variance.log()).sum(-1)

    def cross_entropy_to_standard(self) -> Tensor:
        """E[-log N(z; 0, I)] over this Gaussian in nats, (B,)."""
        return 0.5 * (self.variance + self.mean.square() + LOG_2PI).sum(-1)

    def combined(self, other: Gaussian) -> Gaussian:
        """The two weighted by their precisions: proportional to the product of their densities."""
        own, others = 1 / self.variance, 1 / other.variance
        variance = 1 / (own + others)
        return Gaussian((self.mean * own + other.mean * others) * variance, variance)


@dataclass(frozen=True)
class LogGaussian:
    """A diagonal Gaussian of which the logarithm of the variance is known: ``mean`` and ``log_variance`` (B, D)."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """mean + noise * standard deviation, (B, D)."""
        return self.mean + noise * (0.5 * self.log_variance).exp()

    def kl_to_standard(self) -> Tensor:
        """KL(self || N(0, I)) in nats, (B,)."""
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance).sum(-1)


class CodeVAE(Model):
    """p(y | x) = E[N(y; field(z, x), variance)] over z ~ N(0, I), fitted with the q(z | x, y) of its ``encoder``.

    A class gives :meth:`coded` and :meth:`unit`, and with them has its evidence, its density and its diagnosis.

    Attributes:
        latent: length of z.
        variance: of a number of y given z and x, in :meth:`unit` squared.
    """

    training_only: ClassVar[tuple[str, ...]] = ("encoder",)
    latent: int
    variance: float

    def coded(self, x: Tensor, y: Tensor) -> tuple[Tensor, Gaussian | LogGaussian, Callable[[Tensor], Tensor]]:
        """y in :meth:`unit`, q(z | x, y), and what makes fields in that unit, of the shape of y, of codes z (B, latent)."""
        raise NotImplementedError

    def terms(self, x: Tensor, y: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The squared error of y, in :meth:`unit`, and KL(q(z | x, y) || N(0, I)) in nats, each (B,).

        The error is summed over the numbers of y. It is the mean over draws of z, one for each of ``noise``, standard normal
        numbers (B, latent).
        """
        inner, posterior, field_of = self.coded(x, y)
        squared = torch.zeros(len(y), device=y.device)
        for standard in noise:
            field = field_of(posterior.sample(standard))
            squared = squared + (inner - field).square().flatten(1).sum(1) / len(noise)
        return squared, posterior.kl_to_standard()

    def diagnose(self, pairs: Pairs) -> dict[str, float]:
        """How much of y its own codes bring back, of the means of q(z | x, y): :func:`zoo_networks.units.fidelity`."""
        inner, posterior, field_of = self.coded(pairs.x, pairs.y)
        return fidelity(inner, field_of(posterior.mean))

    def unit(self) -> Tensor:
        """The unit in which the networks see y, in that of y, ()."""
        raise NotImplementedError

    def field_log_prob(self, squared: Tensor) -> Tensor:
        """log N(y; field, variance) in nats, of y in :meth:`unit`, (B,), from the squared error."""
        return -0.5 * (squared / self.variance + size_of(self.y_shape) * math.log(2 * math.pi * self.variance))

    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor:
        """A lower bound on log p(y | x) in nats, (B,), before clipping; normalised over all values of y in their own units.

        E[log p(y | x, z)] - KL(q(z | x, y) || N(0, I)), the expectation over a few draws of z from q(z | x, y).

        Raises:
            RequestError: the model is the inference half of a checkpoint.
        """
        squared, kl = self._averaged_terms(y, x, seed)
        return self.field_log_prob(squared) - kl - size_of(self.y_shape) * self.unit().log()

    def evidence(self, y: Tensor, x: Tensor, *, seed: int = 0) -> dict[str, Tensor]:
        """The terms of the bound, each (B,): ``mse``, summed over the numbers of y, in their units squared, the mean over a
        few draws of z from q(z | x, y); and ``kl`` in nats.

        Raises:
            RequestError: the model is the inference half of a checkpoint.
        """
        squared, kl = self._averaged_terms(y, x, seed)
        return {"mse": squared * self.unit().square(), "kl": kl}

    @torch.no_grad()
    def _averaged_terms(self, y: Tensor, x: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        if self.inference_only:
            raise RequestError("this checkpoint holds only what sampling needs; a density needs the whole model")
        squared, kl = torch.zeros(2, len(y), device=y.device)
        for i in range(0, len(y), ITEMS):
            part = slice(i, i + ITEMS)
            noise = Noise(torch.cat([x[part].flatten(1), y[part].flatten(1)], 1), seed).normal(DRAWS, self.latent)
            squared[part], kl[part] = self.terms(x[part], y[part], noise.unbind(1))
        return squared, kl
