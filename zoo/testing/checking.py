"""A check: one function, named after its contract, that is called with a subject and raises where it is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc
from typing import Any

from zoo.probing.state import kept
from zoo.testing.subjects.named import subject_of
from zoo.testing.subjects.subject import Subject
from zoo.testing.verdicts import KINDS, Kind


@dataclass(frozen=True)
class Check:
    """One contract, and the function that finds out whether a subject keeps it.

    Calling it with the name of a subject, or with a :class:`~zoo.testing.subjects.subject.Subject`, raises an
    ``AssertionError`` (or whatever the subject raised) where the contract is broken, and
    :class:`~zoo.testing.verdicts.Skipped` where there is nothing to check.
    The global random state and torch's defaults are the same after it, whatever the subject does.

    Attributes:
        name: of the contract, such as ``the_same_seed_gives_the_same_bits``.
        kind: of the subjects: ``"model"``, ``"task"`` or ``"metric"``.
        contract: the same in a sentence.
        skips: the reasons for which it may be skipped; any other skip is a failure.
    """

    name: str
    kind: Kind
    contract: str
    skips: tuple[str, ...]
    function: Callable[[Any], None]

    def __call__(self, subject: Subject | str) -> None:
        if isinstance(subject, str):
            subject = subject_of(subject, self.kind)
        with kept():
            self.function(subject)


KNOWN: dict[Kind, dict[str, Check]] = {kind: {} for kind in KINDS}
"""The checks of each kind by name, in the order in which they are run."""


def contract(*kinds: Kind, skips: tuple[str, ...] = ()) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Make a function a check of these kinds; its docstring is one sentence, the contract."""

    def register(function: Callable[[Any], None]) -> Callable[[Any], None]:
        sentence = " ".join((getdoc(function) or "").split())
        for kind in kinds:
            if function.__name__ in KNOWN[kind]:
                raise RuntimeError(f"two checks of a {kind} are called {function.__name__}")
            KNOWN[kind][function.__name__] = Check(function.__name__, kind, sentence, skips, function)
        return function

    return register
