"""Checking a subject in a process of its own, which may raise, exit, print or run for ever without harm to this one.

Importing torch takes longer than most checks, so one process does it, and has a fork for each subject; where there is no
fork, each has a new process.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from zoo.probing.children import START, Child, Ended, Fork, Parent, end_all, environment, fate
from zoo.probing.state import kept
from zoo.probing.watch import preload, watch
from zoo.testing.checking import chosen, subject_of
from zoo.testing.outcome import Outcome, Result, State, run_one
from zoo.testing.verdicts import Kind

LIMIT = 120.0
"""Seconds that one check may take, on any machine that one would use."""
ENDS = 3
"""Times that the process may end or be ended within a check before the rest is left undone, and the outcome not ok."""
_PATIENCE = 5.0  # seconds for a fork that has said all to end
_RESTING: list[Child] = []
"""Processes that have imported all that checks need, and wait for the next subject."""


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
        try:
            with _checker(kind, name, *outcome.missing) as child:
                while outcome.missing:
                    heard = child.hear(START if said is None else limit)
                    if "ended" in heard:
                        raise Ended(heard["ended"])
                    said = heard
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


@contextlib.contextmanager
def _checker(*words: str) -> Iterator[Child]:
    """Who tells of the checks of a kind, a name and these checks, and that its fork has ended, where it has one."""
    # One thread: the subjects are small, and others are checked at the same time.
    if not hasattr(os, "fork"):
        with Child("zoo.testing.apart", *words, threads=1) as child:
            yield child
        return
    child = _rested()
    child.tell({"words": words, "path": sys.path, "folder": os.getcwd(), "environment": environment(1)})
    kept_up = False
    try:
        yield child
    except Ended as ended:
        kept_up = ended.code is not None  # its fork alone has ended
        raise
    else:
        with contextlib.suppress(Ended):
            while "ended" not in child.hear(_PATIENCE):
                pass
            kept_up = True
    finally:
        if kept_up:
            _RESTING.append(child)
        else:
            child.leave()


def _rested() -> Child:
    with contextlib.suppress(IndexError):  # there is none
        while (child := _RESTING.pop()).poll() is not None:  # it was stopped, with all children of this process
            child.leave()
        return child
    return Child("zoo.testing.apart", threads=1)


def main(*words: str) -> None:
    """In that process, run checks until nobody asks any more."""
    parent = Parent(gone=end_all)
    preload()
    if words:
        _check(parent.tell, *words)
        os._exit(0)  # threads that the subject left behind must not keep the process
    while True:
        asked = parent.ask()
        if asked["words"][0] == "model":
            import torch._dynamo  # noqa: F401 - as the first optimizer would, in each fork
        fork = Fork(partial(_begin, parent.pipe, asked))
        try:
            while True:
                parent.tell(fork.hear())
        except Ended as ended:
            parent.tell({"ended": ended.code})
        finally:
            fork.stop()


def _begin(pipe: int, asked: Mapping[str, Any], tell: Callable[[Any], object]) -> None:
    os.close(pipe)  # it would be open for as long as this one lives
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.path[:] = asked["path"]
    _check(tell, *asked["words"])


def _check(tell: Callable[[Any], object], kind: str, name: str, *names: str) -> None:
    """Run the checks called ``names`` one after the other; tell when each begins, and its result."""
    subject = subject_of(name, kind)
    tell({"importing": name})
    try:
        with kept():
            subject.imported = watch(subject.entry.module)
    except (Exception, SystemExit):  # no such entry, or two of them: the checks say so
        subject.imported = None
    for check in chosen(subject.kind, names):
        tell({"begin": check.name})
        tell(run_one(check, subject)._asdict())
        if subject.fault:
            tell({"fault": subject.fault})
            break


if __name__ == "__main__":
    main(*sys.argv[1:])
