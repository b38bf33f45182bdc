"""``report.html``: what was run, how good it is, what it looks like, and how to do it again; one file, no network."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.catalog import suites
from zoo.catalog.files import Published
from zoo.contracts.task import Task
from zoo.measuring.standing import in_order
from zoo.reporting.charts import charts, curve_chart
from zoo.reporting.pages import over_counts, short, source_of, write_page
from zoo.reporting.pictures import SAMPLES, Picture
from zoo.reporting.training import course_charts, told
from zoo.utils.errors import RequestError
from zoo.utils.sheet import INK, LINE, MUTED, Row, Tile, contact_sheet
from zoo.utils.words import visible

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

COLUMN, FIELD, GAP, MARGIN = 168, 84, 6, 20
"""Pixels of the sheet: a column, the height of a field under its photo, the space between, the edge."""
SHADES = (
    "#64748b", "#0891b2", "#7c3aed", "#16a34a", "#db2777", "#a16207", "#2563eb", "#65a30d", "#0f766e", "#9333ea",
    "#b91c1c", "#ea580c",
)  # fmt: skip
BESIDE = {
    "random": "training fields drawn at random",
    "mean": "the mean of the training fields",
    "true draws": "true draws of p(y | x)",
}
"""What the answers are that the figures show beside the model's."""
STYLE = {
    "font.size": 10, "font.family": "DejaVu Sans", "text.color": INK, "figure.dpi": 160, "svg.hashsalt": "zoo",
    "axes.edgecolor": MUTED, "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
    "axes.titlesize": 10.5, "axes.grid": True, "grid.color": LINE, "axes.axisbelow": True, "text.parse_math": False,
}  # fmt: skip


def heads(task: Task) -> list[str]:
    """The columns in which items are shown."""
    return [f"x: {task.x_name}", "ground truth", *(f"sample {i + 1}" for i in range(SAMPLES))]


def rows_of(picture: Picture, task: Task, longest: int = 22) -> list[tuple[str, list[Tile]]]:
    """The rows of an item in the columns of :func:`heads`, each with the name of its fields, "" for photos.

    The photos come first, then the fields, under x the item's name of at most ``longest`` letters, then the true draws.
    """
    photo, rows = picture.photo, []
    if photo is not None or picture.x is not None:
        x = Tile(picture.x, like=None if photo is None else photo.size)
        rows.append(("", [x, Tile(photo), *map(Tile, picture.samples)]))
    rows.append((task.y_name, [Tile(short(picture.name, longest)), Tile(picture.y), *map(Tile, picture.fields)]))
    if picture.draws:
        rows.append((task.y_name, [Tile(), Tile(f"true draws of {task.y_name}"), *map(Tile, picture.draws)]))
    return rows


def _described(picture: Picture, task: Task) -> list[tuple[str, list[tuple[Tile, str]]]]:
    """The rows of an item for a page, each tile with the words that stand for its picture."""
    of, y = f"of {short(picture.name, 60)}", task.y_name
    put = f"the {task.item} with this {y} put in its place"
    composed = [f"x {of}: its {task.x_name}", f"the truth {of}", *(f"sample {i + 1} {of}: {put}" for i in range(SAMPLES))]
    fields = ["", f"the true {y} {of}", *(f"sample {i + 1} {of}: its {y} alone" for i in range(SAMPLES))]
    draws = ["", "", *(f"true draw {i + 1} of the {y} {of}" for i in range(SAMPLES))]
    rows = rows_of(picture, task, longest=60)
    words = [*([composed] if not rows[0][0] else []), fields, draws]
    return [(field, list(zip(tiles, said, strict=False))) for (field, tiles), said in zip(rows, words, strict=False)]


def sheet(pictures: Sequence[Picture], task: Task) -> PILImage:
    """``samples.png``, one picture of all items: x, the ground truth, and the samples, each with its field below."""
    rows = [Row(32, [Tile(head, size=15, colour=INK, bold=True) for head in heads(task)])]
    for picture in pictures:
        shown = picture.photo
        high = COLUMN if shown is None else max(60, min(240, round(COLUMN * shown.height / shown.width)))
        rows.append(Row(0, rule=True))
        if picture.note:
            rows.append(Row(24, [Tile(picture.note, 2 + SAMPLES, size=14, colour=INK, bold=True)]))
        rows += [Row(FIELD if fields else high, tiles) for fields, tiles in rows_of(picture, task)]
    return contact_sheet(rows, [COLUMN] * (2 + SAMPLES), GAP, MARGIN)


@contextlib.contextmanager
def plot(file: Path | io.BytesIO, size: tuple[float, float], columns: int = 1, **save: Any) -> Iterator[Sequence[Any]]:
    """Give so many axes of this size in inches, side by side; on success the figure is saved to ``file``, as ``save`` says."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in letters that the font lacks has boxes for them
        figure = Figure(figsize=(size[0] * columns, size[1]), layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False)[0]
        yield axes
        figure.savefig(file, **save)


def label(text: str) -> str:
    """A name as a label of a figure: visible, and in the legend also where it begins with ``_``, which hides others."""
    text = visible(text)
    return f" {text}" if text.startswith("_") else text


def finish_curves(axes: Any, counts: Sequence[int], metric: str, order: Sequence[int], size: float) -> None:
    """Numbers of samples along x, ``metric`` along y, and to the right the legend, its entries in this order and size."""
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set(xlabel="samples an item", ylabel=label(metric))
    handles = axes.get_legend_handles_labels()
    entries = ([column[i] for i in order] for column in handles)
    axes.legend(*entries, frameon=False, fontsize=size, loc="center left", bbox_to_anchor=(1.01, 0.5))


def write_report(
    path: Path, run: Mapping[str, Any], metrics: Mapping[str, Any], task: Task, pictures: Sequence[Picture]
) -> None:
    """Write the page with every picture inside it, from the content of ``run.json`` and ``metrics.json``."""
    try:
        published = suites.published(run["task"]["name"])
    except RequestError:  # a registry that became wrong meanwhile must not cost a finished run its report
        published = []
    model, scores = run["model"]["name"], {name: metrics["metrics"][name] for name in in_order(metrics["metrics"])}
    theirs: dict[str, dict[str, float]] = {}
    for row in published:
        theirs[row.model] = {**row.metrics, **theirs.get(row.model, {})}

    def elsewhere(rows: Sequence[Published]) -> list[str]:
        return sorted({row.data for row in rows} - {run["data"]["name"]})

    figures = metrics.get("figures")
    shown = charts(figures, model) if figures else []
    measured = figures["curves"] if figures else {}
    for metric, points in over_counts(scores).items():
        if len(points) > 1 and metric not in measured:
            line = {k: (score["value"], score["low"], score["high"]) for k, score in points.items()}
            first = points[min(points)]
            says = first["unit"] + (f"; {first['better']} is better." if first.get("better") else ".")
            shown.append(curve_chart(f"{metric} over the number of samples", says, metric, {model: line}))
    judge = str((run.get("training") or {}).get("validate_by", "energy_score"))
    write_page(
        path,
        "report.html",
        course=course_charts(run.get("curves", {}), judge, (run.get("history") or {}).get("best_at", 0)),
        course_note=told(run.get("history"), judge),
        run=run,
        task=task,
        scores=scores,
        same=theirs.get(model, {}),
        elsewhere_same=elsewhere([row for row in published if row.model == model]),
        others={name: values for name, values in theirs.items() if values.keys() & scores.keys()},
        compared=[name for name in scores if any(name in values for values in theirs.values())],
        elsewhere=elsewhere(published),
        sources=dict.fromkeys(map(source_of, published)),
        charts=shown,
        references=[BESIDE[name] for name in (figures or {}).get("references", {}) if name in BESIDE],
        metrics_items=metrics["test_items"],
        verdict=metrics.get("verdict"),
        heads=heads(task),
        items=[(picture.note, _described(picture, task)) for picture in pictures],
        chosen=any(picture.note for picture in pictures),
        vectors=bool(task.y_unit) and len(task.y_shape) == 3 and task.y_shape[0] == 2,
        settings=json.dumps({part: run[part]["config"] for part in ("model", "task")}, indent=2),
    )
