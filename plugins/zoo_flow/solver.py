"""The ordinary differential equation of a rectified flow: from noise to data, and the density that it carries along.

Sources: rectified flow (Liu et al. 2023) and flow matching (Lipman et al. 2023) for y_t = (1 - t) noise + t y, whose velocity
is y - noise; EDM (Karras et al. 2022, section 3) for Heun's method and for scaling what a network sees and says to variance 1;
FFJORD (Grathwohl et al. 2019) for the density by the divergence, and Hutchinson's estimate of it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor

ITEMS = 512
"""Of the training fields, at most, that the spectrum of y is taken of."""

Velocity = Callable[[Tensor, Tensor], Tensor]
"""Of points (R, ...) at a time (): their velocity (R, ...)."""


def scales(t: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The divisor of y_t (R, ...) that gives it variance 1, and the share of it in its velocity, for y of variance 1.

    With s^2 = t^2 + (1 - t)^2, the velocity given y_t alone has mean (2t - 1) / s^2 y_t and deviation 1 / s.
    """
    t = t.view(-1, *[1] * (y.ndim - 1))
    square = t * t + (1 - t) * (1 - t)
    return square.sqrt(), (2 * t - 1) / square


def times(steps: int, shift: float, until: float, device: torch.device) -> Tensor:
    """``steps`` + 1 times from 0 to ``until``, closer to 0 where ``shift`` is above 1 (Esser et al. 2024, eq. 23)."""
    even = torch.linspace(0, 1, steps + 1, device=device, dtype=torch.float64)
    return (until * even / (shift + (1 - shift) * even)).float()


def decided_at(y: Tensor) -> float:
    """The logit of the time at which a flow decides what y (N, ...), in deviations from its mean, is to be.

    A principal component of variance v is as loud as the noise at the t where t^2 v = (1 - t)^2: logit t = -ln(v) / 2. This is
    the mean over the components, by variance: the more of y many places have in common, the earlier. It is 0 where each number
    is on its own, and for what does not vary.
    """
    points = y[:: math.ceil(len(y) / ITEMS)].flatten(1)
    points = points - points.mean(0)
    wide = points.shape[1] > len(points)
    variance = torch.linalg.eigvalsh((points @ points.T if wide else points.T @ points).double() / len(points))
    variance = variance[variance > 1e-6 * variance.sum().clamp_min(1e-9)]
    return float((variance * -0.5 * variance.log()).sum() / variance.sum()) if len(variance) else 0.0


def solve(velocity: Velocity, start: Tensor, steps: int, shift: float, detail: float) -> Tensor:
    """From noise (R, ...) to samples by Heun's method up to the time ``detail``, and from there in one step of Euler's.

    That step leads to the mean of y given y_t. At ``detail`` = 1 the last of Heun's is one of Euler's instead.
    """
    t, y = times(steps, shift, detail, start.device), start
    for here, there in itertools.pairwise(t):
        slope = velocity(y, here)
        ahead = y + (there - here) * slope
        y = ahead if there == 1 else y + (there - here) / 2 * (slope + velocity(ahead, there))
    return y if detail == 1 else y + (1 - t[-1]) * velocity(y, t[-1])


def log_density(velocity: Velocity, y: Tensor, probes: Tensor, steps: int, temperature: float = 1.0) -> Tensor:
    """log density in nats, (B,), of y (B, ...), carried to noise by Heun's method; ``velocity`` takes B * P points.

    ``probes`` (B, P, ...) are the P vectors e of each y with which the divergence is the mean of e . J e over them: random
    signs, or, of all numbers of y, each alone times the root of their number, with which it is exact. Noise has
    the deviation ``temperature``.
    """
    change = torch.zeros(len(y), device=y.device, dtype=torch.float64)
    t = times(steps, 1.0, 1.0, y.device).flip(0)
    for here, there in itertools.pairwise(t):
        slope, divergence = _divergence(velocity, y, here, probes)
        ahead, more = _divergence(velocity, y + (there - here) * slope, there, probes)
        y = y + (there - here) / 2 * (slope + ahead)
        change += ((here - there) / 2 * (divergence + more)).double()
    flat = y.flatten(1).double()
    standard = -0.5 * ((flat / temperature).square().sum(1) + flat.shape[1] * math.log(2 * math.pi * temperature**2))
    return (standard - change).float()


def _divergence(velocity: Velocity, y: Tensor, t: Tensor, probes: Tensor) -> tuple[Tensor, Tensor]:
    """The velocity of y (B, ...) and its divergence (B,)."""
    many = probes.shape[1]
    with torch.enable_grad():
        point = y.detach().repeat_interleave(many, 0).requires_grad_()
        slope = velocity(point, t)
        (pulled,) = torch.autograd.grad(slope, point, probes.flatten(0, 1))
    each = (pulled.view_as(probes) * probes).flatten(2).sum(2)
    return slope.detach().view(len(y), many, *y.shape[1:])[:, 0], each.mean(1)
