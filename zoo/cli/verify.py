"""``zoo verify``: are checkpoints still what they were."""

from __future__ import annotations

import contextlib
import json as json_format
import sys

from zoo.utils.errors import RequestError, ZooError


def main(names: list[str], everything: bool, device: str, json: bool) -> None:
    """Verify each checkpoint and print what was found, one line a step.

    Raises:
        RequestError: none is named, or one that is not known.
        ZooError: one of them is not what it was, or could not be looked at.
    """
    from zoo.catalog.verify import verify
    from zoo.cli.output import stdout_is_kept

    if bool(names) == everything:
        raise RequestError("name checkpoints to verify, or give --all")
    skipped: dict[str, str] = {}
    if everything:
        names, skipped = _here()
        for name, reason in skipped.items():
            print(f"{name}: skipped, {reason}", file=sys.stderr)
    found = []
    for name in names:
        with stdout_is_kept() if json else contextlib.nullcontext():
            one = verify(name, device)
        found.append(one)
        if not json:
            print(f"{name}: {'verified' if one.ok else 'NOT verified'}")
            for step in one.steps:
                print(f"  {step.name.ljust(14)}  {step.outcome.ljust(7)}  {step.detail}", flush=True)
    bad = [one.name for one in found if not one.ok]
    if json:
        rows = [{"name": one.name, "ok": one.ok, "steps": [step._asdict() for step in one.steps]} for one in found]
        print(json_format.dumps({"checkpoints": rows, "skipped": skipped}, indent=2))
    if bad:
        raise ZooError(f"{len(bad)} of {len(found)} checkpoints could not be verified: {', '.join(bad)}")
    if not json:
        print(f"all {len(found)} verified")


def _here() -> tuple[list[str], dict[str, str]]:
    """The names of the registered checkpoints that need no network, and why the others are left out."""
    from zoo.catalog import checkpoints

    here, skipped = [], {}
    for name, claims in checkpoints.known().named.items():
        if len(claims) > 1:
            skipped[name] = "two plugins bring it"
        elif checkpoints.place_of(claims[0]) is None:
            skipped[name] = f"not here yet: zoo pull {name}"
        else:
            here.append(name)
    return here, skipped
