"""The process in which one subject is checked by ``zoo check``: ``python -m zoo.testing.worker KIND NAME CHECK...``.

It tells what it does in lines of JSON on the standard output that it was started with. What the subject prints goes
nowhere: before anything of it is imported, both standard streams lead to the null device.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TextIO


def main(kind: str, name: str, names: list[str]) -> None:
    """Run the checks called ``names`` one after the other; tell when each begins, and its result."""
    line = _own_line()

    def tell(**what: str) -> None:
        line.write(json.dumps(what) + "\n")
        line.flush()

    from zoo.probing.state import kept
    from zoo.probing.watch import probe
    from zoo.testing.listing import checks
    from zoo.testing.outcome import run_one
    from zoo.testing.subjects.named import subject_of

    subject = subject_of(name, kind)
    known = {check.name: check for check in checks(subject.kind)}
    tell(importing=name)
    try:
        with kept():
            subject.imported = probe(subject.module)
    except (Exception, SystemExit):  # no such entry, or two of them: the checks say so
        subject.imported = None
    for one in names:
        tell(begin=one)
        result = run_one(known[one], subject)
        tell(check=result.check, state=result.state, words=result.words)
    line.close()
    os._exit(0)  # threads that the subject left behind must not keep the process


def _own_line() -> TextIO:
    """The standard output as it was, for this process alone; both standard streams lead nowhere from now on."""
    own = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sys.stdout.flush()
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return os.fdopen(own, "w", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
