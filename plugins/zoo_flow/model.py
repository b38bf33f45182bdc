"""Flow: a rectified flow that carries noise to y given x, whose network of x is called once for all samples of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from zoo import Batch, Noise, Pairs, Step, size_of
from zoo_flow.base import Drawn
from zoo_flow.config import FlowConfig
from zoo_flow.network import Code, FieldNet, VectorNet, rows_of
from zoo_flow.solver import decided_at, log_density, scales, solve

EXACT, PROBES, DENSITY_STEPS = 16, 2, 16
"""Numbers of y up to which a divergence is exact, random signs for its estimate else, and steps of the density's solver."""
LATER, WIDER = 1.35, 1.25
"""The mean of the logits of the times, above where noise is as loud as y, since x tells a part of it and what is fine comes
later, and their deviation."""


class Flow(Drawn):
    """p(y | x) as the law of what an ordinary differential equation makes of standard normal noise (Liu et al. 2023).

    x is (C, s, s) or a vector (K,), and y (D, s, s), s a multiple of 8 from 8 to 256; or y is a vector (D,), and x anything. A
    network says the velocity of y_t = (1 - t) noise + t y at a time t; it is trained to give y - noise for pairs and noises
    that are drawn independently. A sample is clipped to the range of the training fields. See :class:`zoo.Model` for what the
    methods take and give.

    Raises:
        RequestError: the shapes are others.
    """

    cites: ClassVar[tuple[str, ...]] = ("liu2023flow", "lipman2023matching")
    Config: ClassVar[type] = FlowConfig
    check_settings: ClassVar[Mapping[str, Any]] = {
        "widths": (16, 16),
        "embedding": 32,
        "solver_steps": 3,
        "learning_rate": 1e-2,
        "ema": 0.95,
    }
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "learning_rate": (2e-3, 1e-3, 4e-3),
        "time_mean": (None, -1.0, -2.5),
        "detail": (1.0, 0.9, 0.8),
        "temperature": (1.0, 0.9, 0.8),
        "batch_size": (64, 32),
    }
    config: FlowConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        sizes = self.build("a flow", FieldNet.PARTS)
        self.net: nn.Module = (FieldNet if len(sizes) > 1 else VectorNet)(self.y_shape[0], *sizes)

    # Training

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Units, and the mean and the deviation of the logits of the times."""
        super().prepare(pairs, seed)
        mean, deviation = self.config.time_mean, self.config.time_deviation
        self.times = (
            LATER + decided_at(self.units(pairs.y)) if mean is None else mean,
            deviation or (WIDER if mean is None else 1.0),
        )

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """The mean squared error of the velocity, in deviations of y (``"total"``).

        The logits of the times are normal, and the times of a batch are spread over its strata.
        """
        many, settings = len(batch.y) * self.config.draws, self.config
        item = torch.arange(len(batch.y), device=batch.y.device).repeat_interleave(settings.draws)
        stratum = torch.randperm(many, generator=step.generator) + torch.rand(many, generator=step.generator)
        mean, deviation = self.times
        t = torch.sigmoid(mean + deviation * torch.special.ndtri(stratum / many)).to(batch.y.device)
        noise = torch.randn(many, *self.y_shape, generator=step.generator).to(batch.y.device)
        y, code = self.units(batch.y), self.encode(batch.x)
        if settings.draws > 1:
            y, code = y[item], rows_of(code, item)
        at = t.view(-1, *[1] * (y.ndim - 1))
        velocity = self._velocity(code, (1 - at) * noise + at * y, t)
        return {"total": (velocity - (y - noise)).square().mean()}

    # Sampling

    def make(self, code: Code, noise: Tensor) -> Tensor:
        """Noise times the temperature, carried to y in ``solver_steps`` steps."""
        settings = self.config
        return solve(self._along(code), settings.temperature * noise, self.solver_steps, self.shift, settings.detail)

    @property
    def solver_steps(self) -> int:
        """Steps from noise to a sample."""
        return self.config.solver_steps or (8 if len(self.y_shape) > 1 else 12)

    @property
    def shift(self) -> float:
        """Of the solver's times."""
        return self.config.shift or (8.0 if len(self.y_shape) > 1 else 1.0)

    def noise_shape(self) -> tuple[int, ...]:
        return self.y_shape

    # Density

    @torch.no_grad()
    def log_prob(self, y: Tensor, x: Tensor, *, seed: int = 0) -> Tensor:
        """log p(y | x) in nats, (B,), at the temperature of the samples, of full draws (``detail`` = 1), before clipping.

        It is by the divergence of the velocity along the way from y to noise, and exact, but for the solver's steps, where y
        has up to 16 numbers; else the divergence is estimated with random signs that follow from ``seed``.
        """
        y, size, settings = y.float(), size_of(self.y_shape), self.config
        density = torch.empty(len(y), device=y.device)
        many = size if size <= EXACT else PROBES
        rows = max(1, self.rows() // many)
        for i in range(0, len(y), rows):
            part = slice(i, i + rows)
            if size <= EXACT:
                probes = math.sqrt(size) * torch.eye(size, device=y.device).expand(len(y[part]), -1, -1)
            else:
                drawn = Noise(torch.cat([x[part].flatten(1), y[part].flatten(1)], 1), seed).uniform(many, size)
                probes = torch.where(drawn < 0.5, -1.0, 1.0)
            code = self.encode(x[part])
            code = rows_of(code, torch.arange(len(code[0]), device=y.device).repeat_interleave(many))
            probes = probes.reshape(len(y[part]), many, *self.y_shape)
            density[part] = log_density(self._along(code), self.units(y[part]), probes, DENSITY_STEPS, settings.temperature)
        return density - size * self.scale_y.log()

    # Both

    def _velocity(self, code: Code, y: Tensor, t: Tensor) -> Tensor:
        """Of y_t (R, ...) in deviations at the times t (R,)."""
        scale, linear = scales(t, y)
        return linear * y + self.net(y / scale, t, code).float() / scale

    def _along(self, code: Code) -> Any:
        return lambda y, t: self._velocity(code, y, t.expand(len(y)))
