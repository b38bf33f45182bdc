"""Further channels of x, of pictures in which y does not show: what is in a photo, and how fine its texture is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zoo import Image, Records
from zoo_networks.efficientnet import EfficientNet, pretrained
from zoo_tasks.fields import Float, resize

SIDE = 224
"""Pixels a side at which a network that learnt photos of about so many looks at one, squashed whole."""
EACH = 8
"""Channels that each of the two deepest stages of the network gives."""
CHANNELS = 2 * EACH
PLACES = SIDE // 16
"""The side of the grid that features are kept on: that of the last stage but one."""
SPREAD = 0.2
"""Of a feature in x: the mean of squares of one is about 1 before."""
FINE = 4
"""The pixels a side that the texture of one pixel of a field is found in."""
VERSION = 1
"""Changed with what is computed of a picture, so that no stale cache is read."""


def semantics(picture: Float) -> dict[str, Float]:
    """``features`` (CHANNELS, PLACES, PLACES) in [0, 1] of a picture (h, w, 3) in [0, 1]: of EfficientNet-lite0.

    The features of a place, of length one, are multiplied by random numbers that are always the same, which keeps how far
    places are from each other (Johnson and Lindenstrauss 1984); nothing is fitted, so that a task has no state.

    Raises:
        ZooError: the package of the extra ``features`` is not installed.
    """
    small = torch.from_numpy(np.ascontiguousarray(resize(picture, SIDE, SIDE).transpose(2, 0, 1)))[None]
    random, made = np.random.default_rng(0), []
    for stage in network().stages(small)[-2:]:
        numbers = torch.from_numpy(random.standard_normal((EACH, stage.shape[1])).astype(np.float32))
        made.append(sized(torch.einsum("kc,nchw->nkhw", numbers, stage.contiguous()), PLACES)[0])
    return {"features": (0.5 + SPREAD * torch.cat(made)).clamp(0, 1).numpy()}


@cache
def network() -> EfficientNet:
    return pretrained()


def texture(light: Float, side: int) -> Float:
    """How fine detail is, (1, side, side) in [0, 1]: twice the deviation of lightness (h, w) within each pixel of a field."""
    fine = resize(light, FINE * side, FINE * side).reshape(side, FINE, side, FINE)
    made: Float = np.clip(2 * fine.std(axis=(1, 3)), 0, 1)[None].astype(np.float32)
    return made


def sized(features: Tensor, side: int) -> Tensor:
    """Features (N, C, h, w) on a grid of another side, interpolated."""
    return F.interpolate(features, (side, side), mode="bilinear", align_corners=False)


def joined(records: Records, x: list[Tensor], key: str, picture: Callable[[Image], Float]) -> list[Tensor]:
    """x (N, C, s, s) of one size or two with the features of every photo's picture behind its channels."""

    def of(image: Image) -> Mapping[str, Float]:
        return semantics(picture(image))

    features = torch.from_numpy(records.map(of, f"semantics-{VERSION}-{key}")["features"])
    return [torch.cat([field, sized(features, field.shape[-1])], 1) for field in x]
