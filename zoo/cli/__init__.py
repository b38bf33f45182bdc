"""The command line. Nothing heavy is imported here: every command imports what it needs when it is called."""

from __future__ import annotations

import gc
import io
import os
import sys
import warnings
from importlib import import_module
from typing import Any, NoReturn

import typer

from zoo import registry
from zoo.cli.app import Stopped, app, notes
from zoo.utils.errors import ZooError, terminable
from zoo.utils.words import one_line, say, visible

__all__ = ["app", "main"]

MODULES = {
    "doing": ("run", "bench", "sample"),
    "looking": ("list", "show"),
    "sharing": ("pull", "push", "verify"),
    "writing": ("check", "new"),
}
"""The commands by the module that registers them with the application, in the order of the help."""


def main() -> NoReturn:
    """Run the command line and leave with 0 (done), 1 (the work failed), 2 (the request was wrong), 130 (stopped by Ctrl-C) or
    143 (by SIGTERM)."""
    with terminable():
        _main()


def _main() -> NoReturn:
    code: object = 0
    asked = [module for module, commands in MODULES.items() if sys.argv[1:] and sys.argv[1] in commands]
    for module in asked or MODULES:  # to make the other commands too takes as long as to list what there is
        import_module(f"zoo.cli.{module}")
    if asked and asked != ["looking"]:
        _hear()
    gc.freeze()  # what a start imports stays to the end: not to look through it for garbage saves a tenth of a list
    try:
        with registry.looking_first(_look_first), warnings.catch_warnings():
            warnings.showwarning = _warn
            code = app(prog_name="zoo", standalone_mode=False)
        sys.stdout.flush()
    except (Stopped, KeyboardInterrupt, typer.Abort) as error:  # the last two before or after any command
        stopped = error if isinstance(error, Stopped) else Stopped(error)
        code = _say(str(stopped), stopped.exit_code)
    except BrokenPipeError:  # the reader of our output has gone; there is nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        if os.environ.get("ZOO_DEBUG", "") not in ("", "0"):
            raise
        if isinstance(error, ZooError):
            code = _say(str(error) + notes(error), error.exit_code)
        elif hasattr(error, "format_message") and hasattr(error, "exit_code"):  # typer's own errors of usage
            _show(error)
            code = error.exit_code
        elif isinstance(error, OSError):
            where = f": {error.filename}" if error.filename else ""
            code = _say(f"{error.strerror or error}{where}{notes(error)}", 1)
        else:
            raise
    sys.exit(code if isinstance(code, int) else 0)


def _look_first(entry: registry.Entry) -> None:
    from zoo.probing.probe import look_first

    look_first(entry)


def _say(text: str, code: int) -> int:
    say("zoo:", one_line(text), err=True)
    return code


def _show(error: Any) -> None:
    """Say an error of usage in the words of typer."""
    error.message = one_line(error.message)
    error.show(file=(words := io.StringIO()))
    say(words.getvalue(), lines=True, err=True, end="")


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
