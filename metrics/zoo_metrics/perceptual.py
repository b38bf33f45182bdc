"""How unlike the samples and the true picture look to networks that learnt it of people; with the extra ``perceptual``."""

from __future__ import annotations

import io
import warnings
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import ClassVar

import torch
from torch import Tensor, nn

from zoo import Fitted, NotApplicable, RequestError, ZooError
from zoo_metrics.pictures import PictureMetric
from zoo_networks.efficientnet import colour, together


class OfNetwork(PictureMetric):
    """A metric of pictures as a network sees them whose weights come with a package, or through one.

    It is measured only where it is named, because it takes long; fewer samples (``-n``) and items (``--items``) do. Grey
    pictures are taken as colour.
    """

    better = "lower"
    opt_in = True
    weights: ClassVar[str]
    """The name of the weights, as it stands in the metric's id."""
    network: nn.Module | None = None

    @abstractmethod
    def load(self) -> nn.Module:
        """The network with its weights; ZooError where they cannot be had."""

    def prepare(self, fitted: Fitted) -> None:
        """Keep the task and load the weights; NotApplicable without pictures, the package or its weights."""
        super().prepare(fitted)
        try:
            # The packages print, warn and draw from the global random state.
            silence = io.StringIO()
            with redirect_stdout(silence), redirect_stderr(silence), torch.random.fork_rng([]), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                network = self.load()
            self.network = network.eval().requires_grad_(False).to(fitted.model.device)
        except ZooError as error:
            raise NotApplicable(str(error)) from error


class Perceptual(OfNetwork):
    """A distance of two pictures; the mean over the samples, and ``@best``'s, the smallest."""

    @abstractmethod
    def distance(self, network: nn.Module, pictures: Tensor, truth: Tensor) -> Tensor:
        """The distances (B,) of a few pictures (B, 3, h, w) from as many true ones, both in [0, 1]."""

    def __call__(self, samples: Tensor, y: Tensor, *, x: Tensor | None = None, **known: Tensor | None) -> Mapping[str, Tensor]:
        if self.network is None:
            raise RequestError("a perceptual distance needs the run (prepare), which was not shown")
        network, distances = self.network.to(y.device), []
        for pictures, truth in self.shown(samples, y, x):
            both = pictures.flatten(0, 1), truth.repeat_interleave(pictures.shape[1], 0)
            parts = zip(*(shown.split(together(truth)) for shown in both), strict=True)
            each = [self.distance(network, colour(some), colour(true)) for some, true in parts]
            distances.append(torch.cat(each).unflatten(0, pictures.shape[:2]).detach())
        value = torch.cat(distances)
        return {f"@{self.weights}": value.mean(1), f"@{self.weights}.best": value.amin(1)}


class _Published(Perceptual):
    """A distance that a package computes; its weights are downloaded at the first use (by it, to torch's own folder)."""

    package: ClassVar[str]
    more: ClassVar[dict[str, bool]] = {}
    """The package, and arguments of the network besides the pictures."""

    @abstractmethod
    def make(self) -> nn.Module:
        """The network with its weights, by the package."""

    def load(self) -> nn.Module:
        try:
            return self.make()
        except ImportError as error:
            reason = f"package {self.package} cannot be imported ({error}): pip install 'cond-zoo[perceptual]'"
            raise ZooError(reason) from error
        except Exception as error:  # whatever a download or a damaged file may raise in the package
            reason = f"its weights ({self.weights}) cannot be had: {type(error).__name__}: {error}"
            raise ZooError(" ".join(reason.split())) from error

    def distance(self, network: nn.Module, pictures: Tensor, truth: Tensor) -> Tensor:
        return network(pictures, truth, **self.more).reshape(-1)


class LPIPS(_Published):
    """Learned perceptual image patch similarity: the weighted distance of AlexNet's features, as people judge it.

    The authors' package (``lpips``), version 0.1 of their linear weights, on torchvision's AlexNet.
    """

    unit = "LPIPS v0.1, AlexNet"
    source = "Zhang, Isola, Efros, Shechtman and Wang 2018; cGML, appendix 3.2 and Tables 2, 3 and 9"
    cites = ("zhang2018lpips", "ramasinghe2021cgml")
    package = "lpips"
    weights = "alex-v0.1"
    more: ClassVar[dict[str, bool]] = {"normalize": True}

    def make(self) -> nn.Module:
        import lpips

        return lpips.LPIPS(net="alex", version="0.1", verbose=False)


class PieAPP(_Published):
    """Perceptual image-error assessment through pairwise preference, as people prefer one distortion to another.

    Package ``piq``, its weights PieAPPv0.1, windows of 64 pixels every 27. 0 where the pictures are alike.
    """

    unit = "PieAPP v0.1"
    source = "Prashnani, Cai, Mostofi and Sen 2018; cGML, appendix 3.2 and Tables 2, 3 and 9"
    cites = ("prashnani2018pieapp", "ramasinghe2021cgml")
    package = "piq"
    weights = "v0.1"

    def make(self) -> nn.Module:
        import piq

        return piq.PieAPP(reduction="none", data_range=1.0, stride=27, enable_grad=False)
