"""How different the samples for one x look."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

import torch
from torch import Tensor

from zoo import Fitted, NotApplicable, RequestError
from zoo_metrics.rendering import PictureMetric, parts

SAMPLES, FARTHEST, REPEATS = 20, 10, 5


class Diversity(PictureMetric):
    """The standard deviation of the ten samples that are farthest from the most ordinary one, a pixel.

    Of 20 samples, the one whose mean pixel value is closest to the average of all mean pixel values is found; the 10 whose
    mean pixel values differ most from it are taken, and their standard deviation (divided by their number) is averaged over
    the pixels. That is repeated with further samples, 5 times where there are 100, as often as there are 20 otherwise, and
    averaged. With fewer than 20 samples all there are take their place. Of pictures where the task shows any, else of y.
    """

    unit = "standard deviation of a pixel"
    better = "higher"
    source = "cGML, appendix 3.4"
    expected_failures: ClassVar[Mapping[str, str]] = {
        "the_truth_is_at_least_as_good_as_noise": "it does not look at y, and noise differs most",
    }
    seen = False

    def prepare(self, fitted: Fitted) -> None:
        """Keep the task, if it shows pictures."""
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
