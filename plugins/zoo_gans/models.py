"""Context encoder, pix2pix and BicycleGAN with the networks of cGML, which compares itself with them.

Source: Pathak et al. 2016, sections 3.2 and 4; Isola et al. 2017, section 3 and appendix 6; Zhu et al. 2017, sections 3 and 4,
but that the code enters at the bottleneck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import Batch, Noise, Step
from zoo_gans.config import BicycleGANConfig, ContextEncoderConfig, Pix2PixConfig
from zoo_gans.game import Game
from zoo_networks.dcgan import SLOPE, Linear, Tower, held_fixed
from zoo_networks.gaussian import LogGaussian
from zoo_networks.regression import ONE_ANSWER
from zoo_networks.unet import Drop

BITS = 2**20
MOST_LOG_VARIANCE = 10.0
"""Log variances are held within this, so that none of their exponentials overflows."""


class ContextEncoder(Game):
    """y = G(H(x)); all samples of one x are the same. See :class:`zoo.Model` for what the methods take and give.

    It is fitted by a squared error and a discriminator of y. :class:`Game` says which shapes are refused.
    """

    owner: ClassVar[str] = "a context encoder"
    cites: ClassVar[tuple[str, ...]] = ("pathak2016context",)
    Config: ClassVar[type] = ContextEncoderConfig
    sees_x: ClassVar[bool] = False
    expected_failures: ClassVar[Mapping[str, str]] = ONE_ANSWER
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {"adversarial": (0.001, 0.0001, 0.01), **Game.tunable}
    config: ContextEncoderConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.make_players(0, None)

    def fakes(self, x: Tensor, y: Tensor, step: Step) -> list[Tensor]:
        return [self.g(self.h(x)).float()]

    def generator_losses(self, x: Tensor, y: Tensor, batch: Batch, step: Step) -> dict[str, Tensor]:
        c, (fake,) = self.config, self.fakes(x, y, step)
        error, fooling = (fake - y).square().mean(), self.fooling(fake, x)
        total = c.reconstruction * (error + self.charged(fake, batch)) + c.adversarial * fooling
        return {"total": total, "error": error, "fooling": fooling}


class Pix2Pix(Game):
    """y = G(H(x)) with dropout in the generator. See :class:`zoo.Model` for what the methods take and give.

    It is fitted by an absolute error and a discriminator of patches of x and y; dropout is all the noise, also in samples.
    :class:`Game` says which shapes are refused.
    """

    owner: ClassVar[str] = "pix2pix"
    cites: ClassVar[tuple[str, ...]] = ("isola2017pix2pix",)
    Config: ClassVar[type] = Pix2PixConfig
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "reconstruction": (100.0, 30.0, 10.0),
        "dropout": (0.5, 0.2, 0.7),
        **Game.tunable,
    }
    config: Pix2PixConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.make_players(0, self.config.halvings)

    def fakes(self, x: Tensor, y: Tensor, step: Step) -> list[Tensor]:
        return [self.g(self.h(x), drop=self._dropout([step.generator])).float()]

    def generator_losses(self, x: Tensor, y: Tensor, batch: Batch, step: Step) -> dict[str, Tensor]:
        (fake,) = self.fakes(x, y, step)
        error, fooling = (fake - y).abs().mean(), self.fooling(fake, x)
        total = self.config.reconstruction * (error + self.charged(fake, batch)) + fooling
        return {"total": total, "error": error, "fooling": fooling}

    def draw(self, code: list[Tensor], n: int, noise: Noise) -> Tensor:
        digits = (noise.uniform(n, 3).flatten(0, 1) * BITS).long().tolist()
        seeds = [(a * BITS + b) * BITS + c for a, b, c in digits]

        def of(piece: slice) -> Drop:
            return self._dropout([torch.Generator().manual_seed(seed) for seed in seeds[piece]])

        return self.generate(code, n, drop=of).unflatten(0, (-1, n))

    def _dropout(self, generators: Sequence[torch.Generator]) -> Drop:
        """Dropout with one generator for all fields, or one for each; its numbers are drawn on the CPU, for every device."""
        keep = 1 - self.config.dropout

        def drop(field: Tensor) -> Tensor:
            if len(generators) == 1:
                drawn = torch.rand(field.shape, generator=generators[0])
            else:
                drawn = torch.stack([torch.rand(field.shape[1:], generator=g) for g in generators])
            return field * (drawn < keep).to(field.device) / keep

        return drop


class BicycleGAN(Game):
    """y = G(H(x), z) with z from the standard normal. See :class:`zoo.Model` for what the methods take and give.

    The generator has to use a code of y (cVAE-GAN), and a random one has to be read from y again (cLR-GAN). :class:`Game`
    says which shapes are refused.
    """

    owner: ClassVar[str] = "BicycleGAN"
    cites: ClassVar[tuple[str, ...]] = ("zhu2017bicyclegan",)
    Config: ClassVar[type] = BicycleGANConfig
    tunable: ClassVar[Mapping[str, Sequence[Any]]] = {
        "lambda_image": (10.0, 3.0, 30.0),
        "lambda_latent": (0.5, 1.0, 0.25),
        "lambda_kl": (0.01, 0.001, 0.1),
        "latent": (8, 16),
        **Game.tunable,
    }
    least_squares: ClassVar[bool] = True
    training_only: ClassVar[tuple[str, ...]] = ("discriminators", "e")
    config: BicycleGANConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        c = self.config
        self.make_players(c.latent, c.halvings, 1 if c.shared else 2)
        self.e = CodeEncoder(self.y_shape, c.latent, c.width)

    def fakes(self, x: Tensor, y: Tensor, step: Step) -> list[Tensor]:
        """y made of a code of y, and of a random code."""
        return self._made(x, self.e(y).sample(self._normal(y, step)), self._normal(y, step))

    def generator_losses(self, x: Tensor, y: Tensor, batch: Batch, step: Step) -> dict[str, Tensor]:
        """Eq. 8: both cycles' adversarial losses, the errors of the image and of the random code, and the divergence.

        The error of the random code moves the generator alone, as in the paper's own program: E would make it easy.
        """
        c, posterior = self.config, self.e(y)
        z = posterior.sample(self._normal(y, step))
        kl, random = posterior.kl_to_standard().mean(), self._normal(y, step)
        of_y, of_random = self._made(x, z, random)
        error = (of_y - y).abs().mean()
        latent = (held_fixed(self.e, of_random).mean - random).abs().mean()
        fooling = self.fooling(of_y, x, 0) + self.fooling(of_random, x, 1)
        image = error + self.charged(torch.cat([of_y, of_random]), batch)
        total = fooling + c.lambda_image * image + c.lambda_latent * latent + c.lambda_kl * kl
        return {"total": total, "error": error, "fooling": fooling, "latent": latent, "kl": kl}

    def draw(self, code: list[Tensor], n: int, noise: Noise) -> Tensor:
        z = noise.normal(n, self.config.latent).flatten(0, 1)
        return self.generate(code, n, z).unflatten(0, (-1, n))

    def _made(self, x: Tensor, *codes: Tensor) -> list[Tensor]:
        """A field for each of the codes; x is encoded once."""
        features = [f.repeat(len(codes), *[1] * (f.ndim - 1)) for f in self.h(x)]
        return list(self.g(features, torch.cat(codes)).float().chunk(len(codes)))

    def _normal(self, y: Tensor, step: Step) -> Tensor:
        return torch.randn(len(y), self.config.latent, generator=step.generator).to(y.device)


class CodeEncoder(nn.Module):
    """E: y (B, C, s, s) -> q(z | y) of its code."""

    def __init__(self, y_shape: tuple[int, ...], latent: int, width: int) -> None:
        super().__init__()
        self.tower = Tower(y_shape[0], None, y_shape[-1], width)
        self.code = Linear(self.tower.outputs * self.tower.side**2, 2 * latent, 1.0)

    def forward(self, y: Tensor) -> LogGaussian:
        value = F.leaky_relu(self.tower(y), SLOPE)
        mean, log_variance = self.code(value.flatten(1)).float().chunk(2, 1)
        return LogGaussian(mean, log_variance.clamp(-MOST_LOG_VARIANCE, MOST_LOG_VARIANCE))
