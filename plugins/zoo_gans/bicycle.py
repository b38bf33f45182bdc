"""BicycleGAN: a code of y that the generator has to use (cVAE-GAN), and a random one that can be read from y again (cLR-GAN).

Source: Zhu et al. 2017, sections 3 and 4, with the networks of cGML, which compares itself with it: the code enters at the
bottleneck.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.func import functional_call

from zoo import Batch, Noise, Step
from zoo_gans.config import BicycleGANConfig
from zoo_gans.game import Game
from zoo_gans.nets import CodeEncoder


class BicycleGAN(Game):
    """y = G(H(x), z) with z from the standard normal. See :class:`zoo.Model` for what the methods take and give.

    Raises:
        RequestError: y is no field (C, s, s) of a side that is a power of two from 8 to 256, or x neither such a field of
            the same side nor a vector.
    """

    owner: ClassVar[str] = "BicycleGAN"
    Config: ClassVar[type] = BicycleGANConfig
    least_squares: ClassVar[bool] = True
    training_only: ClassVar[tuple[str, ...]] = ("discriminators", "e")
    config: BicycleGANConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        c = self.config
        self.make_players(c.latent, c.halvings, 1 if c.shared else 2)
        self.e = CodeEncoder(self.y_shape, c.latent, c.width)

    def fakes(self, x: Tensor, y: Tensor, step: Step) -> list[Tensor]:
        """y made of a code of y, and of a random code."""
        z, _ = self._coded(y, step)
        return self._made(x, z, self._normal(z, step))

    def generator_losses(self, x: Tensor, y: Tensor, batch: Batch, step: Step) -> dict[str, Tensor]:
        """Eq. 8: both cycles' adversarial losses, the errors of the image and of the random code, and the divergence.

        The error of the random code moves the generator alone, as in the paper's own program: E would make it easy.
        """
        c = self.config
        z, kl = self._coded(y, step)
        random = self._normal(z, step)
        of_y, of_random = self._made(x, z, random)
        error = (of_y - y).abs().mean()
        fixed = {name: p.detach() for name, p in self.e.named_parameters()}
        read, _ = functional_call(self.e, fixed, (of_random,))
        latent = (read - random).abs().mean()
        fooling = self.fooling(of_y, x, 0) + self.fooling(of_random, x, 1)
        image = error + self.charged(torch.cat([of_y, of_random]), batch)
        total = fooling + c.lambda_image * image + c.lambda_latent * latent + c.lambda_kl * kl
        return {"total": total, "error": error, "fooling": fooling, "latent": latent, "kl": kl}

    def draw(self, code: list[Tensor], n: int, noise: Noise) -> Tensor:
        """The fields of n random codes for each x."""
        z = noise.normal(n, self.config.latent).flatten(0, 1)
        return self.generate(code, n, z).unflatten(0, (-1, n))

    def _coded(self, y: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        """A draw from q(z | y), and KL(q(z | y) || N(0, I)) in nats, averaged over the batch."""
        mean, log_variance = self.e(y)
        z = mean + (0.5 * log_variance).exp() * self._normal(mean, step)
        return z, 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()

    def _made(self, x: Tensor, *codes: Tensor) -> list[Tensor]:
        """A field for each of the codes; x is encoded once."""
        features = [f.repeat(len(codes), *[1] * (f.ndim - 1)) for f in self.h(x)]
        return list(self.g(features, torch.cat(codes)).float().chunk(len(codes)))

    def _normal(self, like: Tensor, step: Step) -> Tensor:
        return torch.randn(like.shape, generator=step.generator).to(like)
