"""Pairs of what somebody gives in their place."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from zoo.data.pairs import Pairs
from zoo.utils.errors import RequestError


def pairs_of(given: Any) -> Pairs:
    """The pairs that are given: as such, or as anything in memory of x and y (:class:`zoo.data.memory.Memory`), all of it.

    Raises:
        RequestError: it is nothing of the kind.

    Examples:
        >>> pairs_of(([[0.0], [1.0]], [[2.0], [3.0]])).y.flatten().tolist()
        [2.0, 3.0]
    """
    if isinstance(given, Pairs):
        return given
    from zoo.data.memory import records_of

    pairs = records_of(given).pairs()
    if pairs is None:
        raise RequestError("what is to be fitted to has no x and y; give zoo.Pairs, (x, y), or a Dataset of (x, y)")
    return pairs


def of_given(method: Callable[..., Any]) -> Callable[..., Any]:
    """``method(self, pairs, ...)``, given :func:`pairs_of` its first argument."""

    @wraps(method)
    def fit(self: Any, *args: Any, **known: Any) -> Any:
        if args:
            args = (pairs_of(args[0]), *args[1:])
        elif "pairs" in known:
            known["pairs"] = pairs_of(known["pairs"])
        return method(self, *args, **known)

    return fit
