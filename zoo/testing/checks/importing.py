"""Checks of what importing a plugin costs everybody who has it installed."""

from __future__ import annotations

from zoo.probing.watch import Imported, probe_apart
from zoo.testing.checking import contract
from zoo.testing.subjects.subject import Subject
from zoo.testing.verdicts import require

SECONDS = 2.0
"""That importing the module of a plugin may take beyond the core's own imports."""


def _imported(subject: Subject) -> Imported:
    if subject.imported is None:
        subject.imported = probe_apart(subject.module)
    found: Imported = subject.imported
    require(not found.error, f"importing {subject.module} raised {found.error}")
    return found


@contract("model", "task", "metric")
def importing_it_is_quick(subject: Subject) -> None:
    """Importing its module takes less than two seconds beyond the core, and brings no heavy package along."""
    found = _imported(subject)
    require(
        not found.heavy,
        f"importing {subject.module} imports {', '.join(found.heavy)}; import them inside the functions that use them",
    )
    # A busy machine can make any import slow once, so a slow one is tried again.
    seconds = found.seconds if found.seconds < SECONDS else min(found.seconds, probe_apart(subject.module).seconds)
    require(
        seconds < SECONDS,
        f"importing {subject.module} took {seconds:.1f} s; it must take less than {SECONDS:g}: do the work when it is used",
    )


@contract("model", "task", "metric")
def importing_it_prints_nothing(subject: Subject) -> None:
    """Importing its module writes nothing to the standard streams."""
    printed = " ".join(_imported(subject).printed.split())
    require(not printed, f"importing {subject.module} printed {printed[:80]!r}; it must print nothing")


@contract("model", "task", "metric")
def importing_it_changes_nothing_global(subject: Subject) -> None:
    """Importing its module leaves the random states, torch's defaults, the environment and the search path alone."""
    changed = _imported(subject).changed
    require(not changed, f"importing {subject.module} changed {', '.join(changed)}; it must change nothing of others")
