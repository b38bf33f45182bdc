"""cGML: latent codes are optimised for each training pair, and a network learns how they move, to move them when y is unknown.

Source: "Conditional Generative Modeling via Learning the Latent Space" (cGML): algorithm 1, eq. 1 to 4, 24; appendix 2.4, 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo import Batch, Noise, Penalty, Step, Turns
from zoo_cgml.base import Regression
from zoo_cgml.config import CGMLConfig
from zoo_cgml.nets import LATENT, G, Z, is_vector
from zoo_networks.unet import untouched_statistics


class _Latents(NamedTuple):
    """z of one training step: where it is now, and what it is moved with: h, and what G makes of h alone."""

    z: Tensor
    features: list[Tensor]
    looked: list[Tensor] | None


class CGML(Regression):
    """y = G(H(x), z) with z on the unit sphere; a sample is where the predictor Z carries a random z (eq. 4).

    x and y are fields (C, s, s) and (D, s, s) of one side s, a power of two from 8 to 256, or vectors (C,) and (D,). See
    :class:`zoo.Model` for what the methods take and give.

    Raises:
        RequestError: the shapes are others.
    """

    Config: ClassVar[type] = CGMLConfig
    check_settings: ClassVar[Mapping[str, Any]] = {"width": 8, "predictor_width": 16, "latent_steps": 4, "inference_steps": 6}
    config: CGMLConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        c = self.config
        self.latent = c.latent or (3 if is_vector(self.y_shape) else LATENT.get(self.y_shape[-1], 10))
        self.latent_rate = c.latent_rate or (0.2 if is_vector(self.y_shape) else 2.0)
        reach = 1.0 if is_vector(self.y_shape) else math.sqrt(self.h.bottleneck[0])
        self.g = G(self.h, self.latent, self.y_shape, c.width, reach)
        self.z = Z(self.h, self.latent, c.rho, c.predictor_width)

    # Training

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam on the predictor, and Adam on encoder and generator."""
        rate = self.config.learning_rate
        of_y = [*self.h.parameters(), *self.g.parameters()]
        return {"predictor": torch.optim.Adam(self.z.parameters(), lr=rate), "generator": torch.optim.Adam(of_y, lr=rate)}

    def turns(self, batch: Batch, step: Step) -> Turns:
        """As often as z moves the predictor learns from it; then encoder and generator have one turn (algorithm 1)."""
        x, y = self.inner_x(batch.x), self.true_y(batch.y)
        at = _Latents(self._start(len(x), step), *self._frozen(x))
        for _ in range(self.config.latent_steps):
            moved = self._move(at, y, batch.penalty)
            yield "predictor", self._predictor_losses(at.z, moved, at.features, step)
            at = at._replace(z=moved)
        made = self.inner_y(features := self.h(x), at.z)
        cost = total = self.cost(made, y, batch.penalty).mean()
        if self.config.lipschitz:
            bottleneck = features[-1] + self._noise(features[-1], step)
            with untouched_statistics(self.g):
                other = self.inner_y([*features[:-1], bottleneck], at.z + self._noise(at.z, step))
            total = total + self.config.lipschitz * (other - made).abs().mean()
        yield "generator", {"total": total, "cost": cost}

    def _predictor_losses(self, z: Tensor, moved: Tensor, features: list[Tensor], step: Step) -> dict[str, Tensor]:
        """The regression of (z_{t+1}, rho), and its Lipschitz penalty."""
        c = self.config
        far = torch.abs if c.regression == "l1" else torch.square
        condition = self.z.condition(features)
        towards, rho = self.z(z, condition)
        error = far(towards - moved).mean()
        total = error
        if rho is not None:
            total = total + far(rho - c.momentum * (moved - z).norm(dim=1, keepdim=True)).mean()
        if c.lipschitz:
            other, other_rho = self.z(z + self._noise(z, step), condition + self._noise(condition, step))
            total = total + c.lipschitz * (other - towards).abs().mean()
            if rho is not None and other_rho is not None:
                total = total + c.lipschitz * (other_rho - rho).abs().mean()
        return {"total": total, "towards": error}

    def _frozen(self, x: Tensor) -> tuple[list[Tensor], list[Tensor] | None]:
        """h and what G makes of it alone, with nothing learned: they stay the same through all moves of one step."""
        with torch.no_grad(), untouched_statistics(self.h):
            features = self.h(x)
            return features, self.g.look(features)

    def _move(self, at: _Latents, y: Tensor, penalty: Penalty | None = None) -> Tensor:
        """One update of z along the gradient of its own pair's cost, back onto the sphere."""
        with torch.enable_grad(), untouched_statistics(self.g):
            free = at.z.detach().requires_grad_()
            cost = self.cost(self.inner_y(at.features, free, looked=at.looked), y, penalty)
            (gradient,) = torch.autograd.grad(cost.sum(), free)
        return F.normalize(at.z - self.latent_rate * gradient, dim=1).detach()

    def _start(self, items: int, step: Step) -> Tensor:
        """Uniform on the sphere."""
        return F.normalize(torch.randn(items, self.latent, generator=step.generator), dim=1).to(self.mean_y.device)

    def _noise(self, like: Tensor, step: Step) -> Tensor:
        return self.config.noise * torch.randn(like.shape, generator=step.generator).to(like)

    # Sampling

    def draw(self, code: list[Tensor], n: int, noise: Noise) -> Tensor:
        """Random z, carried by the predictor for the set number of steps, and what the generator makes of each."""
        z = F.normalize(noise.normal(n, self.latent), dim=2).flatten(0, 1)
        return self.generate(code, n, self.travel(code, n, z)[-1]).unflatten(0, (-1, n))

    def travel(self, code: list[Tensor], n: int, z: Tensor, steps: int | None = None) -> list[Tensor]:
        """The way of z (B * n, latent) through the predicted steps (eq. 4), from its start on: steps + 1 tensors."""
        condition = self.z.condition(code).repeat_interleave(n, 0)
        way = [z]
        for _ in range(self.config.inference_steps if steps is None else steps):
            towards, rho = self.z(z, condition)
            if rho is not None:
                towards = z + rho * F.normalize(towards - z, dim=1, eps=1e-6)
            z = F.normalize(towards, dim=1, eps=1e-6)
            way.append(z)
        return way

    @torch.no_grad()
    def uncertainty(self, x: Tensor, *, draws: int = 20, delta: float = 0.1, seed: int = 0) -> Tensor:
        """The deviation of each value of y when z is shaken near where it came to rest (appendix 2.5, eq. 24).

        Args:
            x: (B, *x_shape).
            draws: shaken copies of z.
            delta: the largest change of each number of z.
            seed: any integer.

        Returns:
            (B, *y_shape), at least 0, in the units of y.
        """
        self._check_x(x)
        noise, code = Noise(x, seed), self.encode(x.float().to(self.device))
        z = self.travel(code, 1, F.normalize(noise.normal(1, self.latent).flatten(0, 1).to(self.device), dim=1))[-1]
        shaken = z[:, None] + delta * (2 * noise.uniform(draws, self.latent).to(self.device) - 1)
        return self.generate(code, draws, shaken.flatten(0, 1)).unflatten(0, (-1, draws)).std(1)
