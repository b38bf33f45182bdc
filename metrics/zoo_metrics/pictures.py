"""Metrics of the pictures that samples show: how near they come to the true one, how they differ, and their colours."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from zoo import Fitted, Metric, NotApplicable, RequestError, Task

WINDOW, SIGMA = 11, 1.5
SAMPLES, FARTHEST, REPEATS = 20, 10, 5
WIDTH, REACH = 10.0, 115.0
"""Of the bins of a and b: ten wide, from -115 to 115; the middle one holds what is grey (Zhang, Isola and Efros 2016, 2.1)."""
BINS = round(2 * REACH / WIDTH)
FINEST = 2**7
"""Levels of a channel that are told apart, half as many as a stored picture has."""
TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
WHITE = (0.95047, 1.0, 1.08883)


class PictureMetric(Metric):
    """A metric of the pictures that a task makes of x and y (:meth:`zoo.Task.render`)."""

    needs = "fitted"
    channels: ClassVar[tuple[int, ...]] = (1, 3)
    least: ClassVar[int] = 1
    """The numbers of channels that a picture may have for this metric, and its smallest side."""
    task: Task | None = None

    def prepare(self, fitted: Fitted) -> None:
        """Keep the task; NotApplicable where it shows no pictures, or none that this metric takes."""
        shown = fitted.task.render(fitted.pairs.x[:1], fitted.pairs.y[:1])
        if shown is None:
            raise NotApplicable(f"a {fitted.task.y_name} is no picture")
        channels, height, width = shown.shape[1:]
        if channels not in self.channels:
            raise NotApplicable(f"the pictures have {channels} channel{'s' * (channels > 1)}; it takes {self.channels[0]}")
        if min(height, width) < self.least:
            raise NotApplicable(f"the pictures are {height} x {width}; it takes {self.least} pixels a side and more")
        self.task = fitted.task

    def shown(self, samples: Tensor, y: Tensor, x: Tensor | None) -> Iterator[tuple[Tensor, Tensor]]:
        """The pictures of the samples (B, n, C, h, w) and of y (B, C, h, w), in [0, 1], of a few items at a time."""
        if self.task is None or x is None:
            raise RequestError("a metric of pictures needs the run (prepare) and x; one of them is not given")
        for part in parts(samples):
            some, given = samples[part], x[part]
            n = some.shape[1]
            truth = self.task.render(given, y[part])
            pictures = self.task.render(given.repeat_interleave(n, 0), some.flatten(0, 1))
            if truth is None or pictures is None:
                raise RequestError("what the samples show is no picture")
            yield pictures.detach().unflatten(0, (len(some), n)), truth.detach()


def parts(samples: Tensor, most: int = 2**18) -> list[slice]:
    """Items of samples (B, n, *y_shape) in parts of about so many numbers: what fits the cache of a processor is quick."""
    step = max(1, most // max(1, samples[0].numel())) if not samples.is_cuda else len(samples)
    return [slice(start, start + step) for start in range(0, len(samples), step)]


class _Likeness(PictureMetric):
    """A likeness of two pictures: its mean over the samples, and under ``@best`` that of the sample most alike."""

    better = "higher"

    @abstractmethod
    def likeness(self, samples: Tensor, y: Tensor) -> Tensor:
        """(B, n) of pictures (B, n, C, h, w) and (B, C, h, w)."""

    def __call__(self, samples: Tensor, y: Tensor, *, x: Tensor | None = None, **known: Tensor | None) -> Mapping[str, Tensor]:
        value = torch.cat([self.likeness(*part) for part in self.shown(samples, y, x)])
        return {"": value.mean(1), "@best": value.amax(1)}


class PSNR(_Likeness):
    """The peak signal-to-noise ratio of the pictures, 10 log10(1 / mean squared error), at most 100 dB.

    The mean over the samples, each of which has its own ratio, and ``@best``, that of the sample nearest to the truth. The
    more alike the higher, so a pool with the right variety has a lower mean than the one picture that is the average of all.
    """

    unit = "dB"
    source = "cGML, appendix 3.2 and Table 3; peak signal 1"
    cites = ("ramasinghe2021cgml",)

    def likeness(self, samples: Tensor, y: Tensor) -> Tensor:
        error = (samples - y[:, None]).square().flatten(2).mean(2)
        return (-10 * error.log10()).clamp(max=100.0)


class SSIM(_Likeness):
    """The structural similarity of the pictures: 1 where they are alike, about 0 where nothing corresponds.

    Means, variances and covariances under a Gaussian window of 11 pixels (sigma 1.5), taken wherever the whole window lies
    in the picture, with K1 = 0.01 and K2 = 0.03, and averaged over pixels and channels. The mean over the samples, and
    ``@best``, that of the sample most alike. Pictures of fewer than 11 pixels a side have none.
    """

    unit = "structural similarity"
    source = "Wang, Bovik, Sheikh and Simoncelli 2004, equation 13; cGML, Table 3"
    cites = ("wang2004ssim", "ramasinghe2021cgml")
    least: ClassVar[int] = WINDOW

    def likeness(self, samples: Tensor, y: Tensor) -> Tensor:
        down, across = (_window(size, samples.device, samples.dtype) for size in samples.shape[-2:])

        def blurred(pictures: Tensor) -> Tensor:  # two plain products, the second of the rows as columns: the mean is the same
            return (pictures @ across).mT.contiguous() @ down

        y = y[:, None]
        mean, mean_y = blurred(samples), blurred(y)
        product = mean * mean_y
        squares = mean.square() + mean_y.square()
        covariance = blurred(samples * y).sub_(product)
        variances = blurred(samples.square()).add_(blurred(y.square())).sub_(squares)
        c1, c2 = 0.01**2, 0.03**2
        top = product.mul_(2).add_(c1).mul_(covariance.mul_(2).add_(c2))
        return top.div_(squares.add_(c1).mul_(variances.add_(c2))).flatten(2).mean(2)


@lru_cache(16)
def _window(size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The Gaussian window at each place as the columns of a matrix (size, size - 10): to multiply with is to filter."""
    weights = torch.exp(-(torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2).square() / (2 * SIGMA**2))
    places = torch.arange(size - WINDOW + 1)
    matrix = torch.zeros(size, len(places), dtype=torch.float64)
    for i, weight in enumerate(weights / weights.sum()):
        matrix[places + i, places] = weight
    return matrix.to(device, dtype)


class Diversity(PictureMetric):
    """The standard deviation of the ten samples that are farthest from the most ordinary one, a pixel.

    Of 20 samples, the one whose mean pixel value is closest to the average of all mean pixel values is found; the 10 whose
    mean pixel values differ most from it are taken, and their standard deviation (divided by their number) is averaged over
    the pixels. That is repeated with further samples, 5 times where there are 100, as often as there are 20 otherwise, and
    averaged. With fewer than 20 samples all there are take their place. Of pictures where the task shows any, else of y.
    Neither way is better: noise differs most.
    """

    unit = "standard deviation of a pixel"
    better = None
    source = "cGML, appendix 3.4"
    cites = ("ramasinghe2021cgml",)
    seen = False

    def prepare(self, fitted: Fitted) -> None:
        self.task, self.seen = None, True
        with suppress(NotApplicable):
            super().prepare(fitted)

    def __call__(self, samples: Tensor, y: Tensor, *, x: Tensor | None = None, **known: Tensor | None) -> Mapping[str, Tensor]:
        if not self.seen:
            raise RequestError("whether the samples are pictures is known of a run alone, which was not shown (prepare)")
        if self.task is not None:
            return {"": torch.cat([_diversity(pictures) for pictures, _ in self.shown(samples, y, x)])}
        return {"": torch.cat([_diversity(samples[part]) for part in parts(samples)])}


def _diversity(samples: Tensor) -> Tensor:
    """Of samples (B, n, ...), (B,): the six steps of the paper."""
    flat = samples.flatten(2)
    groups = min(REPEATS, flat.shape[1] // SAMPLES)
    rows = flat[:, : groups * SAMPLES].unflatten(1, (groups, SAMPLES)) if groups else flat[:, None]
    drawn = rows.flatten(0, 1)
    means = drawn.mean(2, dtype=torch.float64)
    ordinary = (means - means.mean(1, keepdim=True)).abs().argmin(1, keepdim=True)
    distance = (means - means.gather(1, ordinary)).abs()
    farthest = distance.topk(min(FARTHEST, drawn.shape[1]), 1).indices
    chosen = drawn[torch.arange(len(drawn), device=drawn.device)[:, None], farthest]
    spread = (chosen - chosen.mean(1, keepdim=True)).square_().mean(1).sqrt_().mean(1)
    return spread.unflatten(0, rows.shape[:2]).mean(1)


class ColourOverlap(PictureMetric):
    """The intersection over union of the colours of all samples and of the truth, in the planes a and b of CIE Lab.

    Of colour pictures: for each item the values of a in all pixels of all samples make one histogram, those of the truth
    another, both of sum 1; the sum of the smaller heights over that of the greater is ``@a``. ``@b`` likewise, and the mean.
    """

    unit = "intersection over union"
    better = "higher"
    source = "cGML, appendix 3.5, Table 8 and Figure 33; bins of Zhang, Isola and Efros 2016"
    cites = ("ramasinghe2021cgml", "zhang2016colorful")
    channels: ClassVar[tuple[int, ...]] = (3,)
    bins: Tensor | None = None

    def __call__(self, samples: Tensor, y: Tensor, *, x: Tensor | None = None, **known: Tensor | None) -> Mapping[str, Tensor]:
        if self.bins is None or self.bins.device != y.device:
            self.bins = _table().to(y.device)
        shares = []
        for pictures, truth in self.shown(samples, y, x):
            ours, true = _histograms(pictures, self.bins), _histograms(truth[:, None], self.bins)
            shares.append(torch.minimum(ours, true).sum(2) / torch.maximum(ours, true).sum(2))
        a, b = torch.cat(shares).unbind(1)
        return {"": (a + b) / 2, "@a": a, "@b": b}


def _histograms(pictures: Tensor, table: Tensor) -> Tensor:
    """Of pictures (B, n, 3, h, w), the shares of their pixels in each bin of a and b: (B, 2, BINS)."""
    items = len(pictures)
    red, green, blue = pictures.mul(FINEST).to(torch.int32).clamp_(0, FINEST - 1).unbind(2)
    cell = table[red.mul_(FINEST).add_(green).mul_(FINEST).add_(blue).flatten(1)]
    row = torch.arange(items, device=cell.device, dtype=cell.dtype)[:, None] * BINS**2
    counts = torch.bincount((cell + row).flatten(), minlength=items * BINS**2).view(items, BINS, BINS)
    both = torch.stack([counts.sum(2), counts.sum(1)], 1).float()
    return both / both.sum(2, keepdim=True)


def _table() -> Tensor:
    """The bin of a times BINS plus that of b, for the middle of every cell of R, G and B: (FINEST ** 3,) int32."""
    level = (torch.arange(FINEST) + 0.5) / FINEST
    grid = torch.stack(torch.meshgrid(level, level, level, indexing="ij"))[None]
    a, b = ((lab(grid)[0, 1:].flatten(1) + REACH) / WIDTH).long().clamp_(0, BINS - 1)
    return (a * BINS + b).to(torch.int32)


def lab(pictures: Tensor) -> Tensor:
    """Pictures (B, 3, ...), sRGB in [0, 1], as L in [0, 100], a and b of CIE Lab under D65."""
    linear = torch.where(pictures <= 0.04045, pictures / 12.92, ((pictures + 0.055) / 1.055).clamp(min=0) ** 2.4)
    matrix = pictures.new_tensor(TO_XYZ) / pictures.new_tensor(WHITE)[:, None]
    xyz = torch.einsum("ij,bj...->bi...", matrix, linear)
    f = torch.where(xyz > (6 / 29) ** 3, xyz.clamp(min=1e-9) ** (1 / 3), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)
