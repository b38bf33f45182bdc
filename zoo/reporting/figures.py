"""The figures of a run: the sheet of samples, and metrics over the number of samples."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.catalog.toml import Published
from zoo.reporting.pictures import SAMPLES, Picture

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

    from zoo.contracts.task import Task

CELL, GAP, MARGIN = 168, 6, 20
"""Pixels of the sheet: the width of a column, the space between columns, the edge."""
FIELD = 84
"""Pixels: the side of a field under its photo."""
INK, MUTED, PAPER, LINE = "#1d2430", "#667085", "#ffffff", "#e4e7ec"
ACCENT = "#c2410c"


def sheet(pictures: Sequence[Picture], task: Task) -> PILImage:
    """One picture of all items: x, the ground truth, and the samples, each with its field below."""
    from PIL import Image, ImageDraw

    columns = 2 + SAMPLES
    width = 2 * MARGIN + columns * (CELL + GAP) - GAP
    blocks = [_block(picture, task) for picture in pictures]
    head = 34
    image = Image.new("RGB", (width, 2 * MARGIN + head + sum(b.height + 3 * GAP for b in blocks)), PAPER)
    draw = ImageDraw.Draw(image)
    titles = [f"x: {task.x_name}", "ground truth", *(f"sample {i + 1}" for i in range(SAMPLES))]
    for column, title in enumerate(titles):
        label(draw, title, MARGIN + column * (CELL + GAP) + CELL // 2, MARGIN + 8, 15, INK, bold=True)
    top = MARGIN + head
    for block in blocks:
        draw.line((MARGIN, top - GAP, width - MARGIN, top - GAP), fill=LINE)
        image.paste(block, (MARGIN, top))
        top += block.height + 3 * GAP
    return image


def _block(picture: Picture, task: Task) -> PILImage:
    """The rows of one item: photos, fields, and true draws where there are any."""
    from PIL import Image, ImageDraw

    high = 0
    if picture.photo is not None:
        high = max(60, min(240, round(CELL * picture.photo.height / picture.photo.width)))
    elif picture.x is not None:
        high = CELL
    rows = 2 if picture.draws else 1
    block = Image.new("RGB", ((2 + SAMPLES) * (CELL + GAP) - GAP, high + rows * (FIELD + GAP)), PAPER)
    draw = ImageDraw.Draw(block)

    def put(one: PILImage, column: int, top: int, wide: int, tall: int, stretch: bool = False) -> None:
        scaled = fit(one.convert("RGB"), wide, tall, stretch)
        left = column * (CELL + GAP) + (CELL - scaled.width) // 2
        block.paste(scaled, (left, top + (tall - scaled.height) // 2))

    def say(text: str, column: int, top: int) -> None:
        label(draw, text, column * (CELL + GAP) + CELL // 2, top + FIELD // 2, 12, MUTED)

    if picture.x is not None:
        put(picture.x, 0, 0, CELL, high, stretch=picture.photo is not None)
    if picture.photo is not None:
        put(picture.photo, 1, 0, CELL, high)
    for i, one in enumerate(picture.samples):
        put(one, 2 + i, 0, CELL, high)
    below = high + GAP
    say(short(picture.name), 0, below)
    if picture.y is not None:
        put(picture.y, 1, below, FIELD, FIELD)
    for i, one in enumerate(picture.fields):
        put(one, 2 + i, below, FIELD, FIELD)
    if picture.draws:
        below += FIELD + GAP
        say(f"true draws of {task.y_name}", 1, below)
        for i, one in enumerate(picture.draws):
            put(one, 2 + i, below, FIELD, FIELD)
    return block


def fit(image: PILImage, width: int, height: int, stretch: bool) -> PILImage:
    """``image`` as large as fits; small ones keep their pixels visible."""
    from PIL import Image

    if stretch:
        size = (width, height)
    else:
        scale = min(width / image.width, height / image.height)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    grows = size[0] > image.width
    return image.resize(size, Image.Resampling.NEAREST if grows else Image.Resampling.LANCZOS)


def label(draw: ImageDraw, text: str, x: int, y: int, size: int, colour: str, bold: bool = False) -> None:
    """Write ``text`` with its middle at (x, y)."""
    draw.text((x, y), text, fill=colour, font=_font(size, bold), anchor="mm")


def _font(size: int, bold: bool) -> FreeTypeFont:
    """matplotlib's own font: the same letters on every machine."""
    from pathlib import Path

    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)


def short(name: str, most: int = 22) -> str:
    """The last part of a path, and the one before it where the last is but a number; the middle left out where it is long."""
    *above, name = name.split("/")
    if above and name.isdecimal():
        name = f"{above[-1]}/{name}"
    return name if len(name) <= most else name[: most // 2 - 1] + "…" + name[-(most // 2) :]


@dataclass(frozen=True)
class Curve:
    """One metric over the number of samples: ``points`` by that number."""

    metric: str
    points: dict[int, Mapping[str, Any]]


def curves(scores: Mapping[str, Mapping[str, Any]]) -> list[Curve]:
    """The metrics that were taken at several numbers of samples, ``NAME@3``, ``NAME@10`` and so on."""
    found: dict[str, dict[int, Mapping[str, Any]]] = {}
    for name, score in scores.items():
        metric, at, count = name.rpartition("@")
        if at and count.isdigit():
            found.setdefault(metric, {})[int(count)] = score
    return [Curve(metric, dict(sorted(points.items()))) for metric, points in found.items() if len(points) > 1]


def curve_svg(curve: Curve, model: str, published: Iterable[Published]) -> str:
    """A curve as SVG: this run with its 95 % intervals, and what papers published for the same task."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "zoo", "font.size": 10, "axes.edgecolor": MUTED, "text.color": INK}):
        figure = Figure(figsize=(7.6, 4.0), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        shades = ("#334155", "#0891b2", "#7c3aed", "#a16207", "#16a34a", "#db2777", "#2563eb", "#65a30d", "#94a3b8")
        for i, one in enumerate(published):
            points = {k: one.metrics[f"{curve.metric}@{k}"] for k in _counts(one, curve.metric)}
            if len(points) < 2:
                continue
            same = one.model == model
            colour = ACCENT if same else shades[i % len(shades)]
            axes.plot(
                list(points), list(points.values()), color=colour, lw=1.8 if same else 1.0, ls="--", marker="o", ms=3,
                alpha=1.0 if same else 0.75, label=f"{one.model}, published",
            )  # fmt: skip
        counts = list(curve.points)
        low, high = [curve.points[k]["low"] for k in counts], [curve.points[k]["high"] for k in counts]
        axes.fill_between(counts, low, high, color=ACCENT, alpha=0.15, lw=0)
        values = [curve.points[k]["value"] for k in counts]
        axes.plot(counts, values, color=ACCENT, lw=2.4, marker="o", ms=5, label=f"{model}, this run")
        axes.set_xscale("log")
        axes.set_xticks(counts, [str(k) for k in counts])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel("samples an item")
        axes.set_ylabel(f"{curve.metric} ({curve.points[counts[0]]['unit']})")
        axes.grid(axis="y", color=LINE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], frameon=False, fontsize=8.5, loc="center left", bbox_to_anchor=(1.01, 0.5))
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _counts(one: Published, metric: str) -> list[int]:
    counts = [name.rpartition("@")[2] for name in one.metrics if name.rpartition("@")[0] == metric]
    return sorted(int(count) for count in counts if count.isdigit())
