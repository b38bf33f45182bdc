"""The process that does cells, one after another, as it is asked to."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.probing.children import Parent
from zoo.running.plan import Request
from zoo.utils.errors import ZooError


def do_cell(request: Request, numbers: Mapping[str, Any]) -> None:
    """Do one cell and leave its record last; ``numbers`` is what decides its numbers."""
    from zoo.benching.cells import RECORD, begun
    from zoo.benching.grid import save_pictures
    from zoo.running.run import execute
    from zoo.utils.files import write_json

    mark = begun(Path(str(request.out)))
    write_json(mark, dict(numbers))
    result = execute(request)
    save_pictures(result)
    write_json(result.out / RECORD, {"schema": 1, "request": dict(numbers)})
    mark.unlink(missing_ok=True)


def reason_of(error: BaseException) -> str:
    """One line that says why a cell failed."""
    if isinstance(error, ZooError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "it was stopped"
    if isinstance(error, MemoryError):
        return "there was not enough memory"
    return f"{type(error).__name__}: {error}"


def main() -> None:
    """Answer requests until the bench that started this process has ended: the cell that is being done ends with it."""
    parent = Parent()
    while True:
        try:
            asked = parent.ask()
            answer = _answer(asked)
        except KeyboardInterrupt:  # between two cells there is nothing to stop
            continue
        parent.tell(answer)


def _answer(asked: Mapping[str, Any]) -> dict[str, str]:
    log = Path(asked["log"])
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 2)
    os.dup2(2, 1)
    try:
        do_cell(Request(**asked["request"]), asked["numbers"])
    except BaseException as error:
        traceback.print_exc()
        return {"reason": reason_of(error)}
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    with contextlib.suppress(OSError):
        log.unlink()
    return {}


if __name__ == "__main__":
    main()
