"""CIE L*a*b* of sRGB under the white D65: its three numbers as shares, the way there and back.

L of 0 to 100 becomes 0 to 1. a and b of -110 to 110 become 0 to 1, without colour being 1/2: the whole gamut of sRGB, a of
-86.2 to 98.2 and b of -107.9 to 94.5, lies inside. Source: CIE 15:2004; IEC 61966-2-1 (sRGB).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from zoo import Image
from zoo_tasks.resize import Float

REACH = 110.0
"""The a and b of the shares 0 and 1, less and more."""
_WHITE = (0.950456, 1.0, 1.088754)
_TO_RGB = ((3.240479, -1.53715, -0.498535), (-0.969256, 1.875991, 0.041556), (0.055648, -0.204043, 1.057311))


def to_lab(rgb: Image | Float) -> Float:
    """(H, W, 3) sRGB, uint8 or floats in [0, 1], as L, a and b, (H, W, 3) float32 in [0, 1]."""
    import cv2

    scale = np.float32(255) if rgb.dtype == np.uint8 else np.float32(1)
    lab = cv2.cvtColor(np.ascontiguousarray(rgb, np.float32) / scale, cv2.COLOR_RGB2LAB)
    lab[..., 0] /= 100
    lab[..., 1:] = lab[..., 1:] / np.float32(2 * REACH) + np.float32(0.5)
    return np.clip(lab, 0, 1)


def to_rgb(light: Tensor, colour: Tensor) -> Tensor:
    """L (B, 1, ...) and a, b (B, 2, ...) in [0, 1] as sRGB (B, 3, ...) in [0, 1]; what lies outside the gamut is clipped.

    Differentiable, with finite slopes everywhere.
    """
    height = (100 * light[:, 0] + 16) / 116
    a, b = ((2 * colour - 1) * REACH).unbind(1)
    parts = (height + a / 500, height, height - b / 200)
    bent = [torch.where(part > 6 / 29, part**3, 3 * (6 / 29) ** 2 * (part - 4 / 29)) for part in parts]
    matrix = light.new_tensor(_TO_RGB) * light.new_tensor(_WHITE)
    linear = torch.einsum("ij,bj...->bi...", matrix, torch.stack(bent, 1)).clamp(0, 1)
    steep = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, steep, 12.92 * linear).clamp(0, 1)
