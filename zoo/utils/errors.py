"""The two ways in which a request can end other than well, and the border at which anything foreign becomes one of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from zoo.utils.words import visible


class ZooError(Exception):
    """The work failed: the request was right, but it could not be carried out. Exit code 1.

    Examples:
        >>> issubclass(ZooError, Exception), ZooError.exit_code
        (True, 1)
    """

    exit_code = 1

    def __str__(self) -> str:
        return visible(super().__str__(), lines=True)  # it names files and quotes others, and is printed by tracebacks


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


class Terminated(KeyboardInterrupt):
    """The process is asked to end (SIGTERM), by a batch system for example; what handles Ctrl-C handles it. Exit code 143.

    Examples:
        >>> issubclass(Terminated, KeyboardInterrupt), Terminated.exit_code
        (True, 143)
    """

    exit_code = 143


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Within it SIGTERM raises :class:`Terminated` in this process, once: what has to be written first is not cut short.

    It is left as it is where it was set already, to be ignored for example, and in other threads than the main one.
    """
    import signal

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, lambda *_: None)  # a group of processes is often told twice
        raise Terminated

    before = signal.getsignal(signal.SIGTERM)
    mine = before is signal.SIG_DFL
    if mine:
        try:
            signal.signal(signal.SIGTERM, end)
        except ValueError:
            mine = False
    try:
        yield
    finally:
        if mine:
            signal.signal(signal.SIGTERM, before)


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


@contextlib.contextmanager
def border(doing: str, kind: type[ZooError] = ZooError) -> Iterator[None]:
    """A block that calls foreign code or reads foreign bytes: whatever that raises becomes one line, ``DOING: REASON``.

    No list of exceptions is long enough for a decoder, an archive or a plugin, so there is none. Our own errors pass, and
    so does what stops a process.

    Examples:
        >>> import json
        >>> with border("cannot read a.json", RequestError):
        ...     json.loads("[")
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: cannot read a.json: Expecting value: line 1 column 2 (char 1)
    """
    try:
        yield
    except ZooError:
        raise
    except (Exception, SystemExit) as error:
        raise kind(f"{doing}: {cause(error)}") from error


def cause(error: BaseException) -> str:
    """The reason that an error of any kind gives, in one line.

    Examples:
        >>> cause(FileNotFoundError(2, "No such file or directory")), cause(KeyError("size")), cause(MemoryError())
        ('No such file or directory', "it lacks 'size'", 'there is not enough memory')
    """
    if isinstance(error, ZooError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, UnicodeDecodeError):
        return f"it is no {error.encoding.upper()} text: byte {error.start} cannot be read"
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    text = " ".join(str(error).split())
    if isinstance(error, KeyError):
        return f"it lacks {text}"
    return text[:500] or type(error).__name__
