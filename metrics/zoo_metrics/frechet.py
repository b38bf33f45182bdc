"""How far the features of all samples, given those of x, are from the truth's: a number of the whole run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from zoo import Fitted, NotApplicable, Pairs, RequestError, size_of
from zoo_metrics.features import OfFeatures

DRAWS = 10
"""Samples drawn for each test item."""
AXES, ITEMS_AN_AXIS = 8, 8
"""Principal components that are kept of the features of x, and of y: fewer where there are few test items."""
TRAINING = 1000
"""Training pairs that the components are found from, at most."""
NUMBERS = 2**20
"""Sampled numbers held at once."""

Moments = tuple[Tensor, Tensor]
"""Of rows (x, y), the means (..., D) and second moments (..., D, D)."""


class ConditionalFrechet(OfFeatures):
    """The conditional Fréchet distance of samples and truth in the features of EfficientNet-lite0.

    Of every picture the unit features of :class:`zoo_metrics.features.FeatureDistance` are averaged over the places; of x,
    and of the picture that x and y show, the first eight principal components of at most a thousand training pairs are kept.
    y's are regressed on x's, once for the true pairs, once for ten samples of each test item; the distance is that of the
    two means, of the two regressions, and of what each leaves unexplained (Fréchet's, between two normal distributions),
    divided by the variance of y's components in training. It is 0 where the means and all covariances agree, those with x
    too: samples that ignore x are charged for it, however right they are as a whole.

    Each item's value is the jackknife's, N times the distance less N - 1 times that without the item. Their mean is free of
    most of the bias that few items bring, and can fall a little below 0. The samples are drawn anew, by the seed of the run.
    """

    unit = "share of the variance of y's features, EfficientNet-lite0"
    source = "Soloveitchik, Diskin, Morin and Wiesel 2021 (conditional Fréchet inception distance); Tan and Le 2019 (network)"
    cites = ("soloveitchik2021cfid", "tan2019efficientnet")
    values: Tensor | None = None

    def prepare(self, fitted: Fitted) -> None:
        """Draw and compare; NotApplicable where x or y is no picture, with few test items, or without the package."""
        task, test, items = fitted.task, fitted.pairs, len(fitted.pairs)
        if len(task.x_shape) != 3 or task.x_shape[0] not in (1, 3):
            raise NotApplicable(f"x of shape {task.x_shape} is no picture of one or three channels")
        if items < 2 * ITEMS_AN_AXIS:
            raise NotApplicable(f"of {items} test items there are no covariances; it takes {2 * ITEMS_AN_AXIS} and more")
        super().prepare(fitted)
        self.device = fitted.model.device
        train = task.pairs(fitted.data, "train", fitted.seed)
        if len(train) < 2:
            raise NotApplicable("of fewer than two training pairs there are no components")
        train = train.subset(torch.arange(0, len(train), -(-len(train) // TRAINING)))
        axes = min(AXES, items // ITEMS_AN_AXIS, len(train))
        of_x = _components(torch.cat([self._seen(part.x) for part in _parts(train)]), axes)
        of_y = _components(torch.cat([self._shown(part.x, part.y) for part in _parts(train)]), axes)
        scale = float(of_y.explained_variance_.sum())
        if not scale > 1e-12:
            raise NotApplicable("the pictures of the training pairs all look alike")
        rows = [
            torch.cat(each)
            for each in zip(*(self._rows(fitted, part, of_x, of_y) for part in _parts(test, DRAWS)), strict=True)
        ]
        distance = conditional_frechet(without_each(rows[0]), without_each(rows[1]), axes) / scale
        self.values = items * distance[0] - (items - 1) * distance[1:]

    def _rows(self, fitted: Fitted, part: Pairs, of_x: Any, of_y: Any) -> tuple[Tensor, Tensor]:
        """The components of x, and of what is shown of y, (B, 1, D), and of what is drawn for x, (B, DRAWS, D)."""
        x = part.x.to(fitted.model.device)
        samples = fitted.model.sample(x, DRAWS, seed=fitted.seed)
        drawn = self._shown(x.repeat_interleave(DRAWS, 0), samples.flatten(0, 1))
        given, true = _along(of_x, self._seen(part.x))[:, None], _along(of_y, self._shown(part.x, part.y))[:, None]
        ours = _along(of_y, drawn).unflatten(0, (len(x), DRAWS))
        return torch.cat([given, true], 2), torch.cat([given.expand(-1, DRAWS, -1), ours], 2)

    def _seen(self, pictures: Tensor) -> Tensor:
        """The features of pictures (B, 1 or 3, h, w), on the CPU."""
        assert self.network is not None
        return self.network(pictures.to(self.device)).cpu()

    def _shown(self, x: Tensor, y: Tensor) -> Tensor:
        """The features of what x and y show together."""
        pictures = None if self.task is None else self.task.render(x, y)
        if pictures is None:
            raise RequestError("what the samples show is no picture")
        return self._seen(pictures)

    def __call__(
        self, samples: Tensor, y: Tensor, *, index: Tensor | None = None, **known: Tensor | None
    ) -> Mapping[str, Tensor]:
        if self.values is None or index is None:
            raise RequestError("a distance of whole runs needs the run (prepare) and the places of the items (index)")
        return {f"@{self.weights}": self.values[index.cpu()].to(y.device)}


def _parts(pairs: Pairs, draws: int = 1) -> Iterator[Pairs]:
    """Some of the pairs at a time, so that the numbers of so many draws for each are bounded."""
    step = max(1, NUMBERS // (draws * max(size_of(pairs.x.shape[1:]), size_of(pairs.y_shape))))
    return (pairs.subset(index) for index in torch.arange(len(pairs)).split(step))


def _components(rows: Tensor, axes: int) -> Any:
    from sklearn.decomposition import PCA

    return PCA(axes, svd_solver="full").fit(rows.double().numpy())


def _along(components: Any, rows: Tensor) -> Tensor:
    return torch.from_numpy(components.transform(rows.double().numpy()))


def without_each(rows: Tensor) -> Moments:
    """Of n rows for each item (N, n, D), the moments of all items, then without each of them in turn: (N + 1, ...)."""
    items, n = rows.shape[:2]
    means, seconds = (
        torch.cat([each.mean(0, keepdim=True), (each.sum(0) - each) / (items - 1)])
        for each in (rows.mean(1), rows.mT @ rows / n)
    )
    return means, seconds


def conditional_frechet(true: Moments, ours: Moments, of_x: int) -> Tensor:
    """The mean over x of the squared Fréchet distance of p(y | x) and q(y | x), (...), of normal p(x, y) and q(x, y).

    The first ``of_x`` numbers of a row are x, whose moments are the same in both.
    """
    (mean, slope, rest, of_x_alone), (mean_q, slope_q, rest_q, _) = (_regressed(*each, of_x) for each in (true, ours))
    turn = slope - slope_q
    values, vectors = torch.linalg.eigh(rest)
    root = vectors * values.clamp(min=0).sqrt()[..., None, :] @ vectors.mT
    common = torch.linalg.eigvalsh(root @ rest_q @ root).clamp(min=0).sqrt().sum(-1)
    spread = (rest + rest_q).diagonal(dim1=-2, dim2=-1).sum(-1) - 2 * common
    return (mean - mean_q).square().sum(-1) + (turn @ of_x_alone * turn).sum((-2, -1)) + spread


def _regressed(mean: Tensor, second: Tensor, of_x: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of moments of (x, y): the mean of y, its slopes along x, the covariance that they leave, and that of x."""
    covariance = second - mean[..., :, None] * mean[..., None, :]
    xx, yx, yy = covariance[..., :of_x, :of_x], covariance[..., of_x:, :of_x], covariance[..., of_x:, of_x:]
    slope = yx @ torch.linalg.pinv(xx, atol=1e-9, rtol=1e-6, hermitian=True)
    return mean[..., of_x:], slope, yy - slope @ yx.mT, xx
