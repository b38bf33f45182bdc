"""``report.html``: what was run, how good it is, what it looks like, and how to do it again; one file, no network."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.catalog import checkpoints
from zoo.catalog.toml import Published
from zoo.reporting.figures import curve_svg, curves, short
from zoo.reporting.pictures import SAMPLES, Picture
from zoo.utils.errors import RequestError
from zoo.utils.files import write_text

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from zoo.contracts.task import Task

SMALL = 128
"""Pixels: pictures below this width are shown with their pixels visible."""


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
        published = checkpoints.published(run["task"]["name"])
    except RequestError:  # a registry that became wrong meanwhile must not cost a finished run its report
        published = []
    title = f"{run['model']['name']} on {run['task']['name']}"
    scores = metrics["metrics"]
    parts = [
        _head(run, task, title),
        _metrics(run, scores, published),
        _curves(run, scores, published),
        _pictures(task, pictures),
        _repeat(run),
    ]
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )
    write_text(path, text)


def _head(run: Mapping[str, Any], task: Task, title: str) -> str:
    done = f"scored as checkpoint {run['checkpoint']}" if run["checkpoint"] else "fitted and scored"
    train, test = run["data"]["train"], run["data"]["test"]
    facts = {
        "Data": run["data"]["name"],
        "Training pairs": f"{train['items']:,}" if train else "",
        "Test items": f"{test['items']:,}" if test else "",
        "Samples an item": str(run["n"]),
        "Seed": str(run["seed"]),
        "Device": run["device"],
        "Time": _seconds(sum(run["seconds"].values())),
    }
    cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items() if v)
    return (
        f"<h1>{escape(title)}</h1>\n"
        f'<p class="muted">x is {escape(task.x_name)} {_shape(task.x_shape)}, '
        f"y is {escape(task.y_name)} {_shape(task.y_shape)}; {escape(done)} on {escape(run['started'])}</p>\n"
        f'<dl class="facts">{cells}</dl>'
    )


def _metrics(run: Mapping[str, Any], scores: Mapping[str, Any], published: Sequence[Published]) -> str:
    same = [one for one in published if one.model == run["model"]["name"]]
    theirs = {name: (value, one) for one in reversed(same) for name, value in one.metrics.items()}
    head = ["metric", "this run", "95 % interval", "better", "unit"]
    if theirs:
        head.append("published" + _tag(run, [one for _, one in theirs.values()]))
    rows = []
    for name, score in scores.items():
        cells = [
            f"<td>{escape(name)}</td>",
            f'<td class="value">{_number(score["value"])}</td>',
            f"<td>{_number(score['low'])} to {_number(score['high'])}</td>",
            f'<td class="left">{score["better"]}</td>',
            f'<td class="left muted">{escape(score["unit"])}</td>',
        ]
        if theirs:
            cells.append(f"<td>{_number(theirs[name][0]) if name in theirs else ''}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    left = {"metric", "better", "unit"}
    heads = "".join(f"<th{' class=left' if h in left else ''}>{h}</th>" for h in head)
    text = f'<h2>Metrics</h2>\n<div class="wide"><table><tr>{heads}</tr>{"".join(rows)}</table></div>'
    text += '\n<p class="note">Means over the test items; intervals by bootstrap over items (2,000 resamples).</p>'
    for name, reason in run["skipped_metrics"].items():
        text += f'\n<p class="note">{escape(name)} was left out: {escape(reason)}.</p>'
    return text + _published(run, scores, published)


def _published(run: Mapping[str, Any], scores: Mapping[str, Any], published: Sequence[Published]) -> str:
    """Every published model of the task in one table under this run, in the metrics that both have."""
    names = [name for name in scores if any(name in one.metrics for one in published)]
    if not names:
        return ""
    models: dict[str, dict[str, float]] = {}
    for one in published:
        for name, value in one.metrics.items():
            models.setdefault(one.model, {}).setdefault(name, value)
    heads = "<th>model</th>" + "".join(f"<th>{escape(name)}</th>" for name in names)
    own = "".join(f"<td>{_number(scores[name]['value'])}</td>" for name in names)
    rows = [f'<tr class="own"><td>{escape(run["model"]["name"])}, this run</td>{own}</tr>']
    for model, values in models.items():
        if any(name in values for name in names):
            cells = "".join(f"<td>{_number(values[name]) if name in values else ''}</td>" for name in names)
            rows.append(f'<tr class="elsewhere"><td>{escape(model)}, published</td>{cells}</tr>')
    sources = dict.fromkeys(f"{one.paper}, {one.source} ({one.data}, n = {one.n})" for one in published)
    other = sorted({one.data for one in published if one.data != run["data"]["name"]})
    mark = ""
    if other:
        mark = f"<p class=note>{_tag(run, published)} The published numbers are of {escape(' and '.join(other))}; "
        mark += f"this run is of {escape(run['data']['name'])}. They give a scale and no ranking.</p>"
    return (
        f"\n<h2>Beside the published numbers</h2>\n{mark}"
        f'<div class="wide"><table><tr>{heads}</tr>{"".join(rows)}</table></div>'
        f'\n<details><summary>Sources</summary><p class="note">{"<br>".join(map(escape, sources))}</p></details>'
    )


def _tag(run: Mapping[str, Any], published: Sequence[Published]) -> str:
    """A mark on numbers that were not measured on the data of this run."""
    return ' <span class="tag">another data set</span>' if any(one.data != run["data"]["name"] for one in published) else ""


def _curves(run: Mapping[str, Any], scores: Mapping[str, Any], published: Sequence[Published]) -> str:
    text = ""
    for curve in curves(scores):
        svg = base64.b64encode(curve_svg(curve, run["model"]["name"], published).encode()).decode()
        label = f"{curve.metric} over the number of samples"
        dashed = any(name.startswith(f"{curve.metric}@") for one in published for name in one.metrics)
        other = dashed and any(one.data != run["data"]["name"] for one in published)
        note = "The band is the 95 % interval." + (" Dashed lines are published numbers" if dashed else "")
        note += ", of another data set." if other else "." if dashed else ""
        text += (
            f'\n<h2>{escape(label)}</h2>\n<figure class="curve"><img alt="{escape(label)}" '
            f'src="data:image/svg+xml;base64,{svg}"><figcaption class="note">{note}</figcaption></figure>'
        )
    return text.lstrip("\n")


def _pictures(task: Task, pictures: Sequence[Picture]) -> str:
    if not pictures:
        return ""
    x, y = escape(task.x_name), escape(task.y_name)
    heads = [f"x: {x}", "ground truth", *(f"sample {i + 1}" for i in range(SAMPLES))]
    items = [_item(picture, y) for picture in pictures]
    shades = "black for 0 and white for 1"
    if task.y_unit and len(task.y_shape) == 3 and task.y_shape[0] == 2:
        shades = "hue for direction (red to the right, cyan to the left), saturation for length, on one scale an item"
    return (
        "<h2>Samples</h2>\n"
        f'<p class="note">Test items spread over the split, not chosen. Upper rows: the photo with each sampled {y} put in '
        f"its place; lower rows: the {y} fields as the model gave them, {shades}.</p>\n"
        '<div class="wide"><div class="items"><div class="row heads">'
        + "".join(f"<span>{head}</span>" for head in heads)
        + f"</div>{''.join(items)}</div></div>"
    )


def _item(picture: Picture, y: str) -> str:
    """The rows of one item, in the columns x, truth, samples."""
    rows = []
    name = escape(short(picture.name, 60))
    x = "" if picture.x is None else _img(picture.x, "x", stretch=picture.photo)
    if picture.photo is not None:
        rows.append([x, _img(picture.photo, "ground truth"), *(_img(one, "sample") for one in picture.samples)])
        x = name
    if picture.fields:
        truth = "" if picture.y is None else _img(picture.y, f"true {y}", field=True)
        rows.append([x, truth, *(_img(one, y, field=True) for one in picture.fields)])
    if picture.draws:
        rows.append(["", "true draws of p(y | x)", *(_img(one, f"true {y}", field=True) for one in picture.draws)])
    html = "".join('<div class="row">' + "".join(f"<div>{cell}</div>" for cell in row) + "</div>" for row in rows)
    return f'<div class="item">{html}</div>'


def _img(image: PILImage, alt: str, *, field: bool = False, stretch: PILImage | None = None) -> str:
    """An inlined picture: small ones without loss, photos as JPEG; ``stretch`` gives it another picture's proportions."""
    small = max(image.size) < SMALL
    buffer = io.BytesIO()
    if small:
        image.save(buffer, "PNG", optimize=True)
    else:
        image.convert("RGB").save(buffer, "JPEG", quality=88)
    kind = "png" if small else "jpeg"
    classes = " ".join(name for name, on in (("small", small), ("field", field)) if on)
    shape = "" if stretch is None else f' style="aspect-ratio: {stretch.width} / {stretch.height}"'
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img class="{classes}"{shape} alt="{escape(alt)}" src="data:image/{kind};base64,{data}">'


def _repeat(run: Mapping[str, Any]) -> str:
    settings = {part: run[part]["config"] for part in ("model", "task")}
    times = ", ".join(f"{part} {_seconds(value)}" for part, value in run["seconds"].items())
    packages = ", ".join(f"{name} {number}" for name, number in run["versions"].items())
    made = {f"{f['distribution']} {f['version']}" for f in (run["model"], run["task"], run["data"])}
    return (
        f"<h2>How to do it again</h2>\n<pre>{escape(run['command'])}</pre>\n"
        f'<p class="note">Model, task and data come from {escape(", ".join(sorted(made)))}. {escape(packages)}.</p>\n'
        f"<details><summary>Settings</summary><pre>{escape(json.dumps(settings, indent=2))}</pre></details>\n"
        f'<p class="note">Time: {times}. run.json beside this page holds the rest: digests of the data, versions.</p>'
    )


def _number(value: float) -> str:
    """About four significant digits, without powers of ten."""
    return f"{value:,.1f}".removesuffix(".0") if abs(value) >= 1000 else f"{value:.4g}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else f"{value / 60:.1f} min"


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + " × ".join(map(str, shape)) + ")"
