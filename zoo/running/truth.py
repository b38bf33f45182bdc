"""True draws of p(y | x) for a model that answers with them, apart from those that metrics compare samples with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from zoo.reporting.pictures import DRAWS
from zoo.running.plan import Plan
from zoo.utils.bounds import afford
from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.data.pairs import Pairs
    from zoo.data.records import Data

LEAST = 2
"""True draws of an item that are left to metrics, at least: fewer have no distance between two of them."""


def scored_pairs(plan: Plan) -> tuple[Pairs, Tensor | None]:
    """All test pairs, with true draws where the data has them; and n more (N, n, *y_shape) where the model needs them.

    Raises:
        RequestError: the model needs true draws, and there are none, or too few for n samples.
    """
    request, task, data = plan.request, plan.task, plan.data
    test = task.pairs(data, "test", request.seed, pool=DRAWS)
    if not plan.model.needs_truth:
        return test, None
    if test.pool is None:
        raise RequestError(f"model {request.model!r} {lacking(data)}")
    most, n = DRAWS + request.n, request.n
    afford(8.0 * len(test) * most * math.prod(test.y_shape), f"{most} true draws of {len(test)} items", "take fewer (-n)")
    pool = task.pairs(data, "test", request.seed, pool=most).pool
    assert pool is not None
    if (left := pool.shape[1] - n) < LEAST:
        raise RequestError(
            f"model {request.model!r} takes n = {n} true draws of an item, and {request.data} has {pool.shape[1]}, of which "
            f"{LEAST} are for metrics: take at most {max(0, pool.shape[1] - LEAST)} (-n)"
        )
    if left < DRAWS:
        test = task.pairs(data, "test", request.seed, pool=left)
    return test, pool[:, left:]


def lacking(data: Data) -> str:
    """Why a model that needs true draws has no place here, as the end of a sentence that begins with the model."""
    return f"answers with true draws of p(y | x), and {data} has none for this task: name data that has, or another model"
