"""The command line. Nothing heavy is imported here: every command imports what it needs when it is called."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
import warnings
from importlib import import_module
from typing import NoReturn, TextIO

import typer

from zoo import registry
from zoo.cli.app import Stopped, app, notes
from zoo.utils.errors import ZooError, cause, lacks_memory, terminable
from zoo.utils.words import one_line, say, visible

__all__ = ["app", "main"]

MODULES = {
    "doing": ("run", "bench"),
    "sampling": ("sample",),
    "playing": ("app",),
    "looking": ("list", "show"),
    "sharing": ("pull", "push", "verify"),
    "writing": ("check", "new"),
    "citing": ("cite",),
    "tuning": ("tune",),
}
"""The commands by the module that registers them with the application, in the order of the help."""


def main() -> NoReturn:
    """Run the command line and leave with 0 (done), 1 (the work failed), 2 (the request was wrong), 130 (stopped by Ctrl-C) or
    143 (by SIGTERM).

    Whatever is raised comes out as one line; the whole traceback stands above it where ``--debug`` or ``ZOO_DEBUG=1`` asks.
    """
    _open_streams()
    words, before = sys.argv[1:], os.environ.get("ZOO_DEBUG")
    if asked := "--debug" in (words[: words.index("--")] if "--" in words else words):
        words.remove("--debug")
        os.environ["ZOO_DEBUG"] = "1"  # of the processes beside this one too
    try:
        with terminable():
            code = _run(words)
    finally:
        if asked:
            os.environ.pop("ZOO_DEBUG") if before is None else os.environ.update(ZOO_DEBUG=before)
    sys.exit(code)


def _run(words: list[str]) -> int:
    try:
        asked = [module for module, commands in MODULES.items() if words and words[0] in commands]
        for module in asked or MODULES:  # to make the other commands too takes as long as to list what there is
            import_module(f"zoo.cli.{module}")
        if asked and asked != ["looking"]:
            _hear()
        gc.freeze()  # what a start imports stays to the end: not to look through it for garbage saves a tenth of a list
        with registry.looking_first(_look_first), warnings.catch_warnings():
            warnings.showwarning = _warn
            code = app(words, prog_name="zoo", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BaseException as error:
        return _failed(error)


def _failed(error: BaseException) -> int:
    """Say what was raised, and give the exit code."""
    met = error.__context__ if isinstance(error, SystemExit) else error  # typer makes an exit of it
    if isinstance(met, BrokenPipeError):  # the reader of our output has gone; there is nobody to tell
        _close(sys.stdout)
        return 1
    text, code = _told(error)
    if os.environ.get("ZOO_DEBUG", "") not in ("", "0"):
        import traceback

        text = "".join(traceback.format_exception(error)) + text
    for stream, words in ((sys.stdout, ""), (sys.stderr, text)):
        try:
            say(words, lines=True, err=stream is sys.stderr, end="\n" if words else "")
        except (OSError, ValueError):  # a full disk, or it is closed: to try again at the end would be another error
            _close(stream)
    return code


def _told(error: BaseException) -> tuple[str, int]:
    """An error in a line, and its exit code."""
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):  # before or after any command
        error = Stopped(error)
    if isinstance(error, (Stopped, ZooError)):
        return "zoo: " + one_line(str(error) + notes(error)), error.exit_code
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # typer's own errors of usage
        error.message = one_line(error.message)  # type: ignore[attr-defined]
        error.show(file=(usage := io.StringIO()))  # type: ignore[attr-defined]
        return usage.getvalue().rstrip(), error.exit_code
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    elif lacks_memory(error):
        text = cause(error)
    else:
        text = f"{registry.told(error)}{notes(error)}; for the whole traceback write zoo --debug before the command"
        return "zoo: " + one_line(text), 1
    return "zoo: " + one_line(text + notes(error)), 1


def _open_streams() -> None:
    """Give a process that was started without standard streams some that lead nowhere, lest a file that it opens be one."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115


def _close(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _look_first(entry: registry.Entry) -> None:
    from zoo.probing.probe import look_first

    look_first(entry)


def _hear() -> None:
    """Let what other packages log be said visibly, where they set up nothing of their own."""
    import logging  # which lists do without

    class Visible(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return visible(super().format(record), lines=True)

    if logging.lastResort is not None:
        logging.lastResort.setFormatter(Visible())


def _warn(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    """A warning in one line, without the place in the code that nobody at a command line asks for."""
    kind = "Warning" if category is UserWarning else category.__name__
    say(f"zoo: {kind}:", one_line(message), err=True)
