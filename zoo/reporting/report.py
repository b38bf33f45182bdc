"""``report.html``: what was run, how good it is, what it looks like, and how to do it again; one file, no network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.catalog import suites
from zoo.catalog.files import Published
from zoo.contracts.task import Task
from zoo.reporting.figures import curve_svg, heads, rows_of
from zoo.reporting.pages import over_counts, source_of, write_page
from zoo.reporting.pictures import Picture
from zoo.utils.errors import RequestError


def write_report(
    path: Path, run: Mapping[str, Any], metrics: Mapping[str, Any], task: Task, pictures: Sequence[Picture]
) -> None:
    """Write the page with every picture inside it.

    Args:
        path: of the page.
        run, metrics: the content of ``run.json`` and ``metrics.json``.
        task: of the run, for its words and shapes.
        pictures: of test items.

    Raises:
        ZooError: the file system refused.
    """
    try:
        published = suites.published(run["task"]["name"])
    except RequestError:  # a registry that became wrong meanwhile must not cost a finished run its report
        published = []
    model, scores = run["model"]["name"], metrics["metrics"]
    theirs: dict[str, dict[str, float]] = {}
    for row in published:
        theirs[row.model] = {**row.metrics, **theirs.get(row.model, {})}

    def elsewhere(rows: Sequence[Published]) -> list[str]:
        """The data of published numbers, other than that of the run."""
        return sorted({row.data for row in rows} - {run["data"]["name"]})

    curves = []
    for metric, points in over_counts(scores).items():
        if len(points) > 1:
            dashed = [row for row in published if metric in over_counts(row.metrics)]
            svg = curve_svg(metric, points, model, dashed)
            curves.append({"metric": metric, "svg": svg, "dashed": bool(dashed), "elsewhere": elsewhere(dashed)})
    write_page(
        path,
        "report.html",
        run=run,
        task=task,
        scores=scores,
        same=theirs.get(model, {}),
        elsewhere_same=elsewhere([row for row in published if row.model == model]),
        others={name: values for name, values in theirs.items() if values.keys() & scores.keys()},
        compared=[name for name in scores if any(name in values for values in theirs.values())],
        elsewhere=elsewhere(published),
        sources=dict.fromkeys(map(source_of, published)),
        curves=curves,
        heads=heads(task),
        items=[rows_of(picture, task, longest=60) for picture in pictures],
        vectors=bool(task.y_unit) and len(task.y_shape) == 3 and task.y_shape[0] == 2,
        settings=json.dumps({part: run[part]["config"] for part in ("model", "task")}, indent=2),
    )
