"""Running checks on a subject, here or as tests of pytest, which is imported only then; and the outcome."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from zoo.probing.state import kept
from zoo.testing.checking import Check, checks, chosen, subject_of
from zoo.testing.verdicts import Broken, Kind, Skipped, Subject
from zoo.utils.config import names_in
from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    import pytest

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
        with kept():
            if subject.fault:
                return Result(check.name, state, subject.fault)
        check(subject)
        state, words = "ran", ""
    except Skipped as reason:
        if str(reason) in check.skips:
            return Result(check.name, "skipped", str(reason))
        return Result(check.name, state, f"it was skipped ({reason}), which this check never is")
    except Broken as error:
        words = str(error)
    except (Exception, SystemExit) as error:
        words = f"it raised {type(error).__name__}: {' '.join(str(error).split())}"
        if frames := traceback.extract_tb(error.__traceback__):
            last = frames[-1]
            words += f" ({last.filename.rpartition('/')[2]}:{last.lineno} in {last.name})"
    expected = subject.expected_failures.get(check.name)
    if expected is not None and state == "failed":
        state, words = "expected", str(expected)
    elif expected is not None:
        state, words = "failed", f"it was expected to fail ({expected}), but it holds; take it out of expected_failures"
    return Result(check.name, state, words)


def run_all(subject: Subject, these: Sequence[Check]) -> Outcome:
    """All these checks, or the first alone where the subject cannot be had, which it then says."""
    outcome = Outcome(subject.name, subject.kind, tuple(check.name for check in these))
    for check in these:
        outcome.add(run_one(check, subject))
        if subject.fault:
            break
    return outcome


def check(name: str, kind: Kind | None = None, only: tuple[str, ...] = ()) -> Outcome:
    """Check whether a registered model, task, metric or kind of data keeps its contracts, in this process.

    Examples:
        >>> outcome = check("variance", only=("its_suffixes_are_names", "it_is_described"))
        >>> print(outcome)
        metric variance: 2 ran, 0 skipped, 0 expected to fail, of 2
        >>> outcome.ok
        True

    Args:
        name: its entry-point name; of a kind of data, also with what is to be read, ``NAME:PATH``.
        kind: ``"model"``, ``"task"``, ``"metric"`` or ``"data"``; needed where things of two kinds have this name.
        only: the names of the checks to run; all of its kind where none is named.

    Returns:
        The :class:`Outcome`, whose ``ok`` is whether it keeps them all, but for what it says of itself.

    Raises:
        RequestError: nothing, or more than one thing, has this name, or there is no such check.
    """
    subject = subject_of(name, kind)
    return run_all(subject, chosen(subject.kind, tuple(names_in(only, "only") or ())))


def _as_a_test(check: Check, subject: Subject) -> None:
    import pytest

    __tracebackhide__ = True
    result = run_one(check, subject)
    if subject.fault:
        if subject.told:
            pytest.skip("it cannot be had, as the first failure says")
        subject.told = True
    if result.state == "skipped":
        pytest.skip(result.words)
    if result.state == "expected":
        pytest.xfail(result.words)
    if result.state == "failed":
        pytest.fail(f"{check.contract}\n{result.words}", pytrace=False)


def parametrize(*names: str, kind: Kind | None = None) -> pytest.MarkDecorator:
    """One test for each check of each of these registered models, tasks, metrics or kinds of data::

        @zoo.testing.parametrize("additive", kind="model")
        def test_contract(check):
            check()

    Examples:
        >>> len(parametrize("variance").args[1]) == len(checks("metric"))
        True

    The test's id is ``name-check``. What a subject says it cannot do (``expected_failures``) is a strict xfail: it fails
    where it holds after all. Where a subject cannot be imported, one of its tests fails and says so; the others are skipped.

    Args:
        names: entry-point names.
        kind: ``"model"``, ``"task"``, ``"metric"`` or ``"data"``; needed where things of two kinds have one of these names.

    Raises:
        RequestError: nothing, or more than one thing, has such a name, or no name is given.
    """
    import pytest

    if not names:
        raise RequestError("zoo.testing.parametrize has no name to check; give at least one")
    tests = []
    for name in names:
        subject = subject_of(name, kind)
        for check in checks(subject.kind):
            tests.append(pytest.param(partial(_as_a_test, check, subject), id=f"{name}-{check.name}"))
    return pytest.mark.parametrize("check", tests)
