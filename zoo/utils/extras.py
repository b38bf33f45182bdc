"""Packages that come with an extra of this one, and are imported where they are used and nowhere else."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from zoo.utils.errors import border


def extra(module: str, name: str, use: str) -> Any:
    """The module that the extra ``name`` installs, for ``use``.

    Raises:
        ZooError: it cannot be imported; names the extra.

    Examples:
        >>> extra("nothing", "none", "a table")
        Traceback (most recent call last):
        zoo.utils.errors.ZooError: a table needs nothing (pip install 'cond-zoo[none]'): No module named 'nothing'
    """
    with border(f"{use} needs {module} (pip install 'cond-zoo[{name}]')"):
        return import_module(module)
