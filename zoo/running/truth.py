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

    from zoo.contracts.task import Task
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
    most, pool = DRAWS + request.n, test.pool
    if pool is not None:
        room = 8.0 * len(test) * most * math.prod(test.y_shape)
        afford(room, f"{most} true draws of {len(test)} items", "take fewer (-n)")
        pool = task.pairs(data, "test", request.seed, pool=most).pool
    if pool is None or _too_few(pool, request.n):
        raise RequestError(f"model {request.model!r} {_reason(pool, data, request.n)}")
    left = pool.shape[1] - request.n
    return test if left >= DRAWS else task.pairs(data, "test", request.seed, pool=left), pool[:, left:]


def lacking(task: Task, data: Data, n: int) -> str:
    """Why a model that needs n true draws has no place on a task, as the end of a sentence about it; "" where it has one."""
    pool = task.pairs(data, "test", pool=1).pool
    if pool is not None:
        pool = task.pairs(data, "test", pool=n + LEAST).pool
    return _reason(pool, data, n) if pool is None or _too_few(pool, n) else ""


def _too_few(pool: Tensor, n: int) -> bool:
    return pool.shape[1] - n < LEAST


def _reason(pool: Tensor | None, data: Data, n: int) -> str:
    if pool is None:
        return f"answers with true draws of p(y | x), and {data} has none for this task: name data that has, or another model"
    known = pool.shape[1]
    return (
        f"takes n = {n} true draws of an item, and {data} has {known}, of which {LEAST} are for metrics: take at most "
        f"{max(0, known - LEAST)} (-n)"
    )
