"""Vectors shown as colours."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def colour_wheel(vectors: Tensor, reach: float) -> Tensor:
    """Vectors as colours: the hue is the direction, the saturation the length.

    White is no motion, full colour ``reach`` and beyond; to the right is red, downwards yellow-green, to the left cyan,
    upwards violet.

    Examples:
        >>> import torch
        >>> colour_wheel(torch.tensor([[1.0], [0.0]]), 1.0).flatten().tolist()
        [1.0, 0.0, 0.0]

    Args:
        vectors: (2, ...), to the right and downwards.
        reach: the length of full colour; 0 shows the direction alone.

    Returns:
        (3, ...) R, G, B in [0, 1].
    """
    length = vectors.square().sum(0).sqrt()
    saturation = (length / max(reach, 1e-6)).clamp(max=1)
    sixths = torch.atan2(vectors[1], vectors[0]) * (3 / math.pi)
    k = torch.stack([(sixths + start) % 6 for start in (5, 3, 1)])
    return 1 - saturation * torch.minimum(k, 4 - k).clamp(0, 1)
