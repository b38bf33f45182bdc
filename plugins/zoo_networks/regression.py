"""The ground of models that answer with y = G(H(x), z): encoder, generator, and the units in which fields are seen.

Source: cGML, section 3, Figure 2 and section 4 (its baselines have the same networks);
:mod:`zoo_networks.unet` for the convolutions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import Model, Noise, Pairs, Penalty, RequestError, size_of
from zoo_networks.dcgan import COARSEST, SLOPE, Perceptron, side_of
from zoo_networks.unet import Decoder, Drop, Encoder, widths
from zoo_networks.units import channel_units, in_pieces, limits_of, safe_scale

ROWS = 2**22
"""Numbers of a finest layer that are decoded at once: bounds the memory of a pool."""

ONE_ANSWER = dict.fromkeys(
    ("another_seed_gives_other_samples", "without_a_seed_every_call_is_new", "a_pool_has_spread"),
    "it gives one answer for each x",
)
"""The expected failures of a model that does."""


def is_vector(shape: tuple[int, ...]) -> bool:
    """Whether fields of this shape are vectors, for perceptrons; else they are (C, s, s), for convolutions."""
    return len(shape) == 1


class H(nn.Module):
    """x -> h, the bottleneck last: the outputs of all layers for a field; one field for a vector if y is one, else one vector.

    Raises:
        RequestError: it is not for these shapes; names the ``owner``.
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
        side = side_of(owner, *((y_shape,) if self.vector else (x_shape, y_shape)), powers=True)
        levels = (side // COARSEST).bit_length() - 1
        self.channels = widths(width, levels)
        self.bottleneck = (self.channels[-1], COARSEST, COARSEST)
        if self.vector:
            self.net = Perceptron(x_shape[0], size_of(self.bottleneck), self.channels[-1], None)
        else:
            self.net = Encoder(x_shape[0], levels, width)

    def forward(self, x: Tensor) -> list[Tensor]:
        h = self.net(x)
        if not self.vector:
            return h
        return [h if is_vector(self.bottleneck) else F.leaky_relu(h, SLOPE).unflatten(1, self.bottleneck)]


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

    def project_skips(self, features: Sequence[Tensor]) -> list[Tensor] | None:
        """The part that all z of an item share (:meth:`zoo_networks.unet.Decoder.project_skips`); None for a perceptron."""
        return self.net.project_skips(features) if isinstance(self.net, Decoder) else None

    def forward(self, h: Sequence[Tensor], z: Tensor | None = None, item: Tensor | None = None, **how: Any) -> Tensor:
        """y of z and of h, all layers of it; ``item`` says which row of h each z belongs to, where there are several.

        ``how`` is for a field's :class:`zoo_networks.unet.Decoder`: ``drop``, ``projected``.
        """
        z = None if z is None else z * self.reach
        if not self.vector:
            return self.net(h, z, item=item, **how)
        last = h[-1] if item is None else h[-1][item]
        return self.net(last if z is None else torch.cat([last, z], 1))


class Regression(Model):
    """y = G(H(x), z), whose cost is the absolute error in deviations of y.

    x and y are fields (C, s, s) and (D, s, s) of one side s, a power of two from 8 to 256, or vectors (C,) and (D,), or a
    vector and a field.

    Attributes:
        owner: what its messages call it.
    """

    owner: ClassVar[str] = "this model"
    g: G

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.h = H(self.owner, self.x_shape, self.y_shape, self.config.width)
        each = (self.x_shape[0], *(1 for _ in self.x_shape[1:]))
        self.mean_x: Tensor = nn.Buffer(torch.zeros(each))
        self.scale_x: Tensor = nn.Buffer(torch.ones(each))
        self.mean_y: Tensor = nn.Buffer(torch.zeros(()))
        self.scale_y: Tensor = nn.Buffer(torch.ones(()))
        self.limits: Tensor = nn.Buffer(torch.tensor([-1.0, 1.0]))

    def prepare(self, pairs: Pairs, seed: int) -> None:
        """Mean and deviation of x for each channel, and of y for all values; the range of y, which is that of tanh."""
        self.mean_x, self.scale_x = channel_units(pairs.x)
        y = pairs.y.float()
        self.mean_y, self.scale_y = y.mean(), safe_scale(y.std(correction=0))
        self.limits = limits_of(y)

    def encode(self, x: Tensor) -> list[Tensor]:
        """h: the outputs of the encoder's layers, the bottleneck last."""
        return self.h(self.inner_x(x))

    def features(self, x: Tensor) -> Tensor:
        """The bottleneck of the encoder, flattened, (B, D) (cGML, appendix 3.7)."""
        return self.encode(x)[-1].flatten(1)

    def draw(self, code: list[Tensor], n: int, noise: Noise) -> Tensor:
        """The one answer for each x, n times: what a model without a z gives, which then has :data:`ONE_ANSWER`."""
        return self.generate(code, 1)[:, None].expand(-1, n, *[-1] * len(self.y_shape)).clone()

    def generate(
        self, code: list[Tensor], n: int, z: Tensor | None = None, drop: Callable[[slice], Drop] | None = None
    ) -> Tensor:
        """The fields of z (B * n, latent), n for each item of ``code``, in the units of y; in pieces of bounded memory.

        ``drop`` gives the dropout of each piece.
        """
        item = torch.arange(len(code[0]), device=self.mean_y.device).repeat_interleave(n)
        projected = self.g.project_skips(code)

        def fields(piece: slice) -> Tensor:
            own, drops = None if z is None else z[piece], None if drop is None else drop(piece)
            return self.inner_y(code, own, item=item[piece], drop=drops, projected=projected) * self.scale_y + self.mean_y

        out = in_pieces(len(item), max(1, ROWS // self.g.largest), fields)
        return out if is_vector(self.y_shape) else out.clamp(self.limits[0], self.limits[1])

    def inner_x(self, x: Tensor) -> Tensor:
        return (x.float() - self.mean_x) / self.scale_x

    def inner_y(self, h: list[Tensor], z: Tensor | None = None, **how: Any) -> Tensor:
        """The output of :class:`G`, in deviations of y from its mean: tanh spans the range of the training fields."""
        y = self.g(h, z, **how).float()
        if is_vector(self.y_shape):
            return y
        low, high = (self.limits - self.mean_y) / self.scale_y
        return low + (high - low) * (y + 1) / 2

    def true_y(self, y: Tensor) -> Tensor:
        return (y.float() - self.mean_y) / self.scale_y

    def cost(self, made: Tensor, y: Tensor, penalty: Penalty | None) -> Tensor:
        """The mean absolute error of each item, and what the task charges besides, (B,); all in deviations of y."""
        cost = (made - y).abs().flatten(1).mean(1)
        return cost if penalty is None else cost + penalty(made * self.scale_y + self.mean_y) / self.scale_y
