"""``report.html``: what was run, how good it is, what it looks like, and how to do it again; one file, no network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.catalog import suites
from zoo.reporting.figures import curve_svg, heads, over_counts, rows_of
from zoo.reporting.pages import duration, write_page
from zoo.reporting.pictures import Picture
from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    from zoo.catalog.files import Published
    from zoo.contracts.task import Task


def write_report(
    path: Path, run: Mapping[str, Any], metrics: Mapping[str, Any], task: Task, pictures: Sequence[Picture]
) -> None:
    """Write the page with every picture inside it.

    Args:
        path: of the page.
        run, metrics: the content of ``run.json`` and ``metrics.json``.
        task: of the run, for its words and shapes.
        pictures: of test items.
    """
    try:
        published = suites.published(run["task"]["name"])
    except RequestError:  # a registry that became wrong meanwhile must not cost a finished run its report
        published = []
    model, scores, data = run["model"]["name"], metrics["metrics"], run["data"]
    theirs: dict[str, dict[str, float]] = {}
    for row in published:
        theirs[row.model] = {**row.metrics, **theirs.get(row.model, {})}
    curves = {metric: points for metric, points in over_counts(scores).items() if len(points) > 1}
    write_page(
        path,
        "report.html",
        run=run,
        task=task,
        facts={
            "Data": data["name"],
            "Training pairs": data["train"] and f"{data['train']['items']:,}",
            "Test items": data["test"] and f"{data['test']['items']:,}",
            "Samples an item": run["n"],
            "Seed": str(run["seed"]),
            "Device": run["device"],
            "Time": duration(sum(run["seconds"].values())),
        },
        scores=scores,
        same=theirs.get(model, {}),
        others={name: values for name, values in theirs.items() if values.keys() & scores.keys()},
        compared=[name for name in scores if any(name in values for values in theirs.values())],
        sources=dict.fromkeys(map(source_of, published)),
        elsewhere=_elsewhere(data["name"], published),
        elsewhere_same=_elsewhere(data["name"], [row for row in published if row.model == model]),
        curves=[
            {
                "metric": metric,
                "svg": curve_svg(metric, points, model, published),
                "dashed": (dashed := [row for row in published if metric in over_counts(row.metrics)]),
                "elsewhere": _elsewhere(data["name"], dashed),
            }
            for metric, points in curves.items()
        ],
        heads=heads(task),
        items=[rows_of(picture, task, longest=60) for picture in pictures],
        vectors=bool(task.y_unit) and len(task.y_shape) == 3 and task.y_shape[0] == 2,
        origins=sorted({f"{part['distribution']} {part['version']}" for part in (run["model"], run["task"], data)}),
        settings=json.dumps({part: run[part]["config"] for part in ("model", "task")}, indent=2),
    )


def source_of(row: Published) -> str:
    """Where a published number stands, and what data it is of."""
    return f"{row.paper}, {row.source} ({row.data}, n = {row.n})"


def _elsewhere(data: str, published: Sequence[Published]) -> list[str]:
    """The data, other than that of the run, of which numbers were published."""
    return sorted({row.data for row in published} - {data})
