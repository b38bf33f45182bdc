"""Scores of a pool of answers in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _as_it_is(departure: float) -> float:
    return departure


@dataclass(frozen=True)
class Reading:
    """The faults of samples where a score departs from what it is for samples of p(y | x).

    Of the score of a :attr:`Metric.right_at_zero` metric that is its departure, with its sign, and of others the score itself,
    which is then right at 0, too.

    Examples:
        >>> import math
        >>> spread = zoo.Reading("the spread is {} of what the errors call for", "too narrow", "too wide", show=math.exp)
        >>> spread.fault(-0.3), spread.fault(0.2), f"{spread.show(-0.3):.2f}"
        ('too narrow', 'too wide', '0.74')

    Attributes:
        says: what is seen; ``{}`` is where the number stands.
        below: the fault that a departure below 0 tells, in a word or two of :data:`FAULTS`; "" for none.
        above: the same above 0.
        margin: departures of at most this size count as about right; None where no size can be named.
        show: the number that is shown of a departure, rising or falling with it.
        plain: whether it is the plainest of those that tell the same fault, to be told in their place.
    """

    says: str
    below: str = ""
    above: str = ""
    margin: float | None = None
    show: Callable[[float], float] = _as_it_is
    plain: bool = False

    def fault(self, departure: float) -> str:
        """The fault of a departure; "" for none."""
        return self.below if departure < 0 else self.above if departure > 0 else ""


FAULTS = {
    "does not listen to x": "It does not listen to x",
    "leaves x unused": "It leaves unused what x tells",
    "misses modes": "It leaves out answers that there are",
    "invents answers": "It gives answers that there are not",
    "wrong weights": "It gives the answers at the wrong rates",
    "biased": "Its samples are off to one side",
    "too narrow": "Its samples vary too little",
    "too wide": "Its samples vary too much",
    "detail missing": "Its samples lack fine detail",
    "noise": "Its samples have fine detail that is none of y's",
    "memorised": "Its samples lie nearer to training fields than new answers do",
    "off": "It is not p(y | x)",
}
"""The faults in a word or two, each with the words that begin its sentence, in the order in which they are told."""
