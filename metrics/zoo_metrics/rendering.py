"""What metrics of pictures share: the fields as the pictures that they show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from torch import Tensor

from zoo import Fitted, Metric, Needs, NotApplicable, RequestError, Task


class PictureMetric(Metric):
    """A metric of the pictures that a task makes of x and y (:meth:`zoo.Task.render`)."""

    needs: ClassVar[Needs] = "fitted"
    channels: ClassVar[tuple[int, ...]] = (1, 3)
    """How many a picture may have for this metric."""
    least: ClassVar[int] = 1
    """The smallest side of a picture that it can be measured of."""

    def __init__(self) -> None:
        self.task: Task | None = None

    def prepare(self, fitted: Fitted) -> None:
        """Keep the task that shows the pictures.

        Raises:
            NotApplicable: it shows none, or none that this metric takes.
        """
        shown = fitted.task.render(fitted.pairs.x[:1], fitted.pairs.y[:1])
        if shown is None:
            raise NotApplicable(f"a {fitted.task.y_name} is no picture")
        channels, height, width = shown.shape[1:]
        if channels not in self.channels:
            raise NotApplicable(f"the pictures have {channels} channel{'s' * (channels > 1)}; it takes {self.channels[0]}")
        if min(height, width) < self.least:
            raise NotApplicable(f"the pictures are {height} x {width}; it takes {self.least} pixels a side and more")
        self.task = fitted.task

    def shown(self, samples: Tensor, y: Tensor, x: Tensor | None) -> tuple[Tensor, Tensor]:
        """The pictures of the samples (B, n, C, h, w) and of y (B, C, h, w), in [0, 1].

        Raises:
            RequestError: the metric has not seen the run, or x is not given.
        """
        if self.task is None or x is None:
            raise RequestError("a metric of pictures needs the run (prepare) and x; one of them is not given")
        n = samples.shape[1]
        truth = self.task.render(x, y)
        made = self.task.render(x[:, None].expand(-1, n, *x.shape[1:]).flatten(0, 1), samples.flatten(0, 1))
        if truth is None or made is None:
            raise RequestError("what the samples show is no picture")
        return made.detach().unflatten(0, (len(samples), n)), truth.detach()

    def shown_in_parts(self, samples: Tensor, y: Tensor, x: Tensor | None) -> Iterator[tuple[Tensor, Tensor]]:
        """:meth:`shown` of a few items at a time, in their order."""
        for part in parts(samples):
            yield self.shown(samples[part], y[part], None if x is None else x[part])


def in_colour(pictures: Tensor) -> Tensor:
    """Pictures (..., 1 or 3, h, w) as R, G, B (..., 3, h, w)."""
    return pictures.expand(*pictures.shape[:-3], 3, *pictures.shape[-2:])


def parts(samples: Tensor, most: int = 2**18) -> list[slice]:
    """Items of samples (B, n, *y_shape) in parts of about so many numbers: what fits the cache of a processor is quick."""
    step = max(1, most // max(1, samples[0].numel())) if not samples.is_cuda else len(samples)
    return [slice(start, start + step) for start in range(0, len(samples), step)]
