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
    close = difflib.get_close_matches(str(name)[:100], known, n=limit, cutoff=0.5)
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


def shown(value: object, most: int = 60) -> str:
    """``repr(value)`` for a message, shortened; it does not fail, however deep, large or foreign the value is.

    Examples:
        >>> shown("a" * 100, most=12), shown(10**5000)
        ("'aaaaaaaa...", 'an object of type int')
    """
    try:
        text = repr(value)
    except Exception:
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= most else f"{text[: most - 3]}..."


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
    if lacks_memory(error):
        return "there is not enough memory"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    try:
        text = " ".join(str(error).split())
    except Exception:  # it is foreign too
        text = ""
    if isinstance(error, KeyError):
        return f"it lacks {text}"
    return text[:500] or type(error).__name__


def lacks_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory; torch has words of its own for it.

    Examples:
        >>> import torch
        >>> try:
        ...     torch.empty(2**55)
        ... except RuntimeError as error:
        ...     print(lacks_memory(error))
        True
    """
    words = "can't allocate memory", "not enough memory", "out of memory", "Storage size calculation overflowed"
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(one in str(error) for one in words))


def step(error: BaseException, *packages: str) -> str:
    """``FILE:LINE in NAME``, the innermost step of an error in one of these packages; "" where there is none.

    Without packages it is the innermost in the zoo or a file of somebody's own, or else the innermost of all.

    Examples:
        >>> try:
        ...     zoo.size_of(None)
        ... except TypeError as error:
        ...     print(step(error, "zoo"))
        ...pairs.py:... in size_of
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{short(error.filename)}:{error.lineno}"
    steps, at = [], error.__traceback__
    while at is not None:
        steps.append((str(at.tb_frame.f_globals.get("__name__", "")).partition(".")[0], at.tb_frame.f_code, at.tb_lineno))
        at = at.tb_next
    library = contextlib.__file__.rpartition("contextlib")[0]  # with the packages that are installed in it
    if packages:
        found = [one for one in steps if one[0] in packages]
    else:
        found = [
            one for one in steps if one[0].partition("_")[0] == "zoo" or not one[1].co_filename.startswith((library, "<"))
        ]
        found = [one for one in found if "site-packages" not in one[1].co_filename or one[0].startswith("zoo")] or steps
    for _, code, line in found[-1:]:
        return f"{short(code.co_filename)}:{line} in {code.co_name}"
    return ""


def short(path: str) -> str:
    """A path as seen from the working folder, where it lies in that.

    Examples:
        >>> import os
        >>> short(os.path.join(os.getcwd(), "a", "b.py")), short("/elsewhere/b.py")
        ('a/b.py', '/elsewhere/b.py')
    """
    import os

    with contextlib.suppress(OSError):  # the working folder may be gone
        here = os.path.join(os.getcwd(), "")
        return path[len(here) :] if path.startswith(here) else path
    return path
