"""The folder of this project for what may be lost."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """``$ZOO_CACHE``, or ``zoo`` in the user's cache folder on this platform.

    >>> os.environ["ZOO_CACHE"] = "elsewhere"
    >>> str(cache_folder())
    'elsewhere'
    """
    if named := os.environ.get("ZOO_CACHE"):
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "zoo"
