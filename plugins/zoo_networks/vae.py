"""The terms of the bound of a conditional VAE with one Gaussian code (Sohn et al. 2015)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from zoo import Model, Noise, RequestError

DRAWS, ITEMS = 8, 128
Terms = Callable[[Tensor, Tensor, Sequence[Tensor]], tuple[Tensor, Tensor]]
"""From x, y and standard normal numbers, each (B, codes), one for each draw of z from q(z | x, y), to the mean over these
draws of the squared error of y, summed over its numbers, and to KL(q(z | x, y) || N(0, I)) in nats; each (B,)."""


@torch.no_grad()
def bound_terms(model: Model, terms: Terms, y: Tensor, x: Tensor, codes: int, seed: int) -> tuple[Tensor, Tensor]:
    """``terms`` over a few draws of z that follow from ``seed``, each (B,), in chunks of bounded memory.

    Raises:
        RequestError: the model is the inference half of a checkpoint.
    """
    if model.inference_only:
        raise RequestError("this checkpoint holds only what sampling needs; a density needs the whole model")
    squared, kl = torch.zeros(2, len(y), device=y.device)
    for i in range(0, len(y), ITEMS):
        part = slice(i, i + ITEMS)
        noise = Noise(torch.cat([x[part].flatten(1), y[part].flatten(1)], 1), seed).normal(DRAWS, codes)
        squared[part], kl[part] = terms(x[part], y[part], noise.unbind(1))
    return squared, kl
