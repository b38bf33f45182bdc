"""What models share that answer with y = G(H(x), z): encoder, generator, and the units in which fields are seen and compared.

Source: cGML, section 3, Figure 2 and section 4 (its baselines have the same networks);
:mod:`zoo_networks.unet` for the convolutions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import Model, Pairs, Penalty, RequestError
from zoo_networks.dcgan import SLOPE, Linear
from zoo_networks.unet import COARSEST, Decoder, Drop, Encoder, VectorEncoder, levels_of

ROWS = 2**22
"""Numbers of a finest layer that are decoded at once: bounds the memory of a pool."""


def is_vector(shape: tuple[int, ...]) -> bool:
    """Whether fields of this shape are vectors, for perceptrons; else they are (C, s, s), for convolutions."""
    return len(shape) == 1


class Perceptron(nn.Module):
    """Two hidden layers with leaky rectifiers, (B, inputs) -> (B, outputs)."""

    def __init__(self, inputs: int, outputs: int, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Linear(inputs, width), Linear(width, width), Linear(width, outputs, 1.0)])

    def forward(self, value: Tensor) -> Tensor:
        for n, layer in enumerate(self.layers):
            value = layer(value if n == 0 else F.leaky_relu(value, SLOPE))
        return value


class H(nn.Module):
    """x -> h, the bottleneck last: the outputs of all layers for a field; one field for a vector if y is one, else one vector.

    Args:
        owner: whose it is, for messages.
        x_shape, y_shape, width: of the model.

    Raises:
        RequestError: it is not for these shapes.
    """

    bottleneck: tuple[int, ...]

    def __init__(self, owner: str, x_shape: tuple[int, ...], y_shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.vector = is_vector(x_shape)
        if is_vector(y_shape):
            if not self.vector:
                raise RequestError(
                    f"{owner} is for a y that is a field (C, s, s), or for two vectors; not for {x_shape} -> {y_shape}"
                )
            self.net: nn.Module = Perceptron(x_shape[0], width, width)
            self.channels, self.bottleneck = [width], (width,)
            return
        levels = levels_of(owner, *((y_shape,) if self.vector else (x_shape, y_shape)))
        encoder = VectorEncoder(x_shape[0], levels, width) if self.vector else Encoder(x_shape[0], levels, width)
        self.net, self.channels = encoder, encoder.channels
        self.bottleneck = (encoder.channels[-1], COARSEST, COARSEST)

    def forward(self, x: Tensor) -> list[Tensor]:
        found = self.net(x)
        return found if isinstance(found, list) else [found]


class G(nn.Module):
    """(h, z) -> y, in [-1, 1] for a field, unbounded for a vector; without z where ``latent`` is 0.

    z is multiplied by ``reach``: for a z on the unit sphere beside a field's h, the root of the channels of h makes it weigh
    as much as all of them in the first layer (about the deviation of 0.5 that cGML, 3.1, gives the weights).
    """

    def __init__(self, h: H, latent: int, y_shape: tuple[int, ...], width: int, reach: float = 1.0) -> None:
        super().__init__()
        self.reach = reach
        self.vector = is_vector(y_shape)
        if self.vector:
            self.net: nn.Module = Perceptron(h.bottleneck[0] + latent, y_shape[0], width)
            self.largest = width
        else:
            self.net = Decoder(h.channels, latent, y_shape[0], skips=not h.vector)
            self.largest = h.channels[0] * (y_shape[-1] // 2) ** 2

    def look(self, features: Sequence[Tensor]) -> list[Tensor] | None:
        """What is the same for all z of an item (:meth:`zoo_networks.unet.Decoder.look`); None for a perceptron."""
        return self.net.look(features) if isinstance(self.net, Decoder) else None

    def forward(
        self,
        features: Sequence[Tensor],
        z: Tensor | None,
        drop: Drop | None = None,
        item: Tensor | None = None,
        looked: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """See :class:`zoo_networks.unet.Decoder`; ``item`` says which row of h each z belongs to, where there are several."""
        made: Tensor
        z = None if z is None else z * self.reach
        if self.vector:
            h = features[-1] if item is None else features[-1][item]
            made = self.net(h if z is None else torch.cat([h, z], 1))
        else:
            made = self.net(features, z, drop, item, looked)
        return made


class Regression(Model):
    """y = G(H(x), z), whose cost is the absolute error in deviations of y.

    x and y are fields (C, s, s) and (D, s, s) of one side s, a power of two from 8 to 256, or vectors (C,) and (D,), or a
    vector and a field.

    Attributes:
        owner: what its messages call it.
    """

    owner: ClassVar[str] = "this model"
    mean_x: Tensor
    scale_x: Tensor
    mean_y: Tensor
    scale_y: Tensor
    limits: Tensor
    g: G

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.h = H(self.owner, self.x_shape, self.y_shape, self.config.width)
        ones = [1] * (len(self.x_shape) - 1)
        self.register_buffer("mean_x", torch.zeros(self.x_shape[0], *ones))
        self.register_buffer("scale_x", torch.ones(self.x_shape[0], *ones))
        self.register_buffer("mean_y", torch.zeros(()))
        self.register_buffer("scale_y", torch.ones(()))
        self.register_buffer("limits", torch.tensor([-1.0, 1.0]))

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Mean and deviation of x for each channel, and of y for all values; the range of y, which is that of tanh."""
        rest = [0, *range(2, pairs.x.ndim)]
        spread, mean = torch.std_mean(pairs.x.float(), rest, correction=0)
        self.mean_x, self.scale_x = mean.view_as(self.mean_x), usable(spread).view_as(self.scale_x)
        y = pairs.y.float()
        self.mean_y, self.scale_y = y.mean(), usable(y.std(correction=0))
        self.limits = torch.stack([y.min(), y.max()])

    def encode(self, x: Tensor) -> list[Tensor]:
        """h: the outputs of the encoder's layers, the bottleneck last."""
        return self.h(self.inner_x(x))

    def features(self, x: Tensor) -> Tensor:
        """The bottleneck of the encoder, flattened, (B, D) (cGML, appendix 3.7)."""
        return self.encode(x)[-1].flatten(1)

    def generate(self, code: list[Tensor], n: int, z: Tensor | None, drop: Callable[[slice], Drop] | None = None) -> Tensor:
        """The fields of z (B * n, latent), n for each item of ``code``, in the units of y; in pieces of bounded memory.

        ``drop`` gives the dropout of each piece.
        """
        item = torch.arange(len(code[0]), device=self.mean_y.device).repeat_interleave(n)
        out = torch.empty(len(item), *self.y_shape, device=self.mean_y.device)
        rows, looked = max(1, ROWS // self.g.largest), self.g.look(code)
        for i in range(0, len(item), rows):
            piece = slice(i, i + rows)
            of_z, of_drop = (None if z is None else z[piece]), (None if drop is None else drop(piece))
            made = self.inner_y(code, of_z, of_drop, item[piece], looked)
            out[piece] = made * self.scale_y + self.mean_y
        return out if is_vector(self.y_shape) else out.clamp(self.limits[0], self.limits[1])

    def inner_x(self, x: Tensor) -> Tensor:
        """x in deviations from its mean."""
        return (x.float() - self.mean_x) / self.scale_x

    def inner_y(
        self,
        features: list[Tensor],
        z: Tensor | None,
        drop: Drop | None = None,
        item: Tensor | None = None,
        looked: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """What the generator makes, in deviations of y from its mean: tanh spans the range of the training fields."""
        made = self.g(features, z, drop, item, looked).float()
        if is_vector(self.y_shape):
            return made
        low, high = (self.limits - self.mean_y) / self.scale_y
        return low + (high - low) * (made + 1) / 2

    def true_y(self, y: Tensor) -> Tensor:
        """y in deviations from its mean."""
        return (y.float() - self.mean_y) / self.scale_y

    def cost(self, made: Tensor, y: Tensor, penalty: Penalty | None) -> Tensor:
        """The mean absolute error of each item, and what the task charges besides, (B,); all in deviations of y."""
        cost = (made - y).abs().flatten(1).mean(1)
        return cost if penalty is None else cost + penalty(made * self.scale_y + self.mean_y) / self.scale_y


def usable(spread: Tensor) -> Tensor:
    """Spreads to divide by: 1 where nothing varies."""
    return torch.where(spread > 1e-4, spread, torch.ones_like(spread))
