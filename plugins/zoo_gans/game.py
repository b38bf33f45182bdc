"""What the adversarial models share: the two players' turns, and the scores' losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from zoo import Batch, RequestError, Step, Turns
from zoo_gans.nets import Discriminator
from zoo_networks.regression import G, Regression, is_vector, usable
from zoo_networks.unet import untouched_statistics


class Game(Regression):
    """y = G(H(x), ...), a field whose truth discriminators judge in turn with it.

    Encoder and generator are those of cGML and of its L1 baseline. Both players see fields y with their range over the
    training set as [-1, 1], and x in deviations. The discriminators' gradient at true fields is penalised (R1), and samples
    are drawn with an average of the weights, as is usual today; the papers have neither.

    A class says in :meth:`fakes` what it makes in a turn of the discriminators, and in :meth:`generator_losses` what the
    generator pays.

    Raises:
        RequestError: y is no field (C, s, s) of a side that is a power of two from 8 to 256, or x neither such a field of
            the same side nor a vector.
    """

    sees_x: ClassVar[bool] = True
    least_squares: ClassVar[bool] = False
    check_settings: ClassVar[Mapping[str, Any]] = {"width": 8, "discriminator_width": 8}
    training_only: ClassVar[tuple[str, ...]] = ("discriminators",)

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        if is_vector(tuple(y_shape)):
            raise RequestError(f"{self.owner} is for a y that is a field (C, s, s); not for {x_shape} -> {y_shape}")
        super().__init__(x_shape, y_shape, **config)

    def make_players(self, latent: int, halvings: int | None, discriminators: int = 1) -> None:
        """The generator, of codes of this length, and the discriminators."""
        c = self.config
        self.g = G(self.h, latent, self.y_shape, c.width)
        given = self.x_shape if self.sees_x else None
        judges = (Discriminator(given, self.y_shape, c.discriminator_width, halvings) for _ in range(discriminators))
        self.discriminators = nn.ModuleList(judges)

    # Training

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for each player, the discriminators' turn first, with the momentum of DCGAN and pix2pix."""
        rate = self.config.learning_rate
        theirs = list(self.discriminators.parameters())
        known = {id(p) for p in theirs}
        own = [p for p in self.parameters() if id(p) not in known]
        return {
            "discriminator": torch.optim.Adam(theirs, lr=self.config.discriminator_rate * rate, betas=(0.5, 0.999)),
            "generator": torch.optim.Adam(own, lr=rate, betas=(0.5, 0.999)),
        }

    def turns(self, batch: Batch, step: Step) -> Turns:
        """The discriminators', with how badly they tell true from made, and R1; then :meth:`generator_losses`."""
        x, y = self.inner_x(batch.x), self.spanned(batch.y)
        yield "discriminator", self.discriminator_losses(x, y, step)
        yield "generator", self.generator_losses(x, y, batch, step)

    def discriminator_losses(self, x: Tensor, y: Tensor, step: Step) -> dict[str, Tensor]:
        """Minus how well they tell true from made (``"total"``, with R1), and by how much their scores differ."""
        with torch.no_grad(), untouched_statistics(self.h, self.g):
            fakes = self.fakes(x, y, step)
        total = torch.zeros((), device=y.device)
        margin = torch.zeros((), device=y.device)
        for n, fake in enumerate(fakes):
            true, made = self._judge(n)(torch.cat([y, fake]), self._shown(torch.cat([x, x]))).chunk(2)
            total = total + 0.5 * (self.charge(true, True) + self.charge(made, False)) / len(fakes)
            margin = margin + (true.mean() - made.mean()).detach() / len(fakes)
        if self.config.r1 and step.index % self.config.r1_every == 0:
            for judge in self.discriminators:
                steep = self._steepness(judge, y, x) / len(self.discriminators)
                total = total + 0.5 * self.config.r1 * self.config.r1_every * steep
        return {"total": total, "margin": margin}

    def fakes(self, x: Tensor, y: Tensor, step: Step) -> list[Tensor]:
        """The fields in [-1, 1] that are made in one turn of the discriminators, each for one of them."""
        raise NotImplementedError

    def generator_losses(self, x: Tensor, y: Tensor, batch: Batch, step: Step) -> dict[str, Tensor]:
        """The loss of a turn of the generator."""
        raise NotImplementedError

    def fooling(self, fake: Tensor, x: Tensor, judge: int = 0) -> Tensor:
        """What the generator pays for how this discriminator, held fixed, judges what it made."""
        module = self._judge(judge)
        fixed = {name: p.detach() for name, p in module.named_parameters()}
        return self.charge(functional_call(module, fixed, (fake, self._shown(x))), True)

    def charge(self, scores: Tensor, true: bool) -> Tensor:
        """The mean loss of scores that should say ``true``: cross entropy (Goodfellow et al. 2014), or LSGAN's square."""
        if self.least_squares:
            return (scores - float(true)).square().mean()
        return F.softplus(-scores if true else scores).mean()

    def spanned(self, y: Tensor) -> Tensor:
        """y with its range over the training set as [-1, 1]; 0 where it has none."""
        return (y.float() - self._centre()) / self._half()

    def charged(self, made: Tensor, batch: Batch) -> Tensor | float:
        """The mean of what the task charges besides an error, in the units of :meth:`spanned`; 0 where it charges nothing."""
        if batch.penalty is None:
            return 0.0
        return (batch.penalty(made * self._half() + self._centre()) / self._half()).mean()

    def _centre(self) -> Tensor:
        return self.limits.mean()

    def _half(self) -> Tensor:
        return usable((self.limits[1] - self.limits[0]) / 2)

    def _judge(self, number: int) -> nn.Module:
        return self.discriminators[min(number, len(self.discriminators) - 1)]

    def _shown(self, x: Tensor) -> Tensor | None:
        return x if self.sees_x else None

    def _steepness(self, judge: nn.Module, y: Tensor, x: Tensor) -> Tensor:
        """The squared norm of the gradient of the mean score by y, averaged, in full precision, itself differentiable."""
        with torch.autocast(y.device.type, enabled=False), torch.enable_grad():
            y = y.detach().requires_grad_()
            score = judge(y, self._shown(x)).mean(1).sum()
            (gradient,) = torch.autograd.grad(score, y, create_graph=True)
        return gradient.square().flatten(1).sum(1).mean()
