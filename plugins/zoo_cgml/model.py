"""cGML: latent codes are optimised for each training pair, and a network learns how they move, to move them when y is unknown.

Source: "Conditional Generative Modeling via Learning the Latent Space" (cGML): algorithm 1, eq. 1 to 4, 24; Figure 2; appendix
2.4, 3.1; sections 4 and 5.1 for the L1 baseline. H and G are those of :mod:`zoo_networks.regression`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import Batch, Noise, Penalty, Step, Turns
from zoo_cgml.config import CGMLConfig, L1Config
from zoo_networks.dcgan import Linear, Perceptron
from zoo_networks.regression import ONE_ANSWER, G, H, Regression, is_vector
from zoo_networks.unet import as_sampled, untouched_statistics

LATENT = {32: 10, 64: 16, 128: 32, 256: 64}
"""Length of z by the side of the fields (3.1)."""


class CGML(Regression):
    """y = G(H(x), z) with z on the unit sphere; a sample is where the predictor Z carries a random z (eq. 4).

    x and y are fields (C, s, s) and (D, s, s) of one side s, a power of two from 8 to 256, or vectors (C,) and (D,). See
    :class:`zoo.Model` for what the methods take and give.

    Raises:
        RequestError: the shapes are others.
    """

    owner: ClassVar[str] = "cGML"
    cites: ClassVar[tuple[str, ...]] = ("ramasinghe2021cgml",)
    Config: ClassVar[type] = CGMLConfig
    check_settings: ClassVar[Mapping[str, Any]] = {"width": 8, "predictor_width": 16, "latent_steps": 4, "inference_steps": 6}
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "learning_rate": (1e-3, 3e-4, 3e-3),
        "lipschitz": (0.1, 0.0, 1.0),
        "latent_rate": (None, 0.5, 5.0),
        "inference_steps": (20, 10, 40),
        "momentum": (1.0, 0.5),
    }
    config: CGMLConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        c = self.config
        vector = is_vector(self.y_shape)
        self.latent = c.latent or (3 if vector else LATENT.get(self.y_shape[-1], 10))
        self.latent_rate = c.latent_rate or (0.2 if vector else 2.0)
        reach = 1.0 if vector else math.sqrt(self.h.bottleneck[0])
        self.g = G(self.h, self.latent, self.y_shape, c.width, reach)
        self.z = Z(self.h, self.latent, c.rho, c.predictor_width)

    # Training

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW on the predictor, and on encoder and generator."""
        adam = partial(torch.optim.AdamW, lr=self.config.learning_rate, weight_decay=self.config.weight_decay)
        return {"predictor": adam(self.z.parameters()), "generator": adam([*self.h.parameters(), *self.g.parameters()])}

    def turns(self, batch: Batch, step: Step) -> Turns:
        """As often as z moves the predictor learns from it; then encoder and generator have one turn (algorithm 1)."""
        x, y = self.inner_x(batch.x), self.true_y(batch.y)
        z = F.normalize(torch.randn(len(x), self.latent, generator=step.generator), dim=1).to(x.device)
        with torch.no_grad(), untouched_statistics(self.h):
            fixed = self.h(x)
            projected = self.g.project_skips(fixed)  # nothing of H or G is learned while z moves
        with torch.no_grad(), as_sampled(self.h):
            seen = self.h(x)  # the predictor is to know h as it will be when it is asked, whatever the batch
        for _ in range(self.config.latent_steps):
            moved = self._moved(z, fixed, projected, y, batch.penalty)
            yield "predictor", self._predictor_losses(z, moved, seen[-1], step)
            z = moved
        h = self.h(x)
        field = self.inner_y(h, z)
        cost = total = self.cost(field, y, batch.penalty).mean()
        if self.config.lipschitz:
            bottleneck = h[-1] + self._noise(h[-1], step)
            with untouched_statistics(self.g):
                other = self.inner_y([*h[:-1], bottleneck], z + self._noise(z, step))
            total = total + self.config.lipschitz * (other - field).abs().mean()
        yield "generator", {"total": total, "cost": cost}

    def _predictor_losses(self, z: Tensor, moved: Tensor, h: Tensor, step: Step) -> dict[str, Tensor]:
        """The regression of (z_{t+1}, rho), and its Lipschitz penalty, whose noise is on z and on h (appendix 2.4)."""
        c = self.config
        far = torch.abs if c.regression == "l1" else torch.square
        towards, rho = self.z(z, self.z.condition([h]))
        error = far(towards - moved).mean()
        total = error
        if rho is not None:
            total = total + far(rho - c.momentum * (moved - z).norm(dim=1, keepdim=True)).mean()
        if c.lipschitz:
            shaken = z + self._noise(z, step)
            other, other_rho = self.z(shaken, self.z.condition([h + self._noise(h, step)]))
            total = total + c.lipschitz * (other - towards).abs().mean()
            if rho is not None and other_rho is not None:
                total = total + c.lipschitz * (other_rho - rho).abs().mean()
        return {"total": total, "towards": error}

    def _moved(
        self, z: Tensor, h: list[Tensor], projected: list[Tensor] | None, y: Tensor, penalty: Penalty | None = None
    ) -> Tensor:
        """z after a step along the gradient of its own pair's cost, back on the sphere; ``projected`` is what G makes of h."""
        with torch.enable_grad(), untouched_statistics(self.g):
            free = z.detach().requires_grad_()
            cost = self.cost(self.inner_y(h, free, projected=projected), y, penalty)
            (gradient,) = torch.autograd.grad(cost.sum(), free)
        return F.normalize(z - self.latent_rate * gradient, dim=1).detach()

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
        x = self._check_x(x)
        noise, code = Noise(x, seed), self.encode(x.to(self.device))
        z = self.travel(code, 1, F.normalize(noise.normal(1, self.latent).flatten(0, 1).to(self.device), dim=1))[-1]
        shaken = z[:, None] + delta * (2 * noise.uniform(draws, self.latent).to(self.device) - 1)
        return self.generate(code, draws, shaken.flatten(0, 1)).unflatten(0, (-1, draws)).std(1)


class Z(nn.Module):
    """(z, h) -> where z is expected next (B, latent), and the expected momentum rho (B, 1), at least 0.

    Beside a field's h, of which there are many more numbers, z is scaled so that it weighs as much.
    """

    def __init__(self, h: H, latent: int, rho: bool, width: int) -> None:
        super().__init__()
        self.latent, self.rho = latent, int(rho)
        size = math.prod(h.bottleneck)
        vector = len(h.bottleneck) == 1
        self.look = nn.Identity() if vector else nn.Sequential(nn.Flatten(), Linear(size, width))
        seen = size if vector else width
        self.net = Perceptron(latent + seen, latent + rho, width)
        self.reach = 1.0 if vector else math.sqrt(seen)

    def condition(self, features: Sequence[Tensor]) -> Tensor:
        """The predictor's view of h, (B, D): the same for every step of z."""
        return self.look(features[-1])

    def forward(self, z: Tensor, condition: Tensor) -> tuple[Tensor, Tensor | None]:
        towards, rho = self.net(torch.cat([z * self.reach, condition], 1)).split([self.latent, self.rho], 1)
        return towards, F.softplus(rho) if self.rho else None


class L1(Regression):
    """y = G(H(x)), the median answer; all samples of one x are the same. See :class:`zoo.Model`.

    Raises:
        RequestError: the shapes are neither two fields of one side, nor two vectors, nor a vector and a field.
    """

    owner: ClassVar[str] = "cGML"
    cites: ClassVar[tuple[str, ...]] = ("ramasinghe2021cgml",)
    Config: ClassVar[type] = L1Config
    check_settings: ClassVar[Mapping[str, Any]] = {"width": 8}
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {"learning_rate": (1e-3, 3e-4, 3e-3), "width": (32, 16, 64)}
    expected_failures: ClassVar[Mapping[str, str]] = ONE_ANSWER
    config: L1Config

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.g = G(self.h, 0, self.y_shape, self.config.width)

    def losses(self, batch: Batch, step: Step) -> dict[str, Tensor]:
        """The absolute error in deviations of y, and the task's penalty."""
        field = self.inner_y(self.h(self.inner_x(batch.x)))
        return {"total": self.cost(field, self.true_y(batch.y), batch.penalty).mean()}
