"""``zoo bench``."""

from __future__ import annotations

import contextlib
import json as to_json
import sys

from zoo.cli.run import read_settings
from zoo.utils.errors import ZooError


def main(
    suite: str | None,
    data: str | None,
    models: str | None,
    tasks: str | None,
    seeds: int | None,
    n: int | None,
    items: int | None,
    workers: int | None,
    quick: bool,
    device: str,
    settings: list[str],
    out: str | None,
    json: bool,
) -> None:
    """Do the bench, print its tables and where the report is; see :func:`zoo.bench`.

    Raises:
        ZooError: cells failed; the others are done, and all that could be made of them is written.
    """
    parsed = read_settings(settings)
    from zoo.benching.bench import bench
    from zoo.benching.tables import task_table
    from zoo.cli.output import stdout_is_kept
    from zoo.cli.table import table

    with stdout_is_kept() if json else contextlib.nullcontext():
        result = bench(
            suite,
            data=data,
            models=None if models is None else models.split(","),
            tasks=None if tasks is None else tasks.split(","),
            seeds=seeds,
            n=n,
            items=items,
            workers=workers,
            quick=quick,
            device=device,
            settings=parsed,
            out=out,
        )
    if json:
        print(to_json.dumps(result.bench, indent=2))
    else:
        for task in result.bench["tasks"]:
            table_of = task_table(result.bench, task)
            heads, *rows = ([entry.text for entry in row if not entry.published] for row in (table_of.heads, *table_of.rows))
            print(table([task.upper(), *(head.upper() for head in heads[1:])], rows), end="\n\n")
    print(f"report: {result.out / 'report.html'}", file=sys.stderr if json else sys.stdout)
    if result.failed:
        count, total = len(result.failed), len(result.bench["cells"])
        raise ZooError(f"{count} of {total} runs failed: {'; '.join(result.failed)}")
