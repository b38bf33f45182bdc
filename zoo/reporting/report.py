"""``report.html``: what was run, how good it is, what it looks like, and how to do it again; one file, no network."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.catalog import checkpoints
from zoo.catalog.toml import Published
from zoo.contracts.metric import Score
from zoo.reporting.figures import curve_svg, curves, short
from zoo.reporting.pictures import SAMPLES, Picture
from zoo.running.record import Record, device_name, run_json, versions
from zoo.utils.errors import RequestError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from zoo.running.plan import Plan

SMALL = 128
"""Pixels: pictures below this width are shown with their pixels visible."""


def write_report(plan: Plan, record: Record, scores: Mapping[str, Score], pictures: Sequence[Picture]) -> str:
    """The page as one HTML text with every picture inside it."""
    try:
        published = checkpoints.published(plan.task_name)
    except RequestError:  # a registry that became wrong meanwhile must not cost a finished run its report
        published = []
    title = f"{plan.model_name} on {plan.task_name}"
    parts = [
        _head(plan, record, title),
        _metrics(plan, record, scores, published),
        _curves(plan, scores, published),
        _pictures(plan, pictures),
        _repeat(plan, record),
    ]
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(plan: Plan, record: Record, title: str) -> str:
    done = f"scored as checkpoint {plan.checkpoint}" if plan.checkpoint else "fitted and scored"
    train = "" if record.train is None else f"{record.train[0]:,}"
    facts = {
        "Data": str(plan.data),
        "Training pairs": train,
        "Test items": f"{record.test[0]:,}" if record.test else "",
        "Samples an item": str(plan.n),
        "Seed": str(plan.seed),
        "Device": device_name(plan),
        "Time": _seconds(sum(record.seconds.values())),
    }
    cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items() if v)
    return (
        f"<h1>{escape(title)}</h1>\n"
        f'<p class="muted">x is {escape(plan.task.x_name)} {_shape(plan.task.x_shape)}, '
        f"y is {escape(plan.task.y_name)} {_shape(plan.task.y_shape)}; {escape(done)} on {escape(record.started)}</p>\n"
        f'<dl class="facts">{cells}</dl>'
    )


def _metrics(plan: Plan, record: Record, scores: Mapping[str, Score], published: Sequence[Published]) -> str:
    same = [one for one in published if one.model == plan.model_name]
    theirs = {name: (value, one) for one in reversed(same) for name, value in one.metrics.items()}
    head = ["metric", "this run", "95 % interval", "better", "unit"]
    if theirs:
        head.append("published" + _tag(plan, [one for _, one in theirs.values()]))
    rows = []
    for name, score in scores.items():
        cells = [
            f"<td>{escape(name)}</td>",
            f'<td class="value">{_number(score.value)}</td>',
            f"<td>{_number(score.low)} to {_number(score.high)}</td>",
            f'<td class="left">{score.better}</td>',
            f'<td class="left muted">{escape(score.unit)}</td>',
        ]
        if theirs:
            cells.append(f"<td>{_number(theirs[name][0]) if name in theirs else ''}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    left = {"metric", "better", "unit"}
    heads = "".join(f"<th{' class=left' if h in left else ''}>{h}</th>" for h in head)
    text = f'<h2>Metrics</h2>\n<div class="wide"><table><tr>{heads}</tr>{"".join(rows)}</table></div>'
    text += '\n<p class="note">Means over the test items; intervals by bootstrap over items (2,000 resamples).</p>'
    for name, reason in record.skipped.items():
        text += f'\n<p class="note">{escape(name)} was left out: {escape(reason)}.</p>'
    return text + _published(plan, scores, published)


def _published(plan: Plan, scores: Mapping[str, Score], published: Sequence[Published]) -> str:
    """Every published model of the task in one table under this run, in the metrics that both have."""
    names = [name for name in scores if any(name in one.metrics for one in published)]
    if not names:
        return ""
    models: dict[str, dict[str, float]] = {}
    for one in published:
        for name, value in one.metrics.items():
            models.setdefault(one.model, {}).setdefault(name, value)
    heads = "<th>model</th>" + "".join(f"<th>{escape(name)}</th>" for name in names)
    own = "".join(f"<td>{_number(scores[name].value)}</td>" for name in names)
    rows = [f'<tr class="own"><td>{escape(plan.model_name)}, this run</td>{own}</tr>']
    for model, values in models.items():
        if any(name in values for name in names):
            cells = "".join(f"<td>{_number(values[name]) if name in values else ''}</td>" for name in names)
            rows.append(f'<tr class="elsewhere"><td>{escape(model)}, published</td>{cells}</tr>')
    sources = dict.fromkeys(f"{one.paper}, {one.source} ({one.data}, n = {one.n})" for one in published)
    other = sorted({one.data for one in published if one.data != str(plan.data)})
    mark = ""
    if other:
        mark = f"<p class=note>{_tag(plan, published)} The published numbers are of {escape(' and '.join(other))}; "
        mark += f"this run is of {escape(str(plan.data))}. They give a scale and no ranking.</p>"
    return (
        f"\n<h2>Beside the published numbers</h2>\n{mark}"
        f'<div class="wide"><table><tr>{heads}</tr>{"".join(rows)}</table></div>'
        f'\n<details><summary>Sources</summary><p class="note">{"<br>".join(map(escape, sources))}</p></details>'
    )


def _tag(plan: Plan, published: Sequence[Published]) -> str:
    """A mark on numbers that were not measured on the data of this run."""
    return ' <span class="tag">another data set</span>' if any(one.data != str(plan.data) for one in published) else ""


def _curves(plan: Plan, scores: Mapping[str, Score], published: Sequence[Published]) -> str:
    text = ""
    for curve in curves(scores):
        svg = base64.b64encode(curve_svg(curve, plan.model_name, published).encode()).decode()
        label = f"{curve.metric} over the number of samples"
        dashed = any(name.startswith(f"{curve.metric}@") for one in published for name in one.metrics)
        other = dashed and any(one.data != str(plan.data) for one in published)
        note = "The band is the 95 % interval." + (" Dashed lines are published numbers" if dashed else "")
        note += ", of another data set." if other else "." if dashed else ""
        text += (
            f'\n<h2>{escape(label)}</h2>\n<figure class="curve"><img alt="{escape(label)}" '
            f'src="data:image/svg+xml;base64,{svg}"><figcaption class="note">{note}</figcaption></figure>'
        )
    return text.lstrip("\n")


def _pictures(plan: Plan, pictures: Sequence[Picture]) -> str:
    if not pictures:
        return ""
    x, y = escape(plan.task.x_name), escape(plan.task.y_name)
    heads = [f"x: {x}", "ground truth", *(f"sample {i + 1}" for i in range(SAMPLES))]
    items = [_item(picture, y) for picture in pictures]
    shades = "black for 0 and white for 1"
    if plan.task.y_unit and len(plan.task.y_shape) == 3 and plan.task.y_shape[0] == 2:
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


def _repeat(plan: Plan, record: Record) -> str:
    facts = run_json(record)
    settings = {part: facts[part]["config"] for part in ("model", "task")}
    times = ", ".join(f"{part} {_seconds(value)}" for part, value in record.seconds.items())
    packages = ", ".join(f"{name} {number}" for name, number in versions().items())
    made = {f"{f['distribution']} {f['version']}" for f in (facts["model"], facts["task"], facts["data"])}
    return (
        f"<h2>How to do it again</h2>\n<pre>{escape(plan.command())}</pre>\n"
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
