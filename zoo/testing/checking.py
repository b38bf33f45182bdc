"""What a check is: one function, named after its contract, that is called with a subject and raises where it is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import getdoc
from typing import TYPE_CHECKING, Any, Literal, get_args

from zoo.utils.errors import RequestError, nearest

if TYPE_CHECKING:
    from zoo.testing.subjects.subject import Subject

Kind = Literal["model", "task", "metric"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_HOMES = (
    "itself",
    "importing",
    "model_fit",
    "model_sample",
    "model_random",
    "model_input",
    "model_save",
    "model_tensors",
    "model_gradient",
    "model_abilities",
    "model_shapes",
    "task_pairs",
    "task_photos",
    "metric_facts",
    "metric_values",
)
"""The modules of this package that hold checks, in the order in which they are run."""


class Broken(AssertionError):
    """A contract does not hold; the message says what was found and what would be right."""


class Skipped(Exception):
    """A check has nothing to look at in this subject, for a reason that it declares."""


@dataclass(frozen=True)
class Check:
    """One contract, and the function that finds out whether a subject keeps it.

    Calling it with the name of a subject, or with a :class:`~zoo.testing.subjects.subject.Subject`, raises an
    ``AssertionError`` (or whatever the subject raised) where the contract is broken, and :class:`Skipped` where there is
    nothing to check.
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
            from zoo.testing.subjects.subject import subject_of

            subject = subject_of(subject, self.kind)
        from zoo.testing.world import kept

        with kept():
            self.function(subject)


_CHECKS: dict[Kind, dict[str, Check]] = {kind: {} for kind in KINDS}


def contract(*kinds: Kind, skips: tuple[str, ...] = ()) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Make a function a check of these kinds; its docstring is one sentence, the contract."""

    def register(function: Callable[[Any], None]) -> Callable[[Any], None]:
        sentence = " ".join((getdoc(function) or "").split())
        for kind in kinds:
            if function.__name__ in _CHECKS[kind]:
                raise RuntimeError(f"two checks of a {kind} are called {function.__name__}")
            _CHECKS[kind][function.__name__] = Check(function.__name__, kind, sentence, skips, function)
        return function

    return register


def checks(kind: Kind) -> tuple[Check, ...]:
    """All checks of a kind, in the order in which they are run.

    Raises:
        RequestError: there is no such kind.
    """
    if kind not in KINDS:
        raise RequestError(f"there are no checks of the kind {kind!r}: {nearest(kind, KINDS)}")
    for home in _HOMES:
        import_module(f"zoo.testing.checks.{home}")
    return tuple(_CHECKS[kind].values())


def chosen(kind: Kind, only: tuple[str, ...]) -> tuple[Check, ...]:
    """The checks of a kind that are named in ``only``; all of them where nothing is named.

    Raises:
        RequestError: a name is not that of a check of this kind.
    """
    known = {check.name: check for check in checks(kind)}
    for name in only:
        if name not in known:
            raise RequestError(f"there is no check of a {kind} called {name!r}: {_nearest(name, known)}")
    return tuple(check for check in known.values() if not only or check.name in only)


def _nearest(name: str, known: dict[str, Check]) -> str:
    close = nearest(name, known)
    return close if close.startswith("did") else "docs/checks.md lists them"


def skip(reason: str) -> None:
    """Leave a check that has nothing to look at.

    Raises:
        Skipped: always.
    """
    raise Skipped(reason)


def require(holds: object, message: str) -> None:
    """Go on where the contract ``holds``.

    Raises:
        Broken: it does not; ``message`` says what was found and what would be right.
    """
    if not holds:
        raise Broken(message)


def refused(request: Callable[[], object], what: str) -> None:
    """``request()``, which asks for ``what``, must be refused with a RequestError of one line.

    Raises:
        Broken: it was taken, or refused in another way.
    """
    try:
        request()
    except RequestError as error:
        require(str(error).strip(), f"{what} was refused without a word; the message must say what would be right")
        return
    except Exception as error:
        raise Broken(f"{what} ended in {type(error).__name__}: {error}; it must be refused with a zoo.RequestError") from error
    raise Broken(f"{what} was taken; it must be refused with a zoo.RequestError")
