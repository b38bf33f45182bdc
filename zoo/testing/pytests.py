"""Checks as tests of pytest, which is imported only when this is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.testing.checking import Check, checks
from zoo.testing.named import subject_of
from zoo.testing.outcome import run_one
from zoo.testing.subjects.subject import Subject
from zoo.testing.verdicts import Kind

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Bound:
    """One check of one subject; calling it passes, fails, skips or fails as expected, in pytest's sense."""

    check: Check
    subject: Subject

    def __call__(self) -> None:
        import pytest

        __tracebackhide__ = True
        result = run_one(self.check, self.subject)
        if result.state == "skipped":
            pytest.skip(result.words)
        if result.state == "expected":
            pytest.xfail(result.words)
        if result.state == "failed":
            pytest.fail(f"{self.check.contract}\n{result.words}", pytrace=False)


def parametrize(*names: str, kind: Kind | None = None) -> pytest.MarkDecorator:
    """One test for each check of each of these registered models, tasks or metrics::

        @zoo.testing.parametrize("additive", kind="model")
        def test_contract(check):
            check()

    >>> len(parametrize("variance").args[1]) == len(checks("metric"))
    True

    The test's id is ``name-check``. What a subject says it cannot do (``expected_failures``) is a strict xfail: it fails
    where it holds after all.

    Args:
        names: entry-point names.
        kind: ``"model"``, ``"task"`` or ``"metric"``; needed where things of two kinds have one of these names.

    Raises:
        RequestError: nothing, or more than one thing, has such a name, or no name is given.
    """
    import pytest

    from zoo.utils.errors import RequestError

    if not names:
        raise RequestError("zoo.testing.parametrize has no name to check; give at least one")
    bound = []
    for name in names:
        subject = subject_of(name, kind)
        bound += [pytest.param(Bound(check, subject), id=f"{name}-{check.name}") for check in checks(subject.kind)]
    return pytest.mark.parametrize("check", bound)
