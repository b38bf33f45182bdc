"""The version of this package, read from its metadata when it is first asked for: the import costs as much as a command."""

from __future__ import annotations

from functools import cache


@cache
def own_version() -> str:
    """As ``zoo --version`` prints it."""
    from importlib.metadata import version

    return version("cond-zoo")
