"""The two ways in which a request can end other than well."""

from __future__ import annotations

from collections.abc import Iterable


class ZooError(Exception):
    """The work failed: the request was right, but it could not be carried out. Exit code 1.

    Examples:
        >>> issubclass(ZooError, Exception), ZooError.exit_code
        (True, 1)
    """

    exit_code = 1


class RequestError(ZooError, ValueError):
    """The request was wrong: an unknown name, a bad path, a value out of range. Exit code 2.

    The message is one line that says what was wrong and what would be right.

    Examples:
        >>> try:
        ...     zoo.load("cdvae/relihgt")
        ... except zoo.RequestError as error:
        ...     print(error)
        no checkpoint is called 'cdvae/relihgt': did you mean 'cdvae/relight' ...
    """

    exit_code = 2


def nearest(name: str, known: Iterable[str], limit: int = 3) -> str:
    """A clause for an unknown ``name``: the nearest known names, or all of them when none is near.

    Examples:
        >>> nearest("relihgt", ["relight", "resaturate"])
        "did you mean 'relight'?"
    """
    import difflib  # not before a name is wrong

    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=limit, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(c) for c in close) + "?"
    if not known:
        return "none is installed"
    return "known: " + ", ".join(known)
