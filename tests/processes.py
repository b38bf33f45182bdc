"""Processes that tests wait for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def wait(until: Callable[[], object], seconds: float = 30) -> None:
    """Until it comes true; fails where it does not in time."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether the process has ended with all its threads, which hold its files, though its parent may not have asked yet."""
    state = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        ended = state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"
        return ended and len(os.listdir(f"/proc/{pid}/task")) == 1
    except (ProcessLookupError, FileNotFoundError):
        return True
