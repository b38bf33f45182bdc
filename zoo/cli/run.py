"""``zoo run``."""

from __future__ import annotations

import contextlib
import json as to_json
import os
import sys

from zoo.utils.errors import RequestError


def main(
    model: str | None,
    task: str | None,
    data: str | None,
    n: int,
    epochs: int | None,
    seed: int,
    device: str,
    settings: list[str],
    checkpoint: str | None,
    metrics: list[str] | None,
    items: int | None,
    out: str | None,
    resume: bool,
    json: bool,
) -> None:
    """Do the run, print its scores and where the report is; see :func:`zoo.running.run.run`."""
    parsed = read_settings(settings)
    from zoo.cli.output import stdout_is_kept
    from zoo.cli.table import table
    from zoo.running.run import run

    with stdout_is_kept() if json else contextlib.nullcontext():
        result = run(
            model,
            task,
            data,
            n=n,
            epochs=epochs,
            seed=seed,
            device=device,
            settings=parsed,
            checkpoint=checkpoint,
            metrics=metrics or None,
            items=items,
            out=out,
            resume=resume,
        )
    if os.environ.get("RANK", "0") != "0":
        return
    for name, reason in result.skipped.items():
        print(f"{name} was left out: {reason}", file=sys.stderr)
    if json:
        print(to_json.dumps(result.metrics, indent=2))
    else:
        rows = [
            (name, f"{s.value:.5g}", f"{s.low:.5g} to {s.high:.5g}", s.better, s.unit) for name, s in result.scores.items()
        ]
        print(table(("METRIC", "VALUE", "95 % INTERVAL", "BETTER", "UNIT"), rows))
    times = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in result.seconds.items())
    print(f"{times}\nreport: {result.out / 'report.html'}", file=sys.stderr if json else sys.stdout)


def read_settings(settings: list[str]) -> dict[str, str]:
    """``KEY=VALUE`` words as a dictionary; the later of two of one key counts.

    Raises:
        RequestError: a word is not of that form.
    """
    made = {}
    for word in settings:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise RequestError(f"--set {word!r}: write KEY=VALUE")
        made[key.strip()] = value.strip()
    return made
