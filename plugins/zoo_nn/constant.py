"""The best fields that ignore x, by k-means, and the best single answer, by ridge regression.

Source: Lloyd 1982 and Arthur and Vassilvitskii 2007 (k-means); Hoerl and Kennard 1970 (ridge regression).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo import History, Model, Noise, Pairs, at_least, pick, size_of

FIELDS = 2**14
"""Training fields that k-means looks at, at most, spread evenly over all."""
WEIGHTS = 2**24
"""Coefficients of the regression, at most."""
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, math.inf)
"""Ridge penalties that are tried, over the mean variance of a number of x; the last leaves the mean of y alone."""
FIFTH = 5
"""One in so many training pairs (or groups of them) is held out to choose among these."""


@dataclass(frozen=True)
class CentresConfig:
    """Settings of the fields that ignore x.

    Attributes:
        centres: how many fields k-means places among the training fields.
    """

    centres: int = 100

    def __post_init__(self) -> None:
        at_least(self, 1, "centres")


class Centres(Model):
    """A hundred fields that do not look at x: what a pool reaches that knows the training fields by heart, and nothing of x.

    They are the centres of k-means over the training y, which are placed so that the nearest of them is near, which is what
    ``error_of_best`` asks of a pool. Every centre counts once, however many fields are near it: giving the frequent ones
    twice would leave others out, and drawing by frequency is what ``random`` does. They come in the order in which each
    brings the training fields nearest to the pool so far, so that the first k are a good pool of k too, for every k; where
    more samples are drawn than there are centres, they come again in this order. The seed of sampling changes nothing.
    """

    Config: ClassVar[type] = CentresConfig
    check_settings: ClassVar[Mapping[str, Any]] = {"centres": 8}
    expected_failures: ClassVar[Mapping[str, str]] = {
        "another_x_gives_other_samples": "it does not look at x",
        "another_seed_gives_other_samples": "its fields come in a fixed order",
        "without_a_seed_every_call_is_new": "its fields come in a fixed order",
    }
    config: CentresConfig
    centres: Tensor

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        self.allocate({})

    def fit(self, pairs: Pairs, *, seed: int = 0, device: str | torch.device = "auto", **training: Any) -> History:
        """Place the centres, on the CPU and in one thread, so that the same seed gives the same to the bit."""
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits

        self.check_pairs(pairs)
        fields = pairs.y[pairs.spread(FIELDS)].flatten(1).float().cpu()
        distinct = len({field.numpy().tobytes() for field in fields})
        count = min(self.config.centres, distinct)
        means = KMeans(count, n_init=1, max_iter=100, random_state=seed % 2**32)
        with threadpool_limits(1):
            found = torch.from_numpy(means.fit(fields.numpy()).cluster_centers_).float()
        ordered = found[_best_first(torch.cdist(fields, found).square())]
        self.centres = ordered.view(-1, *self.y_shape).to(pick(device))
        self.fitted = True
        self.eval()
        return History(0, 0.0)

    def allocate(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.register_buffer("centres", torch.zeros(*shapes.get("centres", (0,))[:1], *self.y_shape))

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        return self.centres[torch.arange(n, device=code.device) % len(self.centres)].expand(len(code), n, *self.y_shape)


def _best_first(far: Tensor) -> list[int]:
    """The centres, each the one that most lowers the mean distance of the fields to the nearest so far; ``far`` is (N, K)."""
    order: list[int] = []
    nearest = torch.full((len(far), 1), math.inf, dtype=far.dtype)
    for _ in range(far.shape[1]):
        cost = torch.minimum(far, nearest).mean(0)
        cost[order] = math.inf
        order.append(int(cost.argmin()))
        nearest = torch.minimum(nearest, far[:, order[-1:]])
    return order


@dataclass(frozen=True)
class SingleAnswerConfig:
    """Settings of the best single answer.

    Attributes:
        regression: whether it is a regression of y on x; else it is the mean of the training y, whatever x is.
        inputs: numbers of x that the regression sees, at most, fewer where y is large: larger x are averaged over squares.
    """

    regression: bool = True
    inputs: int = 2048

    def __post_init__(self) -> None:
        at_least(self, 1, "inputs")


class SingleAnswer(Model):
    """The best single answer: an estimate of the mean of p(y | x), n times.

    No other single answer has a lower expected squared error than that mean, and a pool that is no better than one answer has
    no use for its other samples. The estimate is the linear regression of y on x; its ridge penalty is chosen on a fifth of
    the training pairs, whole groups of them, and may be so large that the mean of the training y is all that is left. Samples
    are clipped to the range of the training fields.
    """

    Config: ClassVar[type] = SingleAnswerConfig
    check_settings: ClassVar[Mapping[str, Any]] = {"inputs": 64}
    expected_failures: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("another_seed_gives_other_samples", "without_a_seed_every_call_is_new", "a_pool_has_spread"),
        "it gives one answer for each x",
    )
    config: SingleAnswerConfig

    def __init__(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...], /, **config: Any) -> None:
        super().__init__(x_shape, y_shape, **config)
        inputs, outputs = self._seen(torch.zeros(1, *self.x_shape)).shape[1], size_of(self.y_shape)
        self.mean_x: Tensor = nn.Buffer(torch.zeros(inputs))
        self.mean_y: Tensor = nn.Buffer(torch.zeros(outputs))
        self.weights: Tensor = nn.Buffer(torch.zeros(inputs, outputs))
        self.limits: Tensor = nn.Buffer(torch.tensor([-math.inf, math.inf]))

    def fit(self, pairs: Pairs, *, device: str | torch.device = "auto", **training: Any) -> History:
        """Solve for the coefficients, on the CPU; seed, epochs and all other settings of training change nothing."""
        self.check_pairs(pairs)
        x, y = self._seen(pairs.x.float().cpu()), pairs.y.flatten(1).float().cpu()
        self.to("cpu")
        self.limits = torch.stack([y.min(), y.max()])
        penalty = math.inf
        if self.config.regression:
            number = {group: i for i, group in enumerate(dict.fromkeys(pairs.groups))}
            of = torch.tensor([number[group] for group in pairs.groups]) if number else torch.arange(len(x))
            held = of % FIFTH == FIFTH - 1
            if held.any():
                ridge = _Ridge(x[~held], y[~held])
                penalty = min(PENALTIES, key=lambda penalty: ridge.error(x[held], y[held], penalty))
        ridge = _Ridge(x, y)
        self.mean_x, self.mean_y, self.weights = ridge.mean_x, ridge.mean_y, ridge.weights(penalty)
        self.to(pick(device))
        self.fitted = True
        self.eval()
        return History(0, 0.0)

    def encode(self, x: Tensor) -> Tensor:
        """The answer to each x, (B, *y_shape)."""
        field = self.mean_y + (self._seen(x) - self.mean_x) @ self.weights
        return field.clamp(self.limits[0], self.limits[1]).view(len(x), *self.y_shape)

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        return code[:, None].expand(-1, n, *self.y_shape)

    def _seen(self, x: Tensor) -> Tensor:
        """The numbers of x (B, *x_shape) that the regression sees, (B, D)."""
        most = max(1, min(self.config.inputs, WEIGHTS // size_of(self.y_shape)))
        if size_of(self.x_shape) <= most:
            return x.flatten(1)
        if x.ndim == 4 and x.shape[1] <= most:
            return F.adaptive_avg_pool2d(x, math.isqrt(most // x.shape[1])).flatten(1)
        return F.adaptive_avg_pool1d(x.flatten(1), most)


class _Ridge:
    """Ridge regressions of y (N, E) on x (N, D), for every penalty from one decomposition in double precision."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.mean_x, self.mean_y = x.double().mean(0).float(), y.double().mean(0).float()
        self.variance = torch.zeros(x.shape[1], x.shape[1], dtype=torch.float64)
        self.covariance = torch.zeros(x.shape[1], y.shape[1], dtype=torch.float64)
        for a, b in zip((x - self.mean_x).split(1024), (y - self.mean_y).split(1024), strict=True):
            self.variance += a.double().T @ a.double() / len(x)
            self.covariance += a.double().T @ b.double() / len(x)
        self.values, self.vectors = torch.linalg.eigh(self.variance)
        self.inner = self.vectors.T @ self.covariance

    def weights(self, penalty: float) -> Tensor:
        """The coefficients (D, E) with a penalty over the mean variance of a number of x."""
        least = penalty * self.values.clamp_min(0).mean()
        if not 0 < least < math.inf:  # nothing is left to say, or x never varies
            return torch.zeros_like(self.covariance).float()
        return (self.vectors @ (self.inner / (self.values.clamp_min(0) + least)[:, None])).float()

    def error(self, x: Tensor, y: Tensor, penalty: float) -> float:
        """The mean squared error over pairs that it was not made of."""
        weights, error = self.weights(penalty), 0.0
        for a, b in zip(x.split(1024), y.split(1024), strict=True):
            error += (self.mean_y + (a - self.mean_x) @ weights - b).double().square().sum().item()
        return error / y.numel()
