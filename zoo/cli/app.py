"""The application that the commands register with, the options that several have, and how they print."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
import typer.core

from zoo.utils.errors import Terminated
from zoo.utils.words import say, visible


def notes(error: BaseException) -> str:
    """The notes added to an error on its way, to be said after it."""
    return "".join(f"; {note}" for note in getattr(error, "__notes__", ()))


def _print_help(context: typer.Context, asked: bool) -> None:
    if asked:
        say(context.get_help(), lines=True)
        raise typer.Exit


class _Commands(typer.core.TyperGroup):
    """Lets Ctrl-C through to :func:`zoo.cli.main` with its notes; typer would leave without a word."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Stopped(error) from error


class Stopped(Exception):
    """Ctrl-C or SIGTERM, on its way through typer, with the exit code."""

    def __init__(self, by: BaseException) -> None:
        ended = isinstance(by, Terminated)
        super().__init__(("terminated" if ended else "stopped") + notes(by))
        self.exit_code = Terminated.exit_code if ended else 130


# Startup is kept short by what is left out. Without rich, help is ready several times sooner. Typer checks declared values
# with pydantic, whose import takes longer than all the rest, and spares only flags with a plain default: so what "zoo list"
# passes through declares its own --help, and reads its one argument from the words that are left over. Annotations are
# real ones, not text (no __future__ import): typer would evaluate all of them again at every start.
Help = Annotated[bool, typer.Option("--help", "-h", is_eager=True, callback=_print_help, help="Show this message and exit.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]
app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    add_help_option=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _zoo(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error; so does ZOO_DEBUG=1.")] = False,
    help: Help = False,
) -> None:
    """Conditional generative models, p(y | x): fit them, sample from them, measure them."""
    if version:
        from zoo.utils.version import own_version

        say(f"cond-zoo {own_version()}")
        raise typer.Exit


@contextlib.contextmanager
def stdout_is_kept(kept: bool = True) -> Iterator[None]:
    """Within it, what is printed goes to stderr, from code that is not Python's too: stdout is for the answer alone."""
    if not kept:
        yield
        return
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(own, 1)
        os.close(own)


def print_json(content: Any) -> None:
    """Print ``content`` as indented JSON."""
    import json

    say(json.dumps(content, indent=2), lines=True)


def table(*rows: Sequence[str]) -> str:
    """Columns as wide as their widest cell, two spaces apart, no trailing blanks; the first row may be the heads.

    Cells are of one line, in which all is to be seen.
    """
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown)
    return "\n".join(lines)
