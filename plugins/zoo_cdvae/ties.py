"""The ties of the top code z_g of the generated field to the top code z_c of the conditioning one.

Source: paper 2, section 3.1 equation 4 and Table 1 (MDNx); paper 1, equations 3 to 6.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zoo import Noise
from zoo_networks.gaussian import LOG_2PI


class MDN(nn.Module):
    """p(z_g | z_c) = sum_k pi_k(z_c) N(z_g; mu_k(z_c), sigma^2 I), with a fixed sigma; p(z_c) is standard normal.

    Two fully connected layers of (size + 1) * components units, tanh after the first; the second gives, for each component,
    a mean and a logit.

    Args:
        size: length of z_c and z_g.
        components: K.
        sigma: standard deviation of every component in every direction.
        bounded: tanh after the second layer too, as Table 1 prints it, which keeps means and logits within (-1, 1).
    """

    def __init__(self, size: int, components: int, sigma: float, bounded: bool) -> None:
        super().__init__()
        hidden = (size + 1) * components
        self.first, self.second = nn.Linear(size, hidden), nn.Linear(hidden, hidden)
        self.size, self.components, self.sigma, self.bounded = size, components, sigma, bounded
        self.prior_variance = nn.Buffer(torch.ones(size), persistent=False)

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """``code`` (B, size) -> log weights (B, K) and means (B, K, size)."""
        out = self.second(torch.tanh(self.first(code)))
        if self.bounded:
            out = torch.tanh(out)
        out = out.unflatten(-1, (self.components, self.size + 1))
        return out[..., 0].log_softmax(-1), out[..., 1:]

    def log_prob(self, value: Tensor, code: Tensor) -> Tensor:
        """log p(value | code) in nats, (B,); minus eq. 4."""
        log_weight, mean = self(code)
        squared = (value[:, None] - mean).square().sum(-1) / self.sigma**2
        return torch.logsumexp(log_weight - 0.5 * squared - self.size * (math.log(self.sigma) + 0.5 * LOG_2PI), dim=-1)

    def cost(self, value: Tensor, code: Tensor) -> Tensor:
        """The tie's term of the loss, (B,); eq. 4."""
        return -self.log_prob(value, code)

    def draw(self, code: Tensor, noise: Noise, temperature: float) -> Tensor:
        """One z_g for each of ``code`` (B, n, size), of the same shape."""
        items, n, size = code.shape
        log_weight, centre = self(code.flatten(0, 1))
        pick = noise.categorical(log_weight.exp().unflatten(0, (items, n))).flatten()
        chosen = centre[torch.arange(len(pick), device=pick.device), pick].view(items, n, size)
        return chosen + temperature * self.sigma * noise.normal(n, size)


class GaussianTie(nn.Module):
    """log p(z_c, z_g) = -|z_c|^2 / 2 - |z_g|^2 / 2 - |z_g^t - z_c^t|^2 / (2 sigma^2) + a constant (paper 1, eq. 3).

    ``t`` are the tied components, the first of each code. This is a joint normal distribution, of which
    p(z_g^t | z_c^t) = N(z_c^t / (1 + sigma^2), sigma^2 / (1 + sigma^2)), the variance of z_c^t is
    (1 + sigma^2) / (2 + sigma^2), and the untied components are standard normal. The paper draws z_g^t from
    N(z_c^t, sigma^2), which is the limit of this for small sigma.

    Args:
        size: length of z_c and z_g.
        tied: the share of components that is tied (paper 1: 80 %).
        sigma: sigma_t.
    """

    def __init__(self, size: int, tied: float, sigma: float) -> None:
        super().__init__()
        self.sigma, self.tied = sigma, max(1, round(tied * size))
        among, ones, square = torch.arange(size) < self.tied, torch.ones(size), sigma**2
        self.shrink = nn.Buffer(torch.where(among, ones / (1 + square), 0 * ones), persistent=False)
        self.variance = nn.Buffer(torch.where(among, ones * square / (1 + square), ones), persistent=False)
        self.prior_variance = nn.Buffer(torch.where(among, ones * (1 + square) / (2 + square), ones), persistent=False)

    def log_prob(self, value: Tensor, code: Tensor) -> Tensor:
        """log p(value | code) in nats, (B,)."""
        squared = (value - self.shrink * code).square() / self.variance
        return -0.5 * (squared + self.variance.log() + LOG_2PI).sum(-1)

    def cost(self, value: Tensor, code: Tensor) -> Tensor:
        """The tie's term of the loss, (B,); the last of paper 1's eq. 4."""
        return (value - code)[:, : self.tied].square().sum(-1) / (2 * self.sigma**2)

    def draw(self, code: Tensor, noise: Noise, temperature: float) -> Tensor:
        """One z_g for each of ``code`` (B, n, size), of the same shape."""
        return self.shrink * code + temperature * self.variance.sqrt() * noise.normal(code.shape[1], code.shape[2])
