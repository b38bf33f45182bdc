"""Fields as the pictures that they show: the base of metrics of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from torch import Tensor

from zoo import Fitted, Metric, NotApplicable, RequestError, Task


class PictureMetric(Metric):
    """A metric of the pictures that a task makes of x and y (:meth:`zoo.Task.render`)."""

    needs = "fitted"
    channels: ClassVar[tuple[int, ...]] = (1, 3)
    """How many a picture may have for this metric."""
    least: ClassVar[int] = 1
    """The smallest side of a picture that it can be measured of."""
    task: Task | None = None

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

    def shown(self, samples: Tensor, y: Tensor, x: Tensor | None) -> Iterator[tuple[Tensor, Tensor]]:
        """The pictures of the samples (B, n, C, h, w) and of y (B, C, h, w), in [0, 1], of a few items at a time.

        Raises:
            RequestError: the metric has not seen the run, or x is not given.
        """
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
