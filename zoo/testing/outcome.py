"""Running checks on a subject, and the outcome."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from zoo.testing.checking import Check, chosen
from zoo.testing.named import subject_of
from zoo.testing.subjects.subject import Subject
from zoo.testing.verdicts import Broken, Kind, Skipped

State = Literal["ran", "skipped", "expected", "failed"]


class Result(NamedTuple):
    """The result of one check: its state, and the reason or the message, "" where it ran and holds."""

    check: str
    state: State
    words: str


@dataclass
class Outcome:
    """The outcome of all checks of one subject.

    Attributes:
        name, kind: of the subject.
        should: the names of the checks that should have run.
        ran: the names of those that ran and hold.
        skipped: the reason, by check, of those that had nothing to look at.
        expected: the reason, by check, of those that fail as the subject says of itself.
        failed: the message, by check.
    """

    name: str
    kind: Kind
    should: tuple[str, ...]
    ran: tuple[str, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        """Take up the result of one more check."""
        if result.state == "ran":
            self.ran += (result.check,)
        else:
            getattr(self, result.state)[result.check] = result.words

    @property
    def missing(self) -> tuple[str, ...]:
        """The checks that should have run, and of which nothing is known."""
        known = {*self.ran, *self.skipped, *self.expected, *self.failed}
        return tuple(name for name in self.should if name not in known)

    @property
    def ok(self) -> bool:
        """Whether nothing failed and every check that should have run did: none at all is never right."""
        accounted = len(self.ran) + len(self.skipped) + len(self.expected)
        return not self.failed and accounted == len(self.should) > 0

    def __str__(self) -> str:
        counts = f"{len(self.ran)} ran, {len(self.skipped)} skipped, {len(self.expected)} expected to fail"
        counts += f", {len(self.failed)} FAILED" if self.failed else ""
        counts += f", {len(self.missing)} DID NOT RUN" if self.missing or not self.should else ""
        return f"{self.kind} {self.name}: {counts}, of {len(self.should)}"


def run_one(check: Check, subject: Subject) -> Result:
    """Run one check, whatever the subject does in it; the global state is the same after it."""
    state: State = "failed"
    try:
        check(subject)
        state, words = "ran", ""
    except Skipped as reason:
        if str(reason) in check.skips:
            return Result(check.name, "skipped", str(reason))
        return Result(check.name, state, f"it was skipped ({reason}), which this check never is")
    except Broken as error:
        words = str(error)
    except (Exception, SystemExit) as error:
        words = _words(error)
    expected = subject.expected_failures.get(check.name)
    if expected is not None and state == "failed":
        state, words = "expected", str(expected)
    elif expected is not None:
        state, words = "failed", f"it was expected to fail ({expected}), but it holds; take it out of expected_failures"
    return Result(check.name, state, words)


def run_all(subject: Subject, these: Sequence[Check]) -> Outcome:
    """Run these checks on a subject, one after the other."""
    outcome = Outcome(subject.name, subject.kind, tuple(check.name for check in these))
    for check in these:
        outcome.add(run_one(check, subject))
    return outcome


def check(name: str, kind: Kind | None = None, only: tuple[str, ...] = ()) -> Outcome:
    """Check whether a registered model, task or metric keeps its contracts, in this process.

    >>> outcome = check("variance", only=("its_suffixes_are_names", "it_is_described"))
    >>> print(outcome)
    metric variance: 2 ran, 0 skipped, 0 expected to fail, of 2
    >>> outcome.ok
    True

    Args:
        name: its entry-point name.
        kind: ``"model"``, ``"task"`` or ``"metric"``; needed where things of two kinds have this name.
        only: the names of the checks to run; all of its kind where none is named.

    Returns:
        The :class:`Outcome`, whose ``ok`` is whether it keeps them all, but for what it says of itself.

    Raises:
        RequestError: nothing, or more than one thing, has this name, or there is no such check.
    """
    subject = subject_of(name, kind)
    return run_all(subject, chosen(subject.kind, tuple(only)))


def _words(error: BaseException) -> str:
    """An error in one line, with the place in the subject's own code that it came from, if it did."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return f"it raised {text}"
    last = frames[-1]
    return f"it raised {text} ({last.filename.rpartition('/')[2]}:{last.lineno} in {last.name})"
