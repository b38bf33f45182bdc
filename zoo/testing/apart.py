"""Checking a subject in a process of its own, which may raise, exit, print or run for ever without harm to this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from zoo.probing.children import START, Child, Ended, Parent, fate
from zoo.probing.state import kept
from zoo.probing.watch import watch
from zoo.testing.checking import chosen, subject_of
from zoo.testing.outcome import Outcome, Result, State, run_one
from zoo.testing.verdicts import Kind

LIMIT = 120.0
"""Seconds that one check may take, on any machine that one would use."""
ENDS = 3
"""Times that the process may end or be ended within a check before the rest is left undone, and the outcome not ok."""


def check_apart(
    name: str,
    kind: Kind,
    only: tuple[str, ...] = (),
    *,
    tell: Callable[[Result], object] = lambda result: None,
    limit: float = LIMIT,
) -> Outcome:
    """As :func:`zoo.testing.check`, in a process of its own; ``tell`` hears of each result.

    A check that does not end within ``limit`` seconds, or that ends the process, fails; the others go on in a new one.
    """
    outcome = Outcome(name, kind, tuple(check.name for check in chosen(kind, only)))

    def take(check: str, state: State, words: str) -> None:
        outcome.add(result := Result(check, state, words))
        tell(result)

    for _ in range(ENDS):
        if not outcome.missing:
            break
        said: dict[str, Any] | None = None
        # One thread: the subjects are small, and others are checked at the same time.
        with Child("zoo.testing.apart", kind, name, *outcome.missing, threads=1) as child:
            try:
                while outcome.missing:
                    said = child.hear(START if said is None else limit)
                    if "check" in said:
                        take(**said)
                    elif "fault" in said:  # the rest would say the same
                        return outcome
            except Ended as ended:
                end = f"it did not end within {limit:g} s"
                if ended.code is not None:
                    end = f"it ended the process ({fate(ended.code)})"
        if outcome.missing and said == {"importing": name}:  # it would be the same in every new process
            quick = "importing_it_is_quick"
            first = quick if quick in outcome.missing else outcome.missing[0]
            take(first, "failed", f"importing its module: {end}")
            break
        if outcome.missing:
            take((said or {}).get("begin", outcome.missing[0]), "failed", end)
    return outcome


def main(kind: str, name: str, *names: str) -> None:
    """In that process, run the checks called ``names`` one after the other; tell when each begins, and its result."""
    parent = Parent()
    subject = subject_of(name, kind)
    parent.tell({"importing": name})
    try:
        with kept():
            subject.imported = watch(subject.entry.module)
    except (Exception, SystemExit):  # no such entry, or two of them: the checks say so
        subject.imported = None
    for check in chosen(subject.kind, names):
        parent.tell({"begin": check.name})
        parent.tell(run_one(check, subject)._asdict())
        if subject.fault:
            parent.tell({"fault": subject.fault})
            break
    os._exit(0)  # threads that the subject left behind must not keep the process


if __name__ == "__main__":
    main(*sys.argv[1:])
