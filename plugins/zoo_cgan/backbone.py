"""A frozen backbone of timm: from pictures to features."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import RequestError, ZooError, nearest

PIECE = 64
"""Pictures that go through the backbone at once."""


def check_name(name: str) -> None:
    """Refuse a ``name`` (``ARCHITECTURE`` or ``ARCHITECTURE.TAG``) that timm has no pretrained weights of.

    Raises:
        RequestError: says the nearest names.
    """
    import timm

    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise RequestError(f"timm has no model {name!r}: {nearest(architecture, timm.list_models())}")
    tags = timm.list_pretrained(f"{architecture}.*") + timm.list_pretrained(architecture)
    if not tags:
        raise RequestError(f"timm has no pretrained weights of {architecture!r}; name a model that it has them of")
    if tag and name not in tags:
        raise RequestError(f"timm has no weights {name!r}: {nearest(name, tags)}")


class Backbone(nn.Module):
    """timm's ``name`` without its classifier, with its own input size and normalisation; never trained.

    Args:
        name: of a model of timm, with or without the tag of its weights.
        pretrained: fetch the weights; else they are to be loaded from a checkpoint.

    Raises:
        ZooError: the weights cannot be had.
    """

    size: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, name: str, pretrained: bool) -> None:
        super().__init__()
        self.net = _create(name, pretrained)
        import timm

        known = timm.data.resolve_model_data_config(self.net)
        self.register_buffer("size", torch.tensor(known["input_size"][1:]))
        self.register_buffer("mean", torch.tensor(known["mean"]).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(known["std"]).view(3, 1, 1))
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> Backbone:
        """It stays as it is for sampling, whatever is asked for: its statistics are frozen too."""
        super().train(False)
        return self

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Features (B, F) of pictures (B, 1 or 3, H, W) in [0, 1]."""
        return torch.cat([self._features(part) for part in x.split(PIECE)])

    def _features(self, x: Tensor) -> Tensor:
        height, width = self.size.tolist()
        x = x.expand(-1, 3, -1, -1)
        x = F.interpolate(x, (height, width), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
        features: Tensor = self.net((x - self.mean) / self.std)
        return features.float()


def _create(name: str, pretrained: bool) -> Any:
    import timm

    try:
        with torch.random.fork_rng(devices=[]):  # first weights are drawn only to be replaced
            return timm.create_model(name, pretrained=pretrained, num_classes=0)
    except Exception as error:  # of timm, of the hub's client, of the network: each has errors of its own
        if not pretrained:
            raise
        cause = " ".join(str(error).split())[:200]
        raise ZooError(
            f"the pretrained weights of timm's {name!r} cannot be had ({type(error).__name__}: {cause}); "
            "embedding=pixels-pca needs none"
        ) from error
