"""What a child of the nursery does: import entries, one after another, and see what that does to the process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def trial(entries: Sequence[Sequence[str]], answers: Path) -> None:
    """Import each entry and leave its outcome in ``answers``: a line when it is begun, and one when it is done."""
    from zoo import registry
    from zoo.contracts import make
    from zoo.probing.state import changed, snapshot

    with answers.open("a", encoding="utf-8") as file:

        def say(row: list[Any]) -> None:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())

        for values in entries:
            entry = registry.Entry(*values)
            say([entry.kind, entry.name])
            before, began = snapshot(), time.monotonic()
            reason = ""
            try:
                reason = make.fault(entry.kind, entry.load())
            except BaseException as error:
                cause = error.__cause__ or error
                reason = f"{type(cause).__name__}: {cause}"
            seconds = time.monotonic() - began
            say([entry.kind, entry.name, _one_line(reason), False, round(seconds, 3), list(changed(before))])


def spawned(entries: Sequence[Sequence[str]], answers: str) -> None:
    """:func:`trial` in a new process, which is ended at once when it is done, whatever threads a plugin has left."""
    from zoo.probing.nursery import preload

    preload()
    trial(entries, Path(answers))
    os._exit(0)


def _one_line(text: str, most: int = 300) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 3] + "..."
