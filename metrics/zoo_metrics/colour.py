"""The overlap of the samples' colours with those of the truth, whatever is where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from zoo_metrics.rendering import PictureMetric

WIDTH, REACH = 10.0, 115.0
"""Of the bins of a and b: ten wide, from -115 to 115; the middle one holds what is grey (Zhang, Isola and Efros 2016, 2.1)."""
BINS = round(2 * REACH / WIDTH)
FINEST = 2**7
"""Levels of a channel that are told apart, half as many as a stored picture has."""
TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
WHITE = (0.95047, 1.0, 1.08883)


class ColourOverlap(PictureMetric):
    """The intersection over union of the colours of all samples and of the truth, in the planes a and b of CIE Lab.

    For each item the values of a in all pixels of all samples make one histogram, those of the truth another, both of sum 1;
    the sum of the smaller heights over the sum of the greater ones is ``@a``. ``@b`` likewise, and the mean of the two. Of
    pictures in colour alone.
    """

    unit = "intersection over union"
    better = "higher"
    source = "cGML, appendix 3.5, Table 8 and Figure 33; bins of Zhang, Isola and Efros 2016"
    channels: ClassVar[tuple[int, ...]] = (3,)
    bins: Tensor | None = None

    def __call__(self, samples: Tensor, y: Tensor, *, x: Tensor | None = None, **known: Tensor | None) -> Mapping[str, Tensor]:
        if self.bins is None or self.bins.device != y.device:
            self.bins = _table().to(y.device)
        shares = []
        for pictures, truth in self.shown(samples, y, x):
            ours, true = _histograms(pictures, self.bins), _histograms(truth[:, None], self.bins)
            shares.append(torch.minimum(ours, true).sum(2) / torch.maximum(ours, true).sum(2))
        a, b = torch.cat(shares).unbind(1)
        return {"": (a + b) / 2, "@a": a, "@b": b}


def _histograms(pictures: Tensor, table: Tensor) -> Tensor:
    """Of pictures (B, n, 3, h, w), the shares of their pixels in each bin of a and b: (B, 2, BINS)."""
    items = len(pictures)
    red, green, blue = pictures.mul(FINEST).to(torch.int32).clamp_(0, FINEST - 1).unbind(2)
    cell = table[red.mul_(FINEST).add_(green).mul_(FINEST).add_(blue).flatten(1)]
    row = torch.arange(items, device=cell.device, dtype=cell.dtype)[:, None] * BINS**2
    counts = torch.bincount((cell + row).flatten(), minlength=items * BINS**2).view(items, BINS, BINS)
    both = torch.stack([counts.sum(2), counts.sum(1)], 1).float()
    return both / both.sum(2, keepdim=True)


def _table() -> Tensor:
    """The bin of a times BINS plus that of b, for the middle of every cell of R, G and B: (FINEST ** 3,) int32."""
    level = (torch.arange(FINEST) + 0.5) / FINEST
    grid = torch.stack(torch.meshgrid(level, level, level, indexing="ij"))[None]
    a, b = ((lab(grid)[0, 1:].flatten(1) + REACH) / WIDTH).long().clamp_(0, BINS - 1)
    return (a * BINS + b).to(torch.int32)


def lab(pictures: Tensor) -> Tensor:
    """Pictures (B, 3, ...), sRGB in [0, 1], as L in [0, 100], a and b of CIE Lab under D65."""
    linear = torch.where(pictures <= 0.04045, pictures / 12.92, ((pictures + 0.055) / 1.055).clamp(min=0) ** 2.4)
    matrix = pictures.new_tensor(TO_XYZ) / pictures.new_tensor(WHITE)[:, None]
    xyz = torch.einsum("ij,bj...->bi...", matrix, linear)
    f = torch.where(xyz > (6 / 29) ** 3, xyz.clamp(min=1e-9) ** (1 / 3), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)
