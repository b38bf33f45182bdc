"""The ways in which a check can end, and the kinds of what is checked: what stands below every other module of this room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NoReturn, TypeVar, get_args

from zoo.utils.errors import RequestError

Kind = Literal["model", "task", "metric"]
KINDS: tuple[Kind, ...] = get_args(Kind)
F = TypeVar("F", bound=Callable[..., None])


class Broken(AssertionError):
    """A contract does not hold; the message says what was found and what would be right."""


class Skipped(Exception):
    """A check has nothing to look at in this subject, for a reason that it declares."""


def may_skip(*reasons: str) -> Callable[[F], F]:
    """Declare the reasons for which a check may be skipped; any other skip is a failure."""

    def declare(check: F) -> F:
        check.skips = reasons  # type: ignore[attr-defined]
        return check

    return declare


def skip(reason: str) -> NoReturn:
    """Leave a check that has nothing to look at."""
    raise Skipped(reason)


def require(holds: object, message: str) -> None:
    """Go on where the contract ``holds``; where it does not, ``message`` says what was found and what would be right."""
    if not holds:
        raise Broken(message)


def refused(what: str, request: Callable[..., object], *args: Any, **known: Any) -> None:
    """A request, which asks for ``what``, must be refused with a RequestError of one line."""
    try:
        request(*args, **known)
    except RequestError as error:
        require(str(error).strip(), f"{what} was refused without a word; the message must say what would be right")
        return
    except Exception as error:
        raise Broken(f"{what} ended in {type(error).__name__}: {error}; it must be refused with a zoo.RequestError") from error
    raise Broken(f"{what} was taken; it must be refused with a zoo.RequestError")
