"""A conditional mixture of factor analysers: several kinds of answers, each of which varies in a few directions.

Source: Ghahramani and Hinton 1996, "The EM algorithm for mixtures of factor analyzers", eq. 5, with weights, means and
factors that are functions of x (as in Bishop 1994, "Mixture density networks"), fitted by gradient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

import zoo
from zoo import Batch, Noise, Pairs, Step


@dataclass(frozen=True)
class FactorConfig(zoo.Recipe):
    """Settings of the mixture, and of its training (:class:`zoo.Recipe`).

    Fields are measured in units of their standard deviation over the training set.

    Attributes:
        components: kinds of answers, K.
        factors: directions in which the answers of one kind vary, R.
        width: of the hidden layer.
        smallest: the least standard deviation of a pixel beside what the factors say.
    """

    components: int = 4
    factors: int = 1
    width: int = 16
    smallest: float = 0.02
    learning_rate: float = 5e-3
    steps: int = 2500
    batch_size: int = 32
    clip: float | None = 10.0
    schedule: Literal["constant", "cosine"] = "cosine"
    lr_end: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        zoo.at_least(self, 1, "components", "factors", "width")
        zoo.above(self, 0, "smallest")


class FactorMixture(zoo.Model):
    """p(y | x) = sum_k w_k(x) N(y; m_k(x), F_k(x) F_k(x)^T + s_k^2 I), with F_k of R columns.

    Where x and y are pictures of one size, the fields m_k and F_k come from a convolutional network, elsewhere from one
    of two dense layers. The density is exact.
    """

    Config: ClassVar[type] = FactorConfig
    config: FactorConfig
    y_mean: Tensor
    y_scale: Tensor

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: object) -> None:
        super().__init__(x_shape, y_shape, **config)
        c = self.config
        self.size = math.prod(self.y_shape)
        fields = c.components * (1 + c.factors)
        pictures = len(self.x_shape) == len(self.y_shape) == 3 and self.x_shape[1:] == self.y_shape[1:]
        if pictures:
            self.trunk: nn.Module = nn.Sequential(
                nn.Conv2d(self.x_shape[0], c.width, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(c.width, c.width, 1),
                nn.ReLU(),
            )
            self.fields: nn.Module = nn.Conv2d(c.width + self.x_shape[0], fields * self.y_shape[0], 1)
        else:
            self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(self.x_shape), c.width), nn.ReLU())
            self.fields = nn.Linear(c.width + math.prod(self.x_shape), fields * self.size)
        self.weights = nn.Linear(c.width, c.components)
        self.log_scale = nn.Parameter(torch.zeros(c.components))
        self.register_buffer("y_mean", torch.zeros(()))
        self.register_buffer("y_scale", torch.ones(()))

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """The mean and the standard deviation of all numbers of y."""
        y = pairs.y.float()
        self.y_mean, self.y_scale = y.mean(), y.std().clamp_min(1e-6)

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """Minus the log density, in nats a number of y."""
        return {"total": -self._log_density(batch.y, batch.x).mean() / self.size}

    @torch.no_grad()
    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor:
        """log p(y | x) in nats, (B,), for y (B, *y_shape) and x (B, *x_shape); exact."""
        return self._log_density(y, x)

    def _log_density(self, y: Tensor, x: Tensor) -> Tensor:
        weights, means, factors = self.encode(x)
        variance = self._scale().square()[None, :, None]
        rest = ((y.flatten(1) - self.y_mean) / self.y_scale)[:, None] - means
        # By Woodbury, with the R x R matrix M = s^2 I + F^T F: the D x D covariance is never formed.
        small = factors @ factors.transpose(2, 3) + variance[..., None] * torch.eye(factors.shape[2], device=y.device)
        root = torch.linalg.cholesky(small)
        along = torch.linalg.solve_triangular(root, factors @ rest[..., None], upper=False)[..., 0]
        squared = (rest.square().sum(2) - along.square().sum(2)) / variance[..., 0]
        volume = 2 * root.diagonal(dim1=2, dim2=3).log().sum(2)
        volume = volume + (self.size - factors.shape[2]) * variance[..., 0].log()
        each = -0.5 * (squared + volume + self.size * math.log(2 * math.pi))
        return torch.logsumexp(weights.log_softmax(1) + each, 1) - self.size * self.y_scale.log()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of each x the K weights (B, K) before the softmax, the means (B, K, D) and the factors (B, K, R, D)."""
        hidden = self.trunk(x)
        # Few numbers decide the weights: more would tell the training items apart, and with them the kinds of their answers.
        weights = self.weights(hidden.flatten(2).mean(2) if hidden.ndim == 4 else hidden)
        hidden = torch.cat([hidden, x if hidden.ndim == 4 else x.flatten(1)], 1)  # what is linear in x need not be learned
        fields = self.fields(hidden).flatten(1).unflatten(1, (self.config.components, 1 + self.config.factors, self.size))
        return weights, fields[:, :, 0], fields[:, :, 1:]

    def draw(self, code: tuple[Tensor, Tensor, Tensor], n: int, noise: Noise) -> Tensor:
        """n samples for each x, (B, n, *y_shape): a component, a place along its factors, and what is left."""
        weights, means, factors = code
        chosen = noise.categorical(weights.softmax(1)[:, None].expand(-1, n, -1))
        items = torch.arange(len(chosen), device=chosen.device)[:, None]
        steps = noise.normal(n, self.config.factors)
        y = means[items, chosen] + (steps[..., None] * factors[items, chosen]).sum(2)
        y = y + self._scale()[chosen][..., None] * noise.normal(n, self.size)
        return (self.y_mean + self.y_scale * y).view(len(y), n, *self.y_shape)

    def _scale(self) -> Tensor:
        """s_k, (K,)."""
        return self.log_scale.exp() + self.config.smallest
