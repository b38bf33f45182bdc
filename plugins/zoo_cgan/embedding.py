"""The fixed embedding of x that generator and discriminator see, and the frozen backbone that it may be of."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import RequestError, ZooError, nearest, size_of
from zoo_networks.efficientnet import EfficientNet, check_picture, pretrained
from zoo_networks.lpp import lpp

FEATURES, TIMM = "features", "timm:"
SIDE = 32
"""Larger x are averaged down to this side before a linear embedding."""
MOST_ITEMS = 4096
"""Items that the principal components are found from; more hardly move them."""
PIECE = 64
"""Pictures that go through a backbone at once."""
FARTHEST = 4.0
"""Standard deviations at which an embedding is cut off, so that no odd x is far from all that was seen in training."""


class Embedding(nn.Module):
    """e = (f - mean) A of features f of x, (B, E), every column of unit variance on the training set or zero.

    f are the pixels of x, or what a frozen backbone makes of them. Nothing of it is trained by gradient. x alone is
    embedded: of what else is known of the training images nothing is known when sampling. ``size`` is E.

    Raises:
        RequestError: there is no such backbone, or x is no picture of one or three channels.
    """

    def __init__(self, kind: str, x_shape: tuple[int, ...], size: int) -> None:
        super().__init__()
        self.kind, self.size = kind, size
        self.backbone: Backbone | EfficientNet | None = None
        if kind.startswith(TIMM):
            check_name(kind.removeprefix(TIMM))
        if kind == FEATURES or kind.startswith(TIMM):
            check_picture(kind, x_shape)
        if len(x_shape) == 3:
            x_shape = (x_shape[0], *(min(SIDE, side) for side in x_shape[1:]))
        self.resize(size_of(x_shape))

    def resize(self, features: int) -> None:
        self.mean: Tensor = nn.Buffer(torch.zeros(features))
        self.projection: Tensor = nn.Buffer(torch.zeros(features, self.size))

    def fetch(self, weights: bool) -> None:
        """Make the backbone, where there is one; its ``weights`` are fetched, or else left to be loaded."""
        if self.kind == FEATURES:
            self.backbone = pretrained() if weights else EfficientNet(None)
        elif self.kind.startswith(TIMM):
            self.backbone = Backbone(self.kind.removeprefix(TIMM), weights)

    def fit(self, x: Tensor, seed: int) -> Tensor:
        """Find the embedding from ``x`` (N, *x_shape), and give it back for each of them, (N, E)."""
        features = torch.cat([self._features(part) for part in x.float().split(1024)])
        if self.kind == "guidance":
            self.mean, self.projection = map(torch.from_numpy, lpp([features.numpy()], self.size, seed=seed))
        else:
            self.mean, self.projection = principal_components(features, self.size)
        return self._project(features)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return self._project(self._features(x.float()))

    def _features(self, x: Tensor) -> Tensor:
        if self.backbone is not None:
            return self.backbone(x)
        if x.ndim == 4 and max(x.shape[-2:]) > SIDE:
            x = F.adaptive_avg_pool2d(x, (min(SIDE, x.shape[-2]), min(SIDE, x.shape[-1])))
        return x.flatten(1)

    def _project(self, features: Tensor) -> Tensor:
        return ((features - self.mean) @ self.projection).clamp(-FARTHEST, FARTHEST)


def principal_components(features: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Mean (F,) and projection (F, size) to whitened principal components of ``features`` (N, F), largest variance first.

    Columns beyond the rank of the data are zero.
    """
    from scipy.linalg import eigh

    rows = features[:: -(-len(features) // MOST_ITEMS)].double().numpy()
    mean = rows.mean(0)
    rows = rows - mean
    items, columns = rows.shape
    wide = items < columns
    gram = (rows @ rows.T if wide else rows.T @ rows) / items
    count = min(size, len(gram))
    values, vectors = eigh(gram, subset_by_index=(len(gram) - count, len(gram) - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = values > max(1e-10, 1e-6 * float(np.trace(gram)))
    deviation = np.sqrt(values[kept])
    axes = rows.T @ vectors[:, kept] / (deviation * np.sqrt(items)) if wide else vectors[:, kept]
    projection = torch.zeros(columns, size)
    projection[:, : axes.shape[1]] = torch.from_numpy(np.ascontiguousarray(axes / deviation)).float()
    return torch.from_numpy(mean).float(), projection


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

    Its weights are fetched if it is to be ``pretrained``; else they are to be loaded from a checkpoint.

    Raises:
        ZooError: the weights cannot be had.
    """

    def __init__(self, name: str, pretrained: bool) -> None:
        super().__init__()
        import timm

        try:
            with torch.random.fork_rng(devices=[]):  # first weights are drawn only to be replaced
                self.net: Any = timm.create_model(name, pretrained=pretrained, num_classes=0)
        except Exception as error:  # of timm, of the hub's client, of the network: each has errors of its own
            if not pretrained:
                raise
            cause = " ".join(str(error).split())[:200]
            raise ZooError(
                f"the pretrained weights of timm's {name!r} cannot be had ({type(error).__name__}: {cause}); "
                "embedding=pixels-pca needs none"
            ) from error
        known = timm.data.resolve_model_data_config(self.net)
        self.size = nn.Buffer(torch.tensor(known["input_size"][1:]))
        self.mean = nn.Buffer(torch.tensor(known["mean"]).view(3, 1, 1))
        self.std = nn.Buffer(torch.tensor(known["std"]).view(3, 1, 1))
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
        x = F.interpolate(x.expand(-1, 3, -1, -1), self.size.tolist(), mode="bicubic", antialias=True).clamp(0, 1)
        return self.net((x - self.mean) / self.std).float()
