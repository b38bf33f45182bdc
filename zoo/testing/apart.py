"""Checking a subject in a process of its own, which may raise, exit, print or run for ever without harm to this one."""

from __future__ import annotations

from collections.abc import Callable

from zoo.probing.children import Child, Ended, fate
from zoo.testing.checking import chosen
from zoo.testing.outcome import Outcome, Result
from zoo.testing.verdicts import Kind

LIMIT = 120.0
"""Seconds that one check may take, on any machine that one would use."""
ENDS = 3
"""Times that the process may end or be ended within a check before the rest is left undone."""


def check_apart(
    name: str,
    kind: Kind,
    only: tuple[str, ...] = (),
    *,
    tell: Callable[[Result], None] | None = None,
    limit: float = LIMIT,
) -> Outcome:
    """As :func:`zoo.testing.check`, in a process of its own.

    A check that does not end within ``limit`` seconds, or that ends the process, fails, and the others go on in a new
    process. After :data:`ENDS` of these the rest does not run, so that the outcome is not ``ok``.

    Args:
        name: the entry-point name.
        kind: what it is.
        only: the names of the checks to run; all where none is named.
        tell: hears of each result.
        limit: seconds that one check may take.

    Raises:
        RequestError: there is no such check.
    """
    names = tuple(check.name for check in chosen(kind, only))
    outcome, left = Outcome(name, kind, names), list(names)
    for _ in range(ENDS):
        if not left:
            break
        running, importing = "", False
        # One thread: the subjects are small, and others are checked at the same time.
        with Child("zoo.testing.worker", kind, name, *left, threads=1) as child:
            try:
                while left:
                    said = child.hear(limit)
                    importing, running = "importing" in said, said.get("begin", "")
                    if "check" in said:
                        _take(outcome, Result(**said), left, tell)
            except Ended as ended:
                end = f"it did not end within {limit:g} s"
                if ended.code is not None:
                    end = f"it ended the process ({fate(ended.code)})"
        if left and importing:  # it would be the same in every new process
            first = "importing_it_is_quick" if "importing_it_is_quick" in left else left[0]
            _take(outcome, Result(first, "failed", f"importing its module: {end}"), left, tell)
            break
        if left:
            _take(outcome, Result(running or left[0], "failed", end), left, tell)
    return outcome


def _take(outcome: Outcome, result: Result, left: list[str], tell: Callable[[Result], None] | None) -> None:
    if result.check in left:
        left.remove(result.check)
        outcome.add(result)
        if tell is not None:
            tell(result)
