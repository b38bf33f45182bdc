"""Printing: tables, JSON, and to where."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any


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

    print(json.dumps(content, indent=2))


def table(*rows: Sequence[str]) -> str:
    """Columns as wide as their widest cell, two spaces apart, no trailing blanks; the first row may be the heads."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)
