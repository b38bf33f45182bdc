"""The work of a child of the nursery: import things, one after another, and see what that does to the process."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from zoo import registry
from zoo.contracts import make
from zoo.probing.children import Parent
from zoo.probing.state import changed, snapshot
from zoo.probing.watch import preload, probe

MOST = 300
"""Letters of a reason."""


def perform(request: Mapping[str, Any], tell: Callable[[Any], None]) -> None:
    """Import what is asked for, and tell of it: of a module, or of entries, of each when it is begun and when it is done."""
    sys.path[:] = request["path"]
    if "module" in request:
        tell(asdict(probe(request["module"])))
        return
    for values in request["entries"]:
        entry = registry.Entry(*values)
        tell([entry.kind, entry.name])
        before, began = snapshot(), time.monotonic()
        try:
            reason = make.fault(entry.kind, entry.load())
        except BaseException as error:
            reason = registry.reason(error.__cause__ or error)
        seconds = round(time.monotonic() - began, 3)
        reason = " ".join(reason.split())
        reason = reason if len(reason) <= MOST else reason[: MOST - 3] + "..."
        tell([entry.kind, entry.name, reason, False, seconds, list(changed(before))])


if __name__ == "__main__":  # where there is no fork
    parent = Parent()
    preload()
    perform(parent.ask(), parent.tell)
    os._exit(0)  # whatever threads a plugin has left
