"""How unlike the samples and the true picture look to networks that learnt it of people; with the extra ``perceptual``."""

from __future__ import annotations

import contextlib
import io
import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo import Fitted, NotApplicable, RequestError
from zoo_metrics.rendering import PictureMetric, in_colour

LEAST = 64
"""Pictures whose smaller side is shorter are enlarged to this: the networks cannot see less."""
AT_ONCE = 64
"""Pictures that are compared at once."""


class _Perceptual(PictureMetric):
    """A distance that a package computes with published weights; the mean over the samples, and ``@best``'s, the smallest.

    It is measured only where it is named: its weights are downloaded at the first use (by the package, to torch's own
    folder), and it takes long; fewer samples (``-n``) and items (``--items``) do. Grey pictures are taken as colour.
    """

    better: ClassVar[Literal["lower", "higher"]] = "lower"
    opt_in: ClassVar[bool] = True
    package: ClassVar[str]
    weights: ClassVar[str]
    """The name of the weights, as it stands behind the metric's own in its id."""

    def __init__(self) -> None:
        super().__init__()
        self.network: nn.Module | None = None

    @abstractmethod
    def load(self) -> nn.Module:
        """The network with its weights, which gives the distances of a batch of pictures."""

    @abstractmethod
    def distance(self, network: nn.Module, pictures: Tensor, truth: Tensor) -> Tensor:
        """The distances (B,) of pictures (B, 3, h, w) in [0, 1]."""

    def prepare(self, fitted: Fitted) -> None:
        """Keep the task that shows the pictures, and load the weights.

        Raises:
            NotApplicable: there are no pictures, the package is not installed, or its weights cannot be had.
        """
        super().prepare(fitted)
        try:
            self.network = _quietly(self.load).eval().requires_grad_(False).to(fitted.model.device)
        except ImportError as error:
            reason = f"package {self.package} cannot be imported ({error}): pip install 'cond-zoo[perceptual]'"
            raise NotApplicable(reason) from error
        except Exception as error:  # whatever a download or a damaged file may raise in the package
            reason = f"its weights ({self.weights}) cannot be had: {type(error).__name__}: {error}"
            raise NotApplicable(" ".join(reason.split())) from error

    def __call__(self, samples: Tensor, y: Tensor, *, x: Tensor | None = None, **known: Tensor | None) -> Mapping[str, Tensor]:
        if self.network is None:
            raise RequestError("a perceptual distance needs the run (prepare), which was not shown")
        found = []
        for made, truth in self.shown_in_parts(samples, y, x):
            same = truth[:, None].expand_as(made)
            ones, others = (enlarged(in_colour(pictures.flatten(0, 1))) for pictures in (made, same))
            pairs = zip(ones.split(AT_ONCE), others.split(AT_ONCE), strict=True)
            each = [self.distance(self.network, one, other).reshape(-1) for one, other in pairs]
            found.append(torch.cat(each).unflatten(0, made.shape[:2]).detach())
        value = torch.cat(found)
        return {f"@{self.weights}": value.mean(1), f"@{self.weights}.best": value.amin(1)}


class LPIPS(_Perceptual):
    """Learned perceptual image patch similarity: the weighted distance of AlexNet's features, as people judge it.

    The authors' package (``lpips``), version 0.1 of their linear weights, on torchvision's AlexNet.
    """

    unit: ClassVar[str] = "LPIPS v0.1, AlexNet"
    source: ClassVar[str] = "Zhang, Isola, Efros, Shechtman and Wang 2018; cGML, appendix 3.2 and Tables 2, 3 and 9"
    package = "lpips"
    weights = "alex-v0.1"

    def load(self) -> nn.Module:
        import lpips

        network: nn.Module = lpips.LPIPS(net="alex", version="0.1", verbose=False)
        return network

    def distance(self, network: nn.Module, pictures: Tensor, truth: Tensor) -> Tensor:
        value: Tensor = network(pictures, truth, normalize=True)
        return value


class PieAPP(_Perceptual):
    """Perceptual image-error assessment through pairwise preference, as people prefer one distortion to another.

    Package ``piq``, its weights PieAPPv0.1, windows of 64 pixels every 27. 0 where the pictures are alike.
    """

    unit: ClassVar[str] = "PieAPP v0.1"
    source: ClassVar[str] = "Prashnani, Cai, Mostofi and Sen 2018; cGML, appendix 3.2 and Tables 2, 3 and 9"
    package = "piq"
    weights = "v0.1"

    def load(self) -> nn.Module:
        import piq

        network: nn.Module = piq.PieAPP(reduction="none", data_range=1.0, stride=27, enable_grad=False)
        return network

    def distance(self, network: nn.Module, pictures: Tensor, truth: Tensor) -> Tensor:
        value: Tensor = network(pictures, truth)
        return value


def enlarged(pictures: Tensor) -> Tensor:
    """Pictures (B, C, h, w) in [0, 1], bilinearly enlarged to a smaller side of :data:`LEAST` if it was shorter."""
    pictures = pictures.clamp(0, 1)
    height, width = pictures.shape[-2:]
    short = min(height, width)
    if short >= LEAST:
        return pictures
    size = [-(-side * LEAST // short) for side in (height, width)]
    return F.interpolate(pictures, size=size, mode="bilinear", align_corners=False)


def _quietly(load: Callable[[], nn.Module]) -> nn.Module:
    """What ``load`` gives, without a word of it, and with the global random state as it was."""
    streams = contextlib.ExitStack()
    with streams, warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        streams.enter_context(contextlib.redirect_stdout(io.StringIO()))
        streams.enter_context(contextlib.redirect_stderr(io.StringIO()))
        warnings.simplefilter("ignore")
        return load()
