"""Distances in the features of a network that learnt ImageNet, whose weights come with a package; extra ``features``."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn

from zoo_metrics.perceptual import OfNetwork, Perceptual
from zoo_networks import efficientnet


class OfFeatures(OfNetwork):
    """A metric in the features of EfficientNet-lite0."""

    weights = "efficientnet-lite0"

    def load(self) -> nn.Module:
        return _network()


class FeatureDistance(OfFeatures, Perceptual):
    """The distance of two pictures in the features of a network that learnt to tell the thousand classes of ImageNet.

    At each place of each of five stages of EfficientNet-lite0 the features are made of length one; the squared distance is
    averaged over the places, then over the stages: 0 where the pictures are alike, 2 where nothing corresponds, 4 at most.
    That is LPIPS without what it learnt of people, and of another network: compare it with itself alone. The mean over the
    samples, and ``@efficientnet-lite0.best``, that of the nearest.
    """

    unit = "squared distance of unit features, EfficientNet-lite0"
    source = "Zhang, Isola, Efros, Shechtman and Wang 2018, equation 1 with all weights 1; Tan and Le 2019 (the network)"
    cites = ("zhang2018lpips", "tan2019efficientnet")

    def distance(self, network: nn.Module, pictures: Tensor, truth: Tensor) -> Tensor:
        assert isinstance(network, efficientnet.EfficientNet)
        once, place = truth.unique_consecutive(dim=0, return_inverse=True)
        stages = (both.split([len(pictures), len(once)]) for both in network.stages(torch.cat([pictures, once])))
        return torch.stack([(ours - true[place]).square().sum(1).mean((1, 2)) for ours, true in stages]).mean(0)


@lru_cache(1)
def _network() -> efficientnet.EfficientNet:
    """One for all metrics of a process, as nothing changes it."""
    return efficientnet.pretrained()
