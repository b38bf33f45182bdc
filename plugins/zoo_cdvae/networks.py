"""The ladder DVAE, with several layers of Gaussian latent variables, and the ties of two of them at their top codes.

Source: paper 2 (embedding guidance), appendix 8.2, equations 8 to 24; section 3.1, equation 4, and Table 1 for layer sizes and
the MDN; paper 1, equations 3 to 6, for the Gaussian tie.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import Noise
from zoo_networks.gaussian import LOG_2PI, Gaussian

More = Callable[[Tensor], Tensor]
"""What is added to a mean (B, D), from what the layers before it made of a code, (B, width)."""


class Constant(nn.Module):
    """A mean that is the same for all codes, where what depends on them is added by others."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, hidden: Tensor) -> Tensor:
        return self.bias.expand(len(hidden), -1)


class GaussianLayer(nn.Module):
    """Two leaky-rectified layers, then a mean and a softplus variance above ``floor``, or a ``fixed`` one (Table 1).

    A mean that is not its ``own`` is constant.
    """

    def __init__(
        self, inputs: int, width: int, outputs: int, floor: float = 1e-4, fixed: float | None = None, own: bool = True
    ) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, width), nn.Linear(width, width)
        self.mean = nn.Linear(width, outputs) if own else Constant(outputs)
        self.variance = nn.Linear(width, outputs) if fixed is None else None
        self.floor, self.fixed = floor, fixed

    def hidden(self, value: Tensor) -> Tensor:
        return F.leaky_relu(self.second(F.leaky_relu(self.first(value))))

    def forward(self, value: Tensor, more: More | None = None) -> Gaussian:
        hidden = self.hidden(value)
        mean = self.mean(hidden) if more is None else self.mean(hidden) + more(hidden)
        if self.variance is None:
            return Gaussian(mean, torch.full_like(mean, self.fixed or self.floor))
        return Gaussian(mean, F.softplus(self.variance(hidden)) + self.floor)


class Encoder(nn.Module):
    """The upward pass from a flattened field, (B, size): the approximate distribution of all layers of codes, lowest first."""

    def __init__(self, size: int, codes: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        sizes = zip((size, *codes[:-1]), widths, codes, strict=True)
        self.layers = nn.ModuleList(GaussianLayer(*each) for each in sizes)

    def forward(self, value: Tensor) -> list[Gaussian]:
        """mu-hat and sigma-hat squared of each layer; nothing is drawn on the way up."""
        upward: list[Gaussian] = []
        for layer in self.layers:
            upward.append(layer(upward[-1].mean if upward else value))
        return upward


class Decoder(nn.Module):
    """The downward pass, from the top code to the field; eq. 9 to 12."""

    def __init__(
        self, size: int, codes: Sequence[int], widths: Sequence[int], output_variance: float | None, own: bool = True
    ) -> None:
        super().__init__()
        downwards = reversed(range(len(codes) - 1))
        self.layers = nn.ModuleList(GaussianLayer(codes[i + 1], widths[i + 1], codes[i]) for i in downwards)
        self.output = GaussianLayer(codes[0], widths[0], size, floor=1e-3, fixed=output_variance, own=own)

    def mean(self, top: Tensor, noise: Sequence[Tensor], more: More | None = None) -> Tensor:
        """The mean of the field given the top code, (B, D); ``noise`` standard normal for the lower layers, downwards.

        The variance of the pixels would cost as much again, and no sample needs it.
        """
        code = top
        for layer, eps in zip(self.layers, noise, strict=True):
            code = layer(code).sample(eps)
        hidden = self.output.hidden(code)
        return self.output.mean(hidden) if more is None else self.output.mean(hidden) + more(hidden)


@dataclass(frozen=True)
class Posterior:
    """Draws of all codes, lowest first; the upward means, to be guided; q(z_L | x); the KL below it, (B,); and p(x | z_1)."""

    codes: list[Tensor]
    guided: list[Tensor]
    top: Gaussian
    kl_below: Tensor
    field: Gaussian


def infer(
    encoder: Encoder, decoder: Decoder, value: Tensor, normal: Callable[[Tensor], Tensor], more: More | None = None
) -> Posterior:
    """One stochastic downward pass over the upward one; eq. 21 to 24.

    At each layer below the top the upward estimate and the decoder's own prediction are combined by precision (eq. 22, which
    gives a variance, though printed as sigma, and 23).
    ``normal`` gives standard normal numbers of the shape of its argument; ``more`` is added to the mean of the field.
    """
    upward = encoder(value)
    top = upward[-1]
    code = top.sample(normal(top.mean))
    codes, kl = [code], value.new_zeros(len(value))
    for layer, estimate in zip(decoder.layers, reversed(upward[:-1]), strict=True):
        prior = layer(code)
        posterior = estimate.combined(prior)
        code = posterior.sample(normal(posterior.mean))
        kl = kl + posterior.kl(prior)
        codes.insert(0, code)
    return Posterior(codes, [g.mean for g in upward], top, kl, decoder.output(code, more))


class MDN(nn.Module):
    """p(z_g | z_c) = sum_k pi_k(z_c) N(z_g; mu_k(z_c), sigma^2 I), with a fixed sigma; p(z_c) is standard normal.

    Two fully connected layers of (size + 1) * components units, tanh after the first; the second gives, for each component,
    a mean and a logit; ``bounded`` puts tanh after it too, as Table 1 prints it, so that both lie within (-1, 1).
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

    def log_prob(self, value: Tensor, code: Tensor, temperature: float = 1.0) -> Tensor:
        """log p(value | code) in nats, (B,), as :meth:`draw` draws at this temperature; at 1 minus eq. 4."""
        log_weight, mean = self(code)
        sigma = temperature * self.sigma
        squared = (value[:, None] - mean).square().sum(-1) / sigma**2
        return torch.logsumexp(log_weight - 0.5 * squared - self.size * (math.log(sigma) + 0.5 * LOG_2PI), dim=-1)

    def cost(self, value: Tensor, code: Tensor) -> Tensor:
        """The tie's term of the loss, (B,); eq. 4."""
        return -self.log_prob(value, code)

    def draw(self, code: Tensor, n: int, noise: Noise, temperature: float) -> Tensor:
        """n z_g for each item, (B, n, size), of as many z_c, or of one: ``code`` (B, n or 1, size)."""
        items, many, size = code.shape
        log_weight, centre = (part.unflatten(0, (items, many)) for part in self(code.flatten(0, 1)))
        pick = noise.categorical(log_weight.exp().expand(-1, n, -1))
        item, each = torch.arange(items, device=pick.device)[:, None], torch.arange(n, device=pick.device) % many
        return centre[item, each, pick] + temperature * self.sigma * noise.normal(n, size)


class GaussianTie(nn.Module):
    """log p(z_c, z_g) = -|z_c|^2 / 2 - |z_g|^2 / 2 - |z_g^t - z_c^t|^2 / (2 sigma^2) + a constant (paper 1, eq. 3).

    ``t`` are the tied components, the first of each code. This is a joint normal distribution, of which
    p(z_g^t | z_c^t) = N(z_c^t / (1 + sigma^2), sigma^2 / (1 + sigma^2)), the variance of z_c^t is
    (1 + sigma^2) / (2 + sigma^2), and the untied components are standard normal. The paper draws z_g^t from
    N(z_c^t, sigma^2), which is the limit of this for small sigma.
    """

    def __init__(self, size: int, tied: float, sigma: float) -> None:
        super().__init__()
        self.sigma, self.tied = sigma, max(1, round(tied * size))
        among, ones, square = torch.arange(size) < self.tied, torch.ones(size), sigma**2
        self.shrink = nn.Buffer(torch.where(among, ones / (1 + square), 0 * ones), persistent=False)
        self.variance = nn.Buffer(torch.where(among, ones * square / (1 + square), ones), persistent=False)
        self.prior_variance = nn.Buffer(torch.where(among, ones * (1 + square) / (2 + square), ones), persistent=False)

    def log_prob(self, value: Tensor, code: Tensor, temperature: float = 1.0) -> Tensor:
        """log p(value | code) in nats, (B,), as :meth:`draw` draws at this temperature."""
        variance = temperature**2 * self.variance
        squared = (value - self.shrink * code).square() / variance
        return -0.5 * (squared + variance.log() + LOG_2PI).sum(-1)

    def cost(self, value: Tensor, code: Tensor) -> Tensor:
        """The tie's term of the loss, (B,); the last of paper 1's eq. 4."""
        return (value - code)[:, : self.tied].square().sum(-1) / (2 * self.sigma**2)

    def draw(self, code: Tensor, n: int, noise: Noise, temperature: float) -> Tensor:
        """n z_g for each item, (B, n, size), of as many z_c, or of one: ``code`` (B, n or 1, size)."""
        return self.shrink * code + temperature * self.variance.sqrt() * noise.normal(n, code.shape[2])
