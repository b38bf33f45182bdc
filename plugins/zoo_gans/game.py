"""The base of the adversarial models: the two players' turns, the scores' losses, and discriminators of fields and patches.

Source: pix2pix (Isola et al. 2017, appendix 6.1.2) for the layers of a discriminator of patches; the context encoder (Pathak
et al. 2016) for one of whole fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import Batch, RequestError, Step, Turns
from zoo_networks.dcgan import COARSEST, SLOPE, Conv, Linear, conv_with, held_fixed, steepness
from zoo_networks.regression import G, Regression, is_vector
from zoo_networks.unet import untouched_statistics, widths
from zoo_networks.units import safe_scale


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
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "learning_rate": (1e-3, 3e-4, 2e-3),
        "r1": (1.0, 0.1, 10.0),
        "discriminator_rate": (0.5, 0.25, 1.0),
    }
    training_only: ClassVar[tuple[str, ...]] = ("discriminators",)

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        if is_vector(tuple(y_shape)):
            raise RequestError(f"{self.owner} is for a y that is a field (C, s, s); not for {x_shape} -> {y_shape}")
        super().__init__(x_shape, y_shape, **config)

    def make_players(self, latent: int, halvings: int | None, discriminators: int = 1) -> None:
        c = self.config
        self.g = G(self.h, latent, self.y_shape, c.width)
        given = self.x_shape if self.sees_x else None
        judges = (Discriminator(given, self.y_shape, c.discriminator_width, halvings) for _ in range(discriminators))
        self.discriminators = nn.ModuleList(judges)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW for each player, the discriminators' turn first, with the momentum of DCGAN and pix2pix."""
        c, adam = self.config, partial(torch.optim.AdamW, betas=(0.5, 0.999), weight_decay=self.config.weight_decay)
        theirs = list(self.discriminators.parameters())
        own = [p for name, p in self.named_parameters() if not name.startswith("discriminators.")]
        return {
            "discriminator": adam(theirs, lr=c.discriminator_rate * c.learning_rate),
            "generator": adam(own, lr=c.learning_rate),
        }

    def turns(self, batch: Batch, step: Step) -> Turns:
        """The discriminators', with how badly they tell true from made, and R1; then :meth:`generator_losses`."""
        x, y = self.inner_x(batch.x), self.spanned(batch.y)
        yield "discriminator", self.discriminator_losses(x, y, step)
        yield "generator", self.generator_losses(x, y, batch, step)

    def discriminator_losses(self, x: Tensor, y: Tensor, step: Step) -> dict[str, Tensor]:
        """How badly they tell true from made (``"total"``, with R1), and by how much their scores differ."""
        with torch.no_grad(), untouched_statistics(self.h, self.g):
            fakes = self.fakes(x, y, step)
        total, margin = torch.zeros(2, device=y.device)
        for n, fake in enumerate(fakes):
            true, fooled = self._judge(n)(torch.cat([y, fake]), torch.cat([x, x])).chunk(2)
            total = total + 0.5 * (self.charge(true, True) + self.charge(fooled, False)) / len(fakes)
            margin = margin + (true.mean() - fooled.mean()).detach() / len(fakes)
        if self.config.r1 and step.index % self.config.r1_every == 0:
            for judge in self.discriminators:
                steep = steepness(judge, y, x).mean() / len(self.discriminators)
                total = total + 0.5 * self.config.r1 * self.config.r1_every * steep
        return {"total": total, "margin": margin}

    def fakes(self, x: Tensor, y: Tensor, step: Step) -> list[Tensor]:
        """The fields in [-1, 1] that are made in one turn of the discriminators, each for one of them."""
        raise NotImplementedError

    def generator_losses(self, x: Tensor, y: Tensor, batch: Batch, step: Step) -> dict[str, Tensor]:
        raise NotImplementedError

    def fooling(self, fake: Tensor, x: Tensor, judge: int = 0) -> Tensor:
        """The generator's loss by this discriminator, held fixed, of the fields that it made."""
        return self.charge(held_fixed(self._judge(judge), fake, x), True)

    def charge(self, scores: Tensor, true: bool) -> Tensor:
        """The mean loss of scores that should say ``true``: cross entropy (Goodfellow et al. 2014), or LSGAN's square."""
        if self.least_squares:
            return (scores - float(true)).square().mean()
        return F.softplus(-scores if true else scores).mean()

    def spanned(self, y: Tensor) -> Tensor:
        """y with its range over the training set as [-1, 1]; 0 where it has none."""
        return (y.float() - self.limits.mean()) / self._half()

    def charged(self, fields: Tensor, batch: Batch) -> Tensor | float:
        """The mean of what the task charges besides an error, in the units of :meth:`spanned`; 0 where it charges nothing."""
        if batch.penalty is None:
            return 0.0
        return (batch.penalty(fields * self._half() + self.limits.mean()) / self._half()).mean()

    def _half(self) -> Tensor:
        return safe_scale((self.limits[1] - self.limits[0]) / 2)

    def _judge(self, number: int) -> nn.Module:
        return self.discriminators[number % len(self.discriminators)]


class Discriminator(nn.Module):
    """y (B, C, s, s) and x, unless ``given``, its shape, is None, to scores (B, patches).

    After so many ``halvings``, at most down to four, two more layers look at patches; None is for one score of the whole.
    It has no batch normalisation, with which the gradient penalty is not one of the single field.
    """

    def __init__(self, given: tuple[int, ...] | None, y_shape: tuple[int, ...], width: int, halvings: int | None) -> None:
        super().__init__()
        self.sees_x = given is not None
        most = (y_shape[-1] // COARSEST).bit_length() - 1
        channels = widths(width, most if halvings is None else min(halvings, most))
        inputs = y_shape[0] + (given[0] if given else 0)
        ends = zip((inputs, *channels[:-1]), channels, strict=True)
        self.layers = nn.ModuleList(Conv(i, o, 2) for i, o in ends)
        self.last: nn.Module
        if halvings is None:
            self.last = nn.Sequential(nn.Flatten(), Linear(channels[-1] * COARSEST**2, 1, 1.0))
        else:
            wide = min(2 * channels[-1], 8 * width)
            # 4 x 4 with stride 1, which makes the field one pixel smaller.
            self.layers.append(Conv(channels[-1], wide, 1, kernel=4))
            self.last = Conv(wide, 1, 1, 1.0, kernel=4)

    def forward(self, y: Tensor, x: Tensor | None = None) -> Tensor:
        for n, layer in enumerate(self.layers):
            y = F.leaky_relu(conv_with(layer, y, x) if n == 0 and x is not None and self.sees_x else layer(y), SLOPE)
        return self.last(y).flatten(1).float()
