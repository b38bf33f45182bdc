"""The contract of a metric: a number for each item's pool of samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor

from zoo.contracts.reading import Reading
from zoo.utils.errors import ZooError
from zoo.utils.neutral import Method, guard

if TYPE_CHECKING:
    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.pairs import Pairs
    from zoo.data.records import Data


Better = Literal["lower", "higher"] | None
"""Which way is better: None where neither is."""


@dataclass(frozen=True)
class Score:
    """A metric's mean over the test items (see :meth:`Metric.reduce`), and the ends of its 95 % bootstrap interval over them.

    Where the score is the size of a departure (:attr:`Metric.right_at_zero`), ``departure`` is that with its sign. Where a
    score is known of models that are right (that, and :attr:`Metric.zero_at_least`), or of models that do not heed x
    (``x_gain``), ``p`` is the probability of one as far from it, or farther, by chance alone. Items of one video, scene or
    photo count together in both the interval and ``p``.

    Examples:
        >>> score = zoo.Score(value=0.2, low=0.1, high=0.3, unit="squared error", better="lower")
        >>> f"{score.value} in [{score.low}, {score.high}]"
        '0.2 in [0.1, 0.3]'
    """

    value: float
    low: float
    high: float
    unit: str
    better: Better = None
    departure: float | None = None
    p: float | None = None

    def as_json(self) -> dict[str, Any]:
        """For ``metrics.json``: the value, its interval, unit and direction, and what else is known."""
        told = {"value": self.value, "low": self.low, "high": self.high, "unit": self.unit, "better": self.better}
        return told | {key: value for key in ("departure", "p") if (value := getattr(self, key)) is not None}


LAST = 100
Needs = Literal["samples", "joint_log_prob", "fitted"]
"""What a metric is made of: see :class:`Metric`."""


class NotApplicable(ZooError):
    """A metric has no meaning for a run, or lacks something that it takes: says what.

    Examples:
        >>> raise zoo.NotApplicable("the data knows no attributes")
        Traceback (most recent call last):
        zoo.contracts.metric.NotApplicable: the data knows no attributes
    """


@dataclass(frozen=True)
class Fitted:
    """A run that is about to be measured, as :meth:`Metric.prepare` sees it.

    Examples:
        >>> import torch
        >>> run = zoo.Fitted(model=..., task=..., data=..., pairs=zoo.Pairs(torch.rand(8, 2), torch.rand(8, 1)), seed=3)
        >>> len(run.pairs), run.seed
        (8, 3)

    Attributes:
        model: fitted, on the device of the run.
        task, data: of the run.
        pairs: the test pairs, on the CPU.
        seed: of the run.
    """

    model: Model
    task: Task
    data: Data
    pairs: Pairs
    seed: int


class Metric(ABC):
    """A metric, registered under ``zoo.metrics``.

    What is set in the process is neither changed nor read, as by a :class:`zoo.Model`, and samples that are not finite are
    refused with a ZooError before a metric sees them.

    Examples:
        >>> import torch
        >>> class Bias(zoo.Metric):
        ...     unit, better, source = "mean of the samples less the truth", "lower", "this page"
        ...
        ...     def __call__(self, samples, y, **known):
        ...         return {"": (samples.mean(1) - y).flatten(1).mean(1)}
        >>> Bias()(torch.ones(2, 5, 3), torch.zeros(2, 3))
        {'': tensor([1., 1.])}

    Attributes:
        unit: of the values, in words.
        better: which direction is better; None where neither is, as of the size of a model or of how much samples vary, which
            noise raises too. Models are then neither ranked nor compared by it.
        source: the paper and equation or section that defines it.
        needs: ``"samples"``; ``"joint_log_prob"`` for a metric of the model's own density; ``"fitted"`` for one that
            :meth:`prepare` has to show the whole run first.
        opt_in: whether it is measured only where it is named, because it takes long.
        ranked: whether models are ranked by it, if it has a direction; not by what is worth nothing alone, as their speed.
        place: where it stands in tables, those with the lowest from the left; :data:`LAST` for anywhere behind those.
        right_at_zero: whether :meth:`reduce` gives departures, right at 0 and wrong on either side. The score is then their
            size, and its interval that of the sizes in the interval of the departures, from 0 if that holds 0.
        zero_at_least: whether the score of samples of p(y | x) is 0 on average, and that of others above.
        gains: whether by how much its values get worse for samples of another item's x is a score too, ``x_gain@NAME``: for a
            metric of samples and y whose scores are means. Of several suffixes the last counts.
        reads: what is wrong with the samples where a score departs from 0, by its suffix: for the verdict on a run.
        expected_failures: the checks of :mod:`zoo.testing` that it cannot pass by its nature, each with the reason.
        cites: the papers behind it, by their keys in the ``references.bib`` beside the ``__init__`` of its package.
    """

    unit: ClassVar[str]
    better: ClassVar[Better]
    source: ClassVar[str]
    needs: ClassVar[Needs] = "samples"
    opt_in: ClassVar[bool] = False
    right_at_zero: ClassVar[bool] = False
    ranked: ClassVar[bool] = True
    place: ClassVar[int] = LAST
    zero_at_least: ClassVar[bool] = False
    gains: ClassVar[bool] = False
    reads: ClassVar[Mapping[str, Reading]] = {}
    expected_failures: ClassVar[Mapping[str, str]] = {}
    cites: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        guard(cls, "__init__", "prepare", "reduce")
        guard(cls, "__call__", around=_of_finite_samples)

    def prepare(self, fitted: Fitted) -> None:  # noqa: B027
        """Look at the run before it is measured; called once for each run, before the first call.

        Raises:
            NotApplicable: this cannot be measured of such a run (says why); the metric is then left out with the reason.
        """

    @abstractmethod
    def __call__(
        self,
        samples: Tensor,
        y: Tensor,
        *,
        x: Tensor | None = None,
        pool: Tensor | None = None,
        joint_log_prob: Tensor | None = None,
        index: Tensor | None = None,
    ) -> Mapping[str, Tensor]:
        """Values of each item. A metric takes by name what it uses, and the rest as ``**known``.

        Args:
            samples: (B, n, *y_shape).
            y: (B, *y_shape), the ground truth.
            x: (B, *x_shape).
            pool: (B, M, *y_shape), true draws of p(y | x).
            joint_log_prob: (B,), a lower bound on log p(x, y) in nats.
            index: (B,) int64, the places of the items in the test pairs.

        Returns:
            (B,) values under each suffix: ``{"": v}``, or ``{"@3": v, "@10": w}`` for ``error_of_best@3`` and so on.

        Raises:
            NotApplicable: of so few samples of an item it says nothing; it is then left out with the reason.
        """

    def reduce(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The scores of sets of items from the items' values: by default the mean of the values under each suffix.

        It is asked for that of all test items, and for those of resampled items, from which the interval comes. A ratio of
        means, or the distance of a mean from what is right, is none of an item alone, and is made here.

        Examples:
            >>> import torch
            >>> class Ratio(zoo.Metric):
            ...     unit, better, source = "error for each unit of spread", "lower", "this page"
            ...
            ...     def __call__(self, samples, y, **known):
            ...         far = (samples.mean(1) - y).square().flatten(1).mean(1)
            ...         return {"@error": far, "@spread": samples.var(1).flatten(1).mean(1)}
            ...
            ...     def reduce(self, values):
            ...         return {"": values["@error"].mean(-1) / values["@spread"].mean(-1)}
            >>> Ratio().reduce({"@error": torch.tensor([3.0, 1.0]), "@spread": torch.tensor([2.0, 2.0])})
            {'': tensor(1.)}

        Args:
            values: what calling gave, under each suffix (..., N) float64 on the CPU: N items in each of the sets.

        Returns:
            (...) under each suffix; the suffixes may be others than those of the values.
        """
        return {suffix: value.mean(-1) for suffix, value in values.items()}


def _of_finite_samples(method: Method) -> Method:
    @wraps(method)
    def measure(self: Metric, samples: Tensor, *given: Any, **known: Any) -> Any:
        if not torch.isfinite(samples).all():
            i = next(i for i, each in enumerate(samples) if not torch.isfinite(each).all())
            raise ZooError(f"the samples of item {i} are not finite; {type(self).__name__} measures finite samples only")
        return method(self, samples, *given, **known)

    return measure


guard(Metric, "prepare", "reduce")
