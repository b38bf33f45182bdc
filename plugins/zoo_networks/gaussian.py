"""Diagonal Gaussians of codes and fields: draws, densities, divergences."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


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
