"""Figures of panels beside each other, and of pictures in rows, for the benchmarks that draw them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from zoo.utils.files import whole_file
from zoo.utils.sheet import LINE


def axes_of(panels: int, width: float, height: float) -> tuple[Any, Any]:
    """A figure, and the axes of its panels, each so many inches wide and high."""
    figure, rows = _figure(1, panels, width, height)
    for one in rows[0]:
        one.grid(color=LINE, lw=0.6)
        one.set_axisbelow(True)
        one.spines[["top", "right"]].set_visible(False)
    return figure, rows[0]


def save_ways(shown: Mapping[str, Tensor], path: Path) -> None:
    """A column for each title, with a picture of each item in the item's row."""
    (rows,) = {len(fields) for fields in shown.values()}
    figure, axes = _figure(rows, len(shown), 1.1, 1.1 + 0.2 / rows)
    for column, (title, fields) in enumerate(shown.items()):
        axes[0, column].set_title(title, fontsize=9)
        for panel, field in zip(axes[:, column], fields, strict=True):
            panel.imshow(field.expand(3, -1, -1).permute(1, 2, 0).clamp(0, 1).numpy())
            panel.axis("off")
    save(figure, path)


def save(figure: Any, path: Path) -> None:
    with whole_file(path) as part:
        figure.savefig(part, format="png", dpi=140)


def _figure(rows: int, columns: int, width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)
