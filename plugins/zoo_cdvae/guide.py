"""The guide of the codes of x, where it is an embedding not of its pixels but of what a network sees in them."""

from __future__ import annotations

from torch import Tensor

from zoo import Batch, Pairs
from zoo_networks.efficientnet import pretrained


class Features:
    """EfficientNet-lite0's features of x, in place of its pixels and with as much variance over the training set.

    So what else is known of the images weighs as much beside them as beside pixels. Only training takes them: the network is
    no part of the model, nor of its checkpoints. Of x that training does not change they are taken once and for all.

    Raises:
        ZooError: the package with the weights is not installed.
    """

    def __init__(self, pairs: Pairs) -> None:
        self.network = pretrained()
        features = self.network(pairs.x)
        ours, pixels = (values.var(0, correction=0).sum().item() for values in (features, pairs.x.flatten(1)))
        self.scale = (pixels / max(ours, 1e-12)) ** 0.5
        self.found = self.scale * features
        self.changing = pairs.changing

    def of(self, batch: Batch) -> Tensor:
        """(B, F), those of the x of a batch."""
        if not self.changing and batch.index is not None:
            return self.found[batch.index.to(self.found.device)].to(batch.x.device)
        return self.scale * self.network.to(batch.x.device)(batch.x)
