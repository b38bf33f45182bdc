"""``zoo check``: whether models, tasks and metrics keep their contracts, each looked at in a process of its own."""

from __future__ import annotations

import json as json_module
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from zoo import registry
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.progress import progress

if TYPE_CHECKING:
    from zoo.testing.outcome import Outcome, Result
    from zoo.testing.verdicts import Kind

AT_ONCE = 4
"""Subjects checked at a time, at most: each loads torch."""


def main(names: list[str], all_: bool, only: list[str], json: bool) -> None:
    """Check what is named, or everything that is installed, and print what came of each check.

    Raises:
        RequestError: a name is unknown, of two kinds, or that of no check; or nothing is named.
        ZooError: a check failed, or fewer ran than should have.
    """
    wanted = _wanted(names, all_, tuple(only))
    outcomes = _outcomes(wanted)
    if json:
        print(json_module.dumps({"ok": all(one.ok for one in outcomes), "checked": [_plain(o) for o in outcomes]}, indent=2))
    else:
        for outcome in outcomes:
            print(_block(outcome))
        print(_summary(outcomes))
    wrong = [f"{one.kind} {one.name}" for one in outcomes if not one.ok]
    if wrong:
        raise ZooError(f"{', '.join(wrong)} {'does' if len(wrong) == 1 else 'do'} not keep the contracts of the zoo")


def _wanted(names: list[str], all_: bool, only: tuple[str, ...]) -> list[tuple[str, Kind, tuple[str, ...]]]:
    """What to check: names, kinds and checks. With ``all_``, things of whose kind no check is wanted are left out."""
    from zoo.testing.listing import checks, chosen
    from zoo.testing.subjects.named import subject_of
    from zoo.testing.verdicts import KINDS

    if all_ == bool(names):
        raise RequestError(
            "name what to check, or write --all" if not names else "name what to check, or write --all: not both"
        )
    if not all_:
        subjects = {(one.name, one.kind): one for one in map(subject_of, names)}
        for kind in {kind for _, kind in subjects}:
            chosen(kind, only)
        return [(name, kind, only) for name, kind in subjects]
    known: dict[Kind, set[str]] = {kind: {check.name for check in checks(kind)} for kind in KINDS}
    for name in only:
        if not any(name in of_kind for of_kind in known.values()):
            chosen("model", (name,))
    return [
        (name, kind, mine)
        for kind in KINDS
        for name in registry.names(f"{kind}s")
        if (mine := tuple(one for one in only if one in known[kind])) or not only
    ]


def _outcomes(wanted: list[tuple[str, Kind, tuple[str, ...]]]) -> list[Outcome]:
    from zoo.testing.apart import check_apart
    from zoo.testing.listing import chosen

    total = sum(len(chosen(kind, only)) for _, kind, only in wanted)
    lock, done = threading.Lock(), 0
    with progress(total, "check") as bar:

        def run(one: tuple[str, Kind, tuple[str, ...]]) -> Outcome:
            name, kind, only = one

            def tell(result: Result) -> None:
                nonlocal done
                with lock:
                    done += 1
                    bar.update(done, now=f"{kind} {name}")

            return check_apart(name, kind, only, tell=tell)

        with ThreadPoolExecutor(max(1, min(AT_ONCE, os.cpu_count() or 1, len(wanted)))) as pool:
            return list(pool.map(run, wanted))


def _block(outcome: Outcome) -> str:
    """One subject: its counts, and a line for each check in the order of the list."""
    lines = [str(outcome)]
    for name in outcome.should:
        if name in outcome.ran:
            lines.append(f"  ran       {name}")
        elif name in outcome.skipped:
            lines.append(f"  skipped   {name}: {outcome.skipped[name]}")
        elif name in outcome.expected:
            lines.append(f"  expected  {name}: it fails, as it says of itself: {outcome.expected[name]}")
        elif name in outcome.failed:
            lines.append(f"  FAILED    {name}: {outcome.failed[name]}")
        else:
            lines.append(f"  NOT RUN   {name}")
    return "\n".join(lines) + "\n"


def _summary(outcomes: list[Outcome]) -> str:
    ran, skipped, expected, failed, missing, should = (
        sum(len(getattr(one, what)) for one in outcomes)
        for what in ("ran", "skipped", "expected", "failed", "missing", "should")
    )
    return (
        f"{len(outcomes)} checked: {ran} ran, {skipped} skipped, {expected} expected to fail, {failed} failed, "
        f"{missing} did not run, of {should} checks"
    )


def _plain(outcome: Outcome) -> dict[str, object]:
    return {
        "kind": outcome.kind,
        "name": outcome.name,
        "ok": outcome.ok,
        "checks": len(outcome.should),
        "ran": list(outcome.ran),
        "skipped": outcome.skipped,
        "expected": outcome.expected,
        "failed": outcome.failed,
        "missing": list(outcome.missing),
    }
