"""The mixture density network that ties z_g to z_c.

Source: paper 2, section 3.1 equation 4 and Table 1 (MDNx); paper 1, equation 6.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zoo_cdvae.ladder import LOG_2PI


class MDN(nn.Module):
    """p(z_g | z_c) = sum_k pi_k(z_c) N(z_g; mu_k(z_c), sigma^2 I), with a fixed sigma.

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
