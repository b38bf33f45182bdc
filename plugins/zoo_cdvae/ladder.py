"""The ladder DVAE: several layers of Gaussian latent variables, inferred upwards and downwards.

Source: paper 2 (embedding guidance), appendix 8.2, equations 8 to 24, and the layer sizes of its Table 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo_networks.gaussian import Gaussian


class GaussianLayer(nn.Module):
    """Two leaky-rectified layers, then a mean and a softplus variance: one block of rows of Table 1.

    Args:
        inputs, width, outputs: sizes.
        floor: the least variance, so that no density is unbounded.
        fixed: this variance everywhere, instead of one that is predicted.
    """

    def __init__(self, inputs: int, width: int, outputs: int, floor: float = 1e-4, fixed: float | None = None) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, width), nn.Linear(width, width)
        self.mean = nn.Linear(width, outputs)
        self.variance = nn.Linear(width, outputs) if fixed is None else None
        self.floor, self.fixed = floor, fixed

    def hidden(self, value: Tensor) -> Tensor:
        """The outputs of the two layers, from which mean and variance are computed, (B, width)."""
        return F.leaky_relu(self.second(F.leaky_relu(self.first(value))))

    def forward(self, value: Tensor) -> Gaussian:
        hidden = self.hidden(value)
        mean = self.mean(hidden)
        if self.variance is None:
            return Gaussian(mean, torch.full_like(mean, self.fixed or self.floor))
        return Gaussian(mean, F.softplus(self.variance(hidden)) + self.floor)


class Encoder(nn.Module):
    """The upward pass: the approximate distribution of every layer of codes, lowest first.

    Args:
        size: D of the flattened field.
        codes: sizes of the layers of codes, lowest first; (64, 32) in Table 1.
        widths: sizes of the hidden layers beside them; (512, 256) in Table 1.
    """

    def __init__(self, size: int, codes: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        sizes = zip((size, *codes[:-1]), widths, codes, strict=True)
        self.layers = nn.ModuleList(GaussianLayer(*each) for each in sizes)

    def forward(self, value: Tensor) -> list[Gaussian]:
        """``value`` (B, D) -> a Gaussian for each layer (mu-hat and sigma-hat squared); nothing is drawn on the way up."""
        upward: list[Gaussian] = []
        for layer in self.layers:
            upward.append(layer(upward[-1].mean if upward else value))
        return upward


class Decoder(nn.Module):
    """The downward pass, from the top code to the field; eq. 9 to 12.

    Args:
        size: D of the flattened field.
        codes, widths: as in :class:`Encoder`.
        output_variance: of the field given the lowest code; None to predict one for each pixel.
    """

    def __init__(self, size: int, codes: Sequence[int], widths: Sequence[int], output_variance: float | None) -> None:
        super().__init__()
        downwards = reversed(range(len(codes) - 1))
        self.layers = nn.ModuleList(GaussianLayer(codes[i + 1], widths[i + 1], codes[i]) for i in downwards)
        self.output = GaussianLayer(codes[0], widths[0], size, floor=1e-3, fixed=output_variance)

    def mean(self, top: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """The mean of the field given the top code, (B, D); ``noise`` standard normal for the lower layers, downwards.

        The variance of the pixels would cost as much again, and no sample needs it.
        """
        code = top
        for layer, eps in zip(self.layers, noise, strict=True):
            code = layer(code).sample(eps)
        return self.output.mean(self.output.hidden(code))


@dataclass(frozen=True)
class Posterior:
    """Inferred codes of a field: a draw of every layer, lowest first, with its share of the bound.

    Attributes:
        codes: the draws, each (B, codes[i]).
        guided: the means of the upward pass, which embedding guidance acts on.
        top: q(z_L | x).
        kl_below: sum of the KL terms below the top layer, (B,).
        field: p(x | z_1).
    """

    codes: list[Tensor]
    guided: list[Tensor]
    top: Gaussian
    kl_below: Tensor
    field: Gaussian


def infer(encoder: Encoder, decoder: Decoder, value: Tensor, normal: Callable[[Tensor], Tensor]) -> Posterior:
    """One stochastic downward pass over the upward one; eq. 21 to 24.

    At each layer below the top the upward estimate and the decoder's own prediction are combined by precision (eq. 22, which
    gives a variance, though printed as sigma, and 23).
    ``normal`` gives standard normal numbers of the shape of its argument.
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
    return Posterior(codes, [g.mean for g in upward], top, kl, decoder.output(code))
