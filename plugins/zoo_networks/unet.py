"""An encoder that halves the side down to four, and the decoder that mirrors it with skip connections.

Source: the context encoder (Pathak et al. 2016) for kernels, strides and widths, without its channel-wise linear layer and
with the skips of a U-Net (Ronneberger et al. 2015), as cGML (section 5, Figure 24) builds it for sides 32, 64, 128 and 256.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo_networks.dcgan import SLOPE, Conv, Deconv

DROPPED = 3
"""The decoder's first layers, after which dropout stands (pix2pix, Isola et al. 2017, appendix 6.1.1)."""

Drop = Callable[[Tensor], Tensor]
"""Dropout of a field (B, C, h, w)."""


class _Layer(nn.Module):
    """A (transposed) convolution, batch normalisation, and a leaky rectifier."""

    def __init__(self, convolution: nn.Module, channels: int) -> None:
        super().__init__()
        self.convolution, self.norm = convolution, nn.BatchNorm2d(channels)

    def forward(self, value: Tensor) -> Tensor:
        return self.finish(self.convolution(value))

    def finish(self, convolved: Tensor) -> Tensor:
        return F.leaky_relu(self.norm(convolved), SLOPE)


def widths(width: int, levels: int) -> list[int]:
    """Channels after each layer of an :class:`Encoder`."""
    return [width * 2 ** min(3, level) for level in range(levels)]


class Encoder(nn.Module):
    """(B, inputs, s, s) -> the outputs of all its layers, of these ``channels``, the coarsest last: (B, channels, 4, 4)."""

    def __init__(self, inputs: int, levels: int, width: int) -> None:
        super().__init__()
        self.channels = widths(width, levels)
        ends = zip((inputs, *self.channels[:-1]), self.channels, strict=True)
        self.layers = nn.ModuleList(_Layer(Conv(i, o, 2), o) for i, o in ends)

    def forward(self, value: Tensor) -> list[Tensor]:
        return [value := layer(value) for layer in self.layers]


class Decoder(nn.Module):
    """The mirror of an :class:`Encoder`: its outputs and a code (B, codes) -> (B, outputs, s, s) in [-1, 1] by tanh.

    The code stands at every place of the coarsest field. Each finer layer also sees the encoder's output of its side, if there
    are skips; where a perceptron stands in the encoder's place there are none. ``channels`` are the encoder's.
    """

    def __init__(self, channels: Sequence[int], codes: int, outputs: int, skips: bool = True) -> None:
        super().__init__()
        self.codes, self.skips = codes, skips
        layers: list[_Layer] = []
        inputs = channels[-1] + codes
        for level in range(len(channels) - 1, 0, -1):
            layers.append(_Layer(Deconv(inputs, channels[level - 1], 2), channels[level - 1]))
            inputs = (2 if skips else 1) * channels[level - 1]
        self.layers: Any = nn.ModuleList(layers)
        self.last = Deconv(inputs, outputs, 2, 0.5)

    def project_skips(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Each convolution of the encoder's outputs alone, without its bias: the same for all codes of an item."""
        seen = zip(self._convolutions()[: None if self.skips else 1], reversed(features), strict=self.skips)
        return [F.conv_transpose2d(known, layer.weight[-known.shape[1] :], None, 2, 1) for layer, known in seen]

    def forward(
        self,
        features: Sequence[Tensor],
        code: Tensor | None = None,
        drop: Drop | None = None,
        item: Tensor | None = None,
        projected: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """The fields of ``code``, one for each row of ``features``, or of their rows ``item`` (R,) for codes (R, codes).

        ``projected``, from :meth:`project_skips`, saves doing that again. ``drop`` is done after the first layers, or,
        where the side is 8 and there is only the last, before that.
        """
        if item is not None and projected is None:
            projected = self.project_skips(features)
        coarsest = features[-1]
        if drop is not None and not self.layers:
            coarsest, projected = drop(coarsest if item is None else coarsest[item]), None
        value = None
        if code is not None and self.codes:
            value = code[:, :, None, None].expand(-1, -1, *coarsest.shape[2:])
        known: Tensor | None = coarsest
        for n, convolution in enumerate(self._convolutions()):
            if projected is not None and n < len(projected):  # the part of the last channels is made already
                fields = projected[n] if item is None else projected[n][item]
                if value is None:
                    fields = fields if convolution.bias is None else fields + convolution.bias[:, None, None]
                else:
                    own = convolution.weight[: value.shape[1]]
                    fields = F.conv_transpose2d(value, own, convolution.bias, 2, 1) + fields
            else:
                fields = convolution(torch.cat([part for part in (value, known) if part is not None], 1))
            if n < len(self.layers):
                value = self.layers[n].finish(fields)
                if drop is not None and n < DROPPED:
                    value = drop(value)
                known = features[-2 - n] if self.skips else None
        return torch.tanh(fields)

    def _convolutions(self) -> list[Deconv]:
        return [*(layer.convolution for layer in self.layers), self.last]


@contextmanager
def untouched_statistics(*modules: nn.Module) -> Iterator[None]:
    """Batch normalisation goes on normalising by its batch, but remembers nothing of what passes within."""
    norms = [m for module in modules for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


@contextmanager
def as_sampled(module: nn.Module) -> Iterator[None]:
    """Batch normalisation by what it remembers, as when samples are drawn."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)
