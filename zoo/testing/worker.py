"""The process in which one subject is checked by ``zoo check``: ``python -m zoo.testing.worker KIND NAME CHECK...``."""

from __future__ import annotations

import os
import sys

from zoo.probing.children import Parent
from zoo.probing.state import kept
from zoo.probing.watch import watch
from zoo.testing.checking import checks
from zoo.testing.named import subject_of
from zoo.testing.outcome import run_one


def main(kind: str, name: str, *names: str) -> None:
    """Run the checks called ``names`` one after the other; tell when each begins, and its result."""
    parent = Parent()
    subject = subject_of(name, kind)
    known = {check.name: check for check in checks(subject.kind)}
    parent.tell({"importing": name})
    try:
        with kept():
            subject.imported = watch(subject.entry.module)
    except (Exception, SystemExit):  # no such entry, or two of them: the checks say so
        subject.imported = None
    for check in names:
        parent.tell({"begin": check})
        parent.tell(run_one(known[check], subject)._asdict())
    os._exit(0)  # threads that the subject left behind must not keep the process


if __name__ == "__main__":
    main(*sys.argv[1:])
